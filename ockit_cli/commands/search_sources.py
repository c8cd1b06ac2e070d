"""The indexes and live sources that one run of ``ockit search`` looks into, opened together.

Knows how their answers become one, and warns of those that fail while others answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ockit.commands.invocation import Invocation
from ockit.errors import InterruptedByUser, OckitError, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ockit.index.search.options import SearchOptions
    from ockit.messages import Passage
    from ockit.protocols import Reranker, Retrieved, Retriever


_IN_A_ROW = 3
"""Failures after which a source is asked no more: each may take as long as it is waited for."""


@dataclass
class Sources:
    """What is searched and how; the best of all of them, by how sure each is.

    Attributes:
        retrievers: those that are asked; one that fails `_IN_A_ROW` times in a row is so no more.
        warn: is told once of each that fails while others do not.
        failed: what each of those failed with first, by name, be it for one question.
        retrieval: of the last question, for each name ``ok``, ``nothing_found`` or ``failed``.
    """

    retrievers: list[Retriever]
    options: SearchOptions
    warn: Callable[[str], None]
    failed: dict[str, OckitError] = field(default_factory=dict)
    retrieval: dict[str, str] = field(default_factory=dict)
    _in_a_row: dict[str, int] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def opened(
        cls, run: Invocation, names: Sequence[str], options: SearchOptions, rerank: str | None
    ) -> Iterator[Sources]:
        """Open them, and close them in the end. Raises OckitError where none of them can be opened."""
        from ockit.index.opening import LocalRetriever, open_retrievers

        with ExitStack() as stack:
            failed: dict[str, OckitError] = {}
            chosen = [name for name in names if name]
            retrievers = open_retrievers(chosen, run.environment, worker=run.worker, failed=failed)
            if not retrievers:
                raise next(iter(failed.values()))
            if not chosen and len(retrievers) + len(failed) > 1:
                run.console.notice(f"searched {', '.join([r.name for r in retrievers])}; -i NAME takes one")
            for retriever in retrievers:
                stack.callback(retriever.close)
            live = [r.name for r in retrievers if not isinstance(r, LocalRetriever)]
            narrowed = options.paths or options.types or options.since is not None or options.mode != "both"
            if live and (narrowed or options.window is not None):
                raise UsageError(
                    f"{live[0]} is a live source: it takes a question and -k alone",
                    hint=f"leave out -i {live[0]}",
                )
            if rerank is not None:
                from ockit.engines.embedders import open_reranker

                reranker: Reranker = open_reranker(rerank, run.environment)
                stack.callback(reranker.close)
                options = replace(options, reranker=reranker)
            sources = cls(retrievers, options, run.console.warning)
            for name, error in failed.items():
                sources._note(name, error)
                sources._in_a_row[name] = _IN_A_ROW
            yield sources

    @property
    def names(self) -> str:
        """What is searched, for a message."""
        return ", ".join(retriever.name for retriever in self.retrievers)

    def vectors(self, queries: Sequence[str]) -> list[dict[str, NDArray[np.float32]]]:
        """For each question its vector in each of the indexes, by name, all embedded at once."""
        from ockit.index.opening import LocalRetriever

        found: list[dict[str, Any]] = [{} for _ in queries]
        known: dict[str, NDArray[np.float32]] = {}
        for retriever in self.retrievers:
            if isinstance(retriever, LocalRetriever) and self.options.mode != "bm25":
                embedder = retriever.facts.embedder.identity
                if embedder not in known:
                    try:
                        known[embedder] = retriever.vectors(queries)
                    except InterruptedByUser:
                        raise
                    except OckitError:
                        continue  # the search of this one fails with it, and tells
                for vectors, vector in zip(found, known[embedder], strict=True):
                    vectors[retriever.name] = vector
        return found

    def search(self, query: str, vectors: dict[str, NDArray[np.float32]] | None = None) -> Retrieved:
        """The best passages of all of them; of a file that two of them hold, what is shown of it once. Raises
        OckitError where each of them fails."""
        from ockit.protocols import Retrieved

        found: dict[str, Retrieved] = {}
        for retriever in list(self.retrievers):
            try:
                found[retriever.name] = self._asked(retriever, query, vectors or {})
            except InterruptedByUser:
                raise
            except OckitError as error:
                if not found and retriever is self.retrievers[-1]:
                    raise
                self._failed(retriever, error)
            else:
                self._in_a_row[retriever.name] = 0
        self.retrieval = {name: "ok" if one.passages else "nothing_found" for name, one in found.items()}
        self.retrieval |= {name: "failed" for name, times in self._in_a_row.items() if times}
        return Retrieved(
            tuple(_once([p for one in found.values() for p in one.passages])[: self.options.k]),
            sum(one.searched or 0 for one in found.values()),
            tuple(dict.fromkeys(notice for one in found.values() for notice in one.notices)),
        )

    def _asked(self, retriever: Retriever, query: str, vectors: dict[str, NDArray[np.float32]]) -> Retrieved:
        from ockit.index.opening import LocalRetriever

        if isinstance(retriever, LocalRetriever):
            return retriever.search(query, self.options, vector=vectors.get(retriever.name))
        return retriever.retrieve(query, self.options.k)

    def _failed(self, retriever: Retriever, error: OckitError) -> None:
        """Go on without one for this question, or for all that come."""
        name = retriever.name
        self._note(name, error)
        self._in_a_row[name] = self._in_a_row.get(name, 0) + 1
        if self._in_a_row[name] == _IN_A_ROW:
            self.retrievers.remove(retriever)
            self.warn(f"{name} failed {_IN_A_ROW} times in a row and is asked no more: {error}")

    def _note(self, name: str, error: OckitError) -> None:
        if name not in self.failed:
            self.failed[name] = error
            self.warn(f"{name} was not searched: {error}" + (f" ({error.hint})" if error.hint else ""))


def _once(passages: Sequence[Passage]) -> list[Passage]:
    """Passages by their scores, without those of which another index shows a part that scores as well or better."""
    kept: list[Passage] = []
    for passage in sorted(passages, key=lambda passage: -passage.score):
        if not any(_same_place(passage, other) for other in kept):
            kept.append(passage)
    return kept


def _same_place(one: Passage, other: Passage) -> bool:
    if one.index == other.index or not one.file or one.file != other.file:
        return False
    if one.start_line is None or other.start_line is None:
        return (one.page, one.text) == (other.page, other.text)
    return one.start_line <= (other.end_line or 0) and other.start_line <= (one.end_line or 0)


def answer_json(query: str, passages: Sequence[Passage], retrieval: dict[str, str]) -> dict[str, object]:
    """A question and its passages as they are printed in JSON, with how the search of each source went."""
    return {"query": query, "passages": [asdict(passage) for passage in passages], "retrieval": retrieval}
