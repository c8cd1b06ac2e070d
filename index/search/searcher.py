"""Searches one index: ranks its chunks for a question, makes passages of the best, and says how sure it is.

Knows the store, its vectors and the embedder by their seams; prints nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import PurePath
from typing import TYPE_CHECKING

from ockit.engines.embedder_names import EMBEDDED
from ockit.errors import StoreError
from ockit.index.search.filters import accepted_files, an_indexed_path, described
from ockit.index.search.options import SearchOptions
from ockit.index.search.passages import Extract, extracts
from ockit.index.search.query_words import LONGEST_QUERY, affordable, query_terms
from ockit.index.search.question import Question, question_of
from ockit.index.search.ranking import DEPTH, Ranked, ranked
from ockit.index.search.sureness import floor, sureness
from ockit.index.store.facts import IndexFacts
from ockit.index.store.index_store import IndexStore
from ockit.index.store.rows import StoredChunk
from ockit.index.vectors.dense import DenseIndex
from ockit.messages import Passage
from ockit.protocols import Embedder, Retrieved

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FETCHED = 12  # chunks that are read at once
RERANKED = 30  # passages that a reranker reads
_LOOKED_AT = 3  # best passages of which the surest counts


@dataclass(frozen=True)
class _Looked:
    """What one look into the store gave: passages before they are shown, best first, with their scores."""

    facts: IndexFacts
    chunks: int
    cut: list[Extract] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    notices: tuple[str, ...] = ()


class Searcher:
    """Searches in one open index.

    Args:
        store: open for as long as this is used.
        dense: the same store's vectors.
        embedder: the one its vectors were made with; loaded when first needed.
    """

    def __init__(self, store: IndexStore, dense: DenseIndex, embedder: Embedder) -> None:
        self._store = store
        self._dense = dense
        self._embedder = embedder
        self._checked = False  # whether the embedder is that of the index
        self._counted: tuple[int, int] = (-1, 0)  # generation, chunks

    def vectors(self, queries: Sequence[str]) -> NDArray[np.float32]:
        """The vectors of many questions at once, of shape (n, dimension), for `search`.

        Raises:
            UsageError: the embedder is not the one that the index was made with.
            OckitError: it fails.
        """
        if not self._checked:
            facts = self._store.facts
            facts.check(self._embedder.load(), facts.chunker, facts.words)
            self._checked = True
        return self._embedder.embed([query[:LONGEST_QUERY] for query in queries], "query")

    def search(
        self, query: str, options: SearchOptions, *, vector: NDArray[np.float32] | None = None
    ) -> Retrieved:
        """The passages that answer a question, best first; none where nothing does.

        Args:
            vector: the question's, where it is known already.

        Raises:
            OckitError: the store or the embedder fails.
        """
        if options.mode != "bm25" and vector is None and query.strip():
            vector = self.vectors([query])[0]  # before the snapshot, which a writer waits for
        with self._store.snapshot():
            looked = self._looked(query, options, None if options.mode == "bm25" else vector)
        notices = (*self._dense.notices, *looked.notices)
        self._dense.notices.clear()
        cut, scores = looked.cut, looked.scores
        if options.reranker is not None and cut:
            scores = options.reranker.score(query[:LONGEST_QUERY], [extract.text for extract in cut])
            order = sorted(range(len(cut)), key=lambda at: -scores[at])
            cut, scores = [cut[at] for at in order], [scores[at] for at in order]
        passages = [
            _passage(extract, score, looked.facts)
            for extract, score in zip(cut[: options.k], scores[: options.k], strict=True)
        ]
        return Retrieved(tuple(passages), looked.chunks, notices)

    def _looked(self, query: str, options: SearchOptions, vector: NDArray[np.float32] | None) -> _Looked:
        """What the store has for a question, of one moment of it."""
        store = self._store
        looked = _Looked(store.facts, self._chunks())
        files = accepted_files(store, options)
        if files is not None and not files:
            told = f"no indexed file of {looked.facts.name} fits {' '.join(described(options))}"
            like = an_indexed_path(store) if options.paths else None
            return replace(looked, notices=(f"{told}; there is {like}, for one" if like else told,))
        terms = query_terms(query)
        with_words = options.mode != "dense" and bool(terms)
        if not looked.chunks or not query.strip() or not (with_words or vector is not None):
            return looked
        frequencies = store.term_frequencies(terms)
        asked = affordable(terms, frequencies) if with_words else []
        found = ranked(store, self._dense, asked, vector, files, depth=max(DEPTH, 4 * options.k))
        question = question_of(query, frequencies, looked.chunks)
        wanted = max(options.k, RERANKED) if options.reranker is not None else options.k
        # three at least are looked at, so that how sure the search is does not depend on how many are asked for
        cut = list(
            islice(
                extracts(store, _fetched(store, found.order), options, question.share),
                max(wanted, _LOOKED_AT),
            )
        )
        known = vector is not None and looked.facts.embedder.name == EMBEDDED
        counts = with_words or not known
        sure = max((_sure(one, found, question, known, counts) for one in cut[:_LOOKED_AT]), default=0.0)
        if options.floor and sure < floor(cosines=known, shares=counts):
            return looked
        scores = _falling([found.scores[extract.hit.id] for extract in cut[:wanted]], sure)
        return replace(looked, cut=cut[:wanted], scores=scores)

    def _chunks(self) -> int:
        generation = self._store.generation
        if self._counted[0] != generation:
            self._counted = (generation, self._store.counts().chunks)
        return self._counted[1]


def _fetched(store: IndexStore, ids: Sequence[int]) -> Iterator[StoredChunk]:
    """The chunks of these ids, read as they are needed."""
    for begin in range(0, len(ids), _FETCHED):
        yield from store.chunks(ids[begin : begin + _FETCHED])


def _sure(extract: Extract, found: Ranked, question: Question, known: bool, counts: bool) -> float:
    """How sure the search is of one passage; `known`: what a cosine means, `counts`: words are looked at."""
    hit = extract.hit
    said = f"{extract.text}\n{hit.chunk.heading}\n{hit.path}\n{hit.title}"
    return sureness(
        found.cosines.get(hit.id, 0.0) if known else None, question.share(said) if counts else None
    )


def _falling(scores: Sequence[float], top: float) -> list[float]:
    """The scores of passages as shares of how sure the search is of the best: they fall as the ranking's do."""
    best = max(scores, default=0.0)
    return [top * max(0.0, score) / best if best > 0 else 0.0 for score in scores]


def _passage(extract: Extract, score: float, facts: IndexFacts) -> Passage:
    hit = extract.hit
    if hit.root >= len(facts.roots):
        raise StoreError(
            f"the index {facts.name} is damaged: it has no folder {hit.root}, of which {hit.path} should be",
            hint=f"make it anew from its files: {facts.rebuild}",
        )
    if facts.kind == "files":
        file = str(PurePath(facts.roots[hit.root]) / hit.path)
    else:
        file = hit.path if hit.path.startswith(("http://", "https://")) else ""
    return Passage(
        path=hit.path,
        start_line=extract.start_line if hit.has_lines else None,
        end_line=extract.end_line if hit.has_lines else None,
        page=hit.chunk.page,
        heading=hit.chunk.heading,
        text=extract.text,
        score=round(score, 4),
        file=file,
        index=facts.name,
    )
