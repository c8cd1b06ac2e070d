"""The check of an answer while it is written: clause by clause, each with the words before it.

A clause is handed over once it is whole, and the model writes on meanwhile; where checks are slower than the model,
the clauses that came since go together. Where the policy can stop an answer, nothing is passed on before it was read;
else everything is passed on at once. Where a back end is too slow for clauses, the whole answer is read once more at
its end, and not shown before where it can be stopped. Knows no guard (it is handed one errand a text) and no
conversation.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from ockit.assistant.checked import Checked, shifted
from ockit.assistant.errands import Errand
from ockit.assistant.waiting import Stop
from ockit.errors import WorkerError
from ockit.events import End, Event, Token
from ockit.messages import Verdict
from ockit.moderation.policy.gravity import gravity
from ockit.moderation.policy.policy import STOPPING

LONGEST_CLAUSE = 24
"""Tokens after which a clause ends without a mark."""

SHORTEST_CLAUSE = 4
"""Tokens below which a mark ends none: a list of numbers would be checked at every one of them."""

CONTEXT_TOKENS = 32
"""Tokens before a clause that are read with it."""

LAST_WORD_S = 1.0
"""How long a turn that was stopped waits for the check of what is held back; after that it is dropped unseen."""

LAST_CLAUSES_S = 3.0
"""How long an answer that is over, and was shown, waits for the check of its last clauses, which takes milliseconds
where nothing hangs."""

_GLANCE_S = 0.02
_MARKS = frozenset(".,;:!?\n…。，；：！？、।؟")


class Watch:
    """Reads one answer along.

    Args:
        begin: begins the check of a clause with what stands before it.
        whole: begins the check of the whole answer at its end; None where its clauses tell enough.
        holds: whether text waits for its check.
        stop: whether the person wants the turn to end.
        before: the answer so far, where it goes on.
        trims: whether white space in front of the answer is dropped, so that places count from behind it.

    Attributes:
        worst: the strictest that was made of any part; None where nothing was checked.
        banners: what the person should know of the check itself.
        cut: whether the answer was stopped.
        recorded: what was made of the whole answer by a check of it, which the record has; None where there was none.
    """

    def __init__(
        self,
        begin: Callable[[str], Errand[Checked]],
        *,
        holds: bool,
        stop: Stop,
        before: str = "",
        whole: Callable[[str], Errand[Checked]] | None = None,
        trims: bool = False,
    ) -> None:
        self._begin = begin
        self._at_end = whole
        self._came = [before]
        self._read_to = len(before)  # characters that were judged
        self._shift = 0  # where the text that is being judged begins in the answer
        self._trims = trims
        self._read: list[Token] = []  # clauses that were judged and wait for the check of the whole
        self._holds = holds
        self._stop = stop
        self._context: deque[tuple[str, int]] = deque([(before[-4 * CONTEXT_TOKENS :], CONTEXT_TOKENS)])
        self._open: list[Token] = []  # the clause that is being written
        self._whole: list[Token] = []  # clauses that wait for their check
        self._under: list[Token] = []  # those that are being checked
        self._errand: Errand[Checked] | None = None
        self.worst: Checked | None = None
        self.banners: list[str] = []
        self.cut = False
        self.recorded: Checked | None = None

    @property
    def text(self) -> str:
        """The whole answer as far as it came, with what was never passed on of it."""
        text = "".join(self._came)
        return text.lstrip() if self._trims else text

    def over(self, events: Iterable[Event], cancel: Callable[[], None]) -> Iterator[Event]:
        """The events of an answer, its text checked. `cancel` stops the model once the answer is to end; the End says
        ``refused`` then, and what was not passed on is gone. Where a stop does not wait for the check of what is held
        back, that is gone as well, and the End says ``interrupted``: the answer can go on.

        Raises:
            WorkerError: as the events do, once what came before has been checked and passed on.
        """
        try:
            for event in events:
                if isinstance(event, Token):
                    over = self.cut  # the model writes on until it has heard
                    if not over:
                        yield from self._take(event)
                    if self.cut and not over:
                        cancel()
                elif isinstance(event, End):
                    yield from self._rest(hurried=event.finish_reason == "interrupted" and not self.cut)
                    lost = bool(self._held)
                    reason = "refused" if self.cut else "interrupted" if lost else event.finish_reason
                    verbatim = event.verbatim and not (self.cut or lost)
                    yield replace(event, finish_reason=reason, verbatim=verbatim)
                else:
                    yield event
        except WorkerError:
            yield from self._rest(hurried=True)
            raise

    @property
    def _held(self) -> list[Token]:
        return [*self._read, *self._under, *self._whole, *self._open] if self._holds else []

    def _take(self, token: Token) -> Iterator[Token]:
        if not self._holds:
            yield token
        self._open.append(token)
        self._came.append(token.text)
        if ends_clause(self._open):
            self._whole += self._open
            self._open = []
        if self._errand is not None and self._errand.settled(0):
            yield from self._judged(self._errand.wait())
        self._go_on()

    def _go_on(self) -> None:
        """Begin the next check, where none runs and there is something to check."""
        if self._errand is None and self._whole and not self.cut:
            self._under, self._whole = self._whole, []
            before = "".join(text for text, _ in self._context)
            dropped = len("".join(self._came)) - len(self.text)
            self._shift = self._read_to - len(before) - dropped
            self._errand = self._begin(before + _text(self._under))

    def _judged(self, checked: Checked) -> Iterator[Token]:
        """A check is done: what it was about is passed on, or the answer ends."""
        under, self._under, self._errand = self._under, [], None
        self._read_to += len(_text(under))
        self._count(replace(checked, verdict=shifted(checked.verdict, self._shift)))
        if self.cut:
            return
        if self._holds and self._at_end is not None:
            self._read += under
        elif self._holds:
            yield from under
        self._context.extend((token.text, len(token.ids)) for token in under)
        while (
            len(self._context) > 1
            and sum(n for _, n in self._context) - self._context[0][1] >= CONTEXT_TOKENS
        ):
            self._context.popleft()

    def _count(self, checked: Checked) -> None:
        self.banners += checked.banners
        self.worst = checked if self.worst is None else strictest(self.worst, checked)
        if checked.verdict.action in STOPPING:
            self.cut, self._read, self._whole, self._open = True, [], [], []

    def _rest(self, *, hurried: bool) -> Iterator[Token]:
        """The answer is over: check what is left. `hurried`: the person waits for the end and not for the check."""
        self._whole += self._open
        self._open = []
        until = time.monotonic() + LAST_WORD_S if hurried else float("inf")
        patience = until if self._holds else min(until, time.monotonic() + LAST_CLAUSES_S)
        self._go_on()
        while self._errand is not None:
            if not self._settled(self._errand, patience, hurried=hurried):
                self._give_up()
                return
            yield from self._judged(self._errand.wait())
            self._go_on()
        if self._at_end is None or self.cut or not self.text:
            return
        errand = self._at_end(self.text)
        if self._settled(errand, until, hurried=hurried):
            self.recorded = errand.wait()
            self._count(self.recorded)
            yield from self._read
            self._read = []

    def _give_up(self) -> None:
        """The last clauses stay unread. Where they were shown, the verdict says so, and the person reads it."""
        if self._holds:
            return
        reason = f"its last {len(_text(self._under + self._whole)):,} characters were not checked in time"
        self.banners.append(f"the answer: {reason}")
        if self.worst is None:
            late = Verdict(0, (), {}, (), "allow", reason, "none", 0.0, "timeout")
            self.worst = Checked(late, "", None)
        else:
            known = self.worst.verdict
            said = reason if known.action == "allow" else f"{known.reason}; {reason}"
            self.worst = replace(self.worst, verdict=replace(known, reason=said, status="timeout"))

    def _settled(self, errand: Errand[Checked], until: float, *, hurried: bool) -> bool:
        """Wait for a check; whether it is done before the person has had enough."""
        while not errand.settled(_GLANCE_S):
            if time.monotonic() >= until or (self._stop.asked and not hurried):
                return False
        return True


def ends_clause(tokens: Sequence[Token]) -> bool:
    """Whether these tokens are a whole clause: they end with a mark, or are as many as one may have."""
    count = sum(max(1, len(token.ids)) for token in tokens)
    if count >= LONGEST_CLAUSE:
        return True
    return count >= SHORTEST_CLAUSE and tokens[-1].text.rstrip(" ")[-1:] in _MARKS


def strictest(one: Checked, other: Checked) -> Checked:
    """The stricter of what was made of two parts of a text; its ``ms`` is that of both."""
    first = max(one, other, key=lambda checked: gravity(checked.verdict))
    return replace(first, verdict=replace(first.verdict, ms=one.verdict.ms + other.verdict.ms))


def _text(tokens: Iterable[Token]) -> str:
    return "".join(token.text for token in tokens)
