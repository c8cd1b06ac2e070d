"""The indexes and live sources that one run of ``ockit search`` looks into, opened together.

Knows how their answers become one; prints nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from ockit.commands.invocation import Invocation
from ockit.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ockit.index.search.options import SearchOptions
    from ockit.messages import Passage
    from ockit.protocols import Reranker, Retrieved, Retriever


@dataclass
class Sources:
    """What is searched and how; the best of all of them, by how sure each is."""

    retrievers: Sequence[Retriever]
    options: SearchOptions

    @classmethod
    @contextmanager
    def opened(
        cls, run: Invocation, names: Sequence[str], options: SearchOptions, rerank: str | None
    ) -> Iterator[Sources]:
        """Open them, and close them in the end."""
        from ockit.index.opening import LocalRetriever, open_retrievers

        with ExitStack() as stack:
            retrievers = open_retrievers([name for name in names if name], run.environment, worker=run.worker)
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
            yield cls(retrievers, options)

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
                    known[embedder] = retriever.vectors(queries)
                for vectors, vector in zip(found, known[embedder], strict=True):
                    vectors[retriever.name] = vector
        return found

    def search(self, query: str, vectors: dict[str, NDArray[np.float32]] | None = None) -> Retrieved:
        """The best passages of all of them."""
        from ockit.index.opening import LocalRetriever
        from ockit.protocols import Retrieved

        found = []
        for retriever in self.retrievers:
            if isinstance(retriever, LocalRetriever):
                vector = vectors.get(retriever.name) if vectors else None
                found.append(retriever.search(query, self.options, vector=vector))
            else:
                found.append(retriever.retrieve(query, self.options.k))
        if len(found) == 1:
            return found[0]
        passages = sorted((p for one in found for p in one.passages), key=lambda passage: -passage.score)
        return Retrieved(
            tuple(passages[: self.options.k]),
            sum(one.searched or 0 for one in found),
            tuple(notice for one in found for notice in one.notices),
        )


def answer_json(query: str, passages: Sequence[Passage]) -> dict[str, object]:
    """A question and its passages as they are printed in JSON."""
    return {"query": query, "passages": [asdict(passage) for passage in passages]}
