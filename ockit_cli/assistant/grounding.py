"""What a chat may look into: the retrievers in use, opened while the person types, asked before a turn.

Whatever is done with a retriever is done in one thread of its own, so it need not bear several. One that fails is told
of, and the turn goes on without it. Knows no prompt (`ockit.assistant.grounding_prompt` does) and no index.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ockit.assistant.errands import Errands
from ockit.assistant.waiting import Stop
from ockit.errors import OckitError
from ockit.events import Notice
from ockit.messages import Passage
from ockit.protocols import Retrieved, Retriever

PASSAGES = 4
"""Passages of a turn, where nothing else is asked for: about 1,000 tokens."""

TAIL = 0.25
"""Below this share of the best score a passage is left out of a turn, though it was found."""

PATIENCE_S = 3.0
"""How long the end of a chat waits for its retrievers to close."""


@dataclass(frozen=True)
class Found:
    """What all retrievers together found.

    Attributes:
        passages: best first.
        notices: what the person should know: nothing found, a retriever that failed, what a retriever has to say.
        searched: the retrievers that answered, by name.
        retrieval: for each retriever that was asked, by name, ``ok``, ``nothing_found`` or ``failed``.
    """

    passages: tuple[Passage, ...] = ()
    notices: tuple[Notice, ...] = ()
    searched: tuple[str, ...] = ()
    retrieval: Mapping[str, str] = field(default_factory=dict)


class Grounding:
    """The retrievers of one chat.

    Args:
        open_named: opens a retriever by its name; is called in the retrievers' thread. Raises OckitError.
        names: those in use.
        k: passages of a turn at most.

    Attributes:
        names: those in use, in the order they were chosen.
        off: the person wants none, so that what was found before is not used again either.
    """

    def __init__(
        self, open_named: Callable[[str], Retriever], names: Sequence[str] = (), *, k: int = PASSAGES
    ) -> None:
        self._open = open_named
        self._errands = Errands("documents")
        self._opened: dict[str, Retriever] = {}  # touched by the errands alone
        self.names = tuple(dict.fromkeys(names))
        self.k = k
        self.off = False

    def use(self, names: Sequence[str]) -> None:
        """Use these from now on; they begin to open."""
        self.names = tuple(dict.fromkeys(names))
        self.off = not self.names
        self.warm()

    def warm(self) -> None:
        """Begin to open what is in use, and close what is not. What goes wrong is told by the `find` that needs it."""
        names = self.names
        if names or self._opened:
            self._errands.do(lambda: self._keep(names))

    def find(
        self, query: str, stop: Stop | None = None, *, k: int | None = None, alone: str | None = None
    ) -> Found:
        """The passages for a question, of all retrievers in use.

        Args:
            query: what is searched for on this machine; earlier questions may be in it.
            alone: what leaves this machine instead: an earlier question may have been asked while no service was in
                use. None: `query`.

        Raises:
            InterruptedByUser: `stop` was asked meanwhile.
        """
        names, most = self.names, self.k if k is None else k
        if not names:
            return Found()
        away = query if alone is None else alone
        return self._errands.do(lambda: self._ask(names, query, away, most)).wait(stop)

    def close(self) -> None:
        """Close what is open; a retriever that hangs is left to the end of the process."""
        self._errands.end(lambda: self._keep(()), PATIENCE_S)

    def _keep(self, names: Sequence[str]) -> None:
        for name in [name for name in self._opened if name not in names]:
            self._opened.pop(name).close()
        for name in names:
            self._retriever(name)

    def _retriever(self, name: str) -> Retriever:
        if name not in self._opened:
            self._opened[name] = self._open(name)
        return self._opened[name]

    def _ask(self, names: Sequence[str], query: str, away: str, k: int) -> Found:
        notices: list[Notice] = []
        answers: list[Retrieved] = []
        searched: list[str] = []
        for name in names:
            try:
                retriever = self._retriever(name)
                answers.append(retriever.retrieve(away if retriever.remote else query, k))
            except OckitError as error:
                notices.append(Notice(f"{name} was not searched: {error}", "index_failed"))
                if (failed := self._opened.pop(name, None)) is not None:  # the next turn opens it anew
                    failed.close()
            else:
                searched.append(name)
        notices += [Notice(said, "index") for answer in answers for said in answer.notices]
        retrieval = dict.fromkeys(names, "failed")
        for name, answer in zip(searched, answers, strict=True):
            retrieval[name] = "ok" if answer.passages else "nothing_found"
        passages = merged([answer.passages for answer in answers], k)
        if searched and not passages:
            notices.append(Notice(nothing_found(searched), "nothing_found"))
        return Found(passages, tuple(notices), tuple(searched), retrieval)


def merged(found: Sequence[Sequence[Passage]], k: int) -> tuple[Passage, ...]:
    """The best of several lists; a passage that two of them have counts once."""
    best: dict[tuple[object, ...], Passage] = {}
    for passage in (passage for passages in found for passage in passages):
        where = passage.file or (passage.index, passage.path)
        known = best.setdefault((where, passage.start_line, passage.end_line, passage.text), passage)
        if passage.score > known.score:
            best[where, passage.start_line, passage.end_line, passage.text] = passage
    return tuple(sorted(best.values(), key=lambda passage: -passage.score)[:k])


def worth(passages: Sequence[Passage]) -> tuple[Passage, ...]:
    """Those of a search that a model should read: none that is far behind the best, which would only mislead it."""
    best = max((passage.score for passage in passages), default=0.0)
    return tuple(passage for passage in passages if passage.score >= TAIL * best)


def nothing_found(names: Sequence[str]) -> str:
    """What the person is told before an answer that no document supports."""
    return f"nothing in {' or '.join(names)} is about this; what follows comes from the model alone"
