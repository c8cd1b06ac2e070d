"""Ranks the chunks of an index for a question: by words, by vectors, or by both.

Knows the store and its vectors; what is shown of a chunk is not its business.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ockit.index.search.fuse import fused, lifted
from ockit.index.search.options import Mode
from ockit.index.search.query_words import match_expression
from ockit.index.store.index_store import IndexStore
from ockit.index.store.rows import StoredChunk
from ockit.index.vectors.dense import DenseIndex

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEPTH = 100  # chunks that each way of searching gives
_WEIGHTS = (1.0, 2.0, 1.5)  # of the text, of headings and definitions, of the path, in BM25


@dataclass(frozen=True)
class Ranked:
    """Chunks, best first.

    Attributes:
        hits: the chunks.
        scores: of each, by its id; comparable within one search only.
        cosines: of each with the question, by its id; empty where no vectors were asked.
    """

    hits: list[StoredChunk]
    scores: dict[int, float]
    cosines: dict[int, float]


def ranked(
    store: IndexStore,
    dense: DenseIndex,
    terms: list[str],
    vector: NDArray[np.float32] | None,
    files: Collection[int] | None,
    *,
    depth: int = DEPTH,
) -> Ranked:
    """The chunks that may answer a question. Raises StoreError.

    Args:
        terms: its words; none: vectors alone.
        vector: its vector, of shape (dimension,); None: words alone.
        files: ids of the files that are looked at; None: all.
    """
    words = (
        dict(store.lexical(match_expression(terms), depth, weights=_WEIGHTS, files=files)) if terms else {}
    )
    near = _nearest(store, dense, vector, files, depth) if vector is not None else {}
    chunks = store.chunks([*words, *(number for number in near if number not in words)])
    cosines = {} if vector is None else _cosines(store, chunks, vector)
    if vector is None:
        scores = {c.id: words[c.id] for c in chunks}
    elif not terms:
        scores = {c.id: cosines.get(c.id, 0.0) for c in chunks}
    else:
        scores = fused({c.id: words[c.id] for c in chunks if c.id in words}, cosines, depth)
        scores = lifted(scores, {c.id: (c.file_id, c.ordinal) for c in chunks})
    hits = sorted(chunks, key=lambda chunk: (-scores[chunk.id], chunk.path, chunk.ordinal))
    return Ranked(hits, scores, cosines)


def parts(mode: Mode, terms: list[str]) -> tuple[bool, bool]:
    """Whether words and whether vectors are asked, for a mode and a question's words."""
    return mode != "dense" and bool(terms), mode != "bm25"


def _nearest(
    store: IndexStore,
    dense: DenseIndex,
    vector: NDArray[np.float32],
    files: Collection[int] | None,
    depth: int,
) -> dict[int, float]:
    allowed = None if files is None else store.vectors_of_files(files)
    (found,) = dense.nearest(vector[None, :], depth, allowed=allowed)
    cosines = dict(found)
    within = None if files is None else set(files)
    of_vector = store.chunks_of_vectors(cosines)
    near = {chunk: cosines[number] for number, chunks in of_vector.items() for chunk in chunks[:_SAME]}
    if within is None:
        return near
    return {c.id: near[c.id] for c in store.chunks(list(near)) if c.file_id in within}


_SAME = 4  # copies of one text that are looked at: a hundred equal licences are one answer


def _cosines(store: IndexStore, chunks: list[StoredChunk], vector: NDArray[np.float32]) -> dict[int, float]:
    """Of every chunk with the question, from the stored vectors."""
    import numpy as np

    ids, vectors = store.vectors({chunk.vector_id for chunk in chunks})
    if not ids:
        return {}
    found = dict(zip(ids, (vectors.astype(np.float32) @ vector).tolist(), strict=True))
    return {chunk.id: found[chunk.vector_id] for chunk in chunks if chunk.vector_id in found}
