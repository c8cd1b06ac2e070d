"""Ranks the chunks of an index for a question: by words, by vectors, or by both.

Knows the store and its vectors; what is shown of a chunk is not its business.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ockit.index.search.fuse import fused, lifted
from ockit.index.search.query_words import match_expression
from ockit.index.store.index_store import IndexStore
from ockit.index.vectors.dense import DenseIndex

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEPTH = 100  # chunks that each way of searching gives
_SAME = 4  # copies of one text that are looked at: a hundred equal licences are one answer
_WEIGHTS = (1.0, 2.0, 1.5)  # of the text, of headings and definitions, of the path, in BM25


@dataclass(frozen=True)
class Ranked:
    """Chunks, best first, by their ids.

    Attributes:
        order: the ids.
        scores: of each; comparable within one search only.
        cosines: of each with the question; empty where no vectors were asked.
    """

    order: list[int]
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
    near = _nearest(store, dense, vector, files, depth) if vector is not None else []
    places = store.places([*words, *near])
    if files is not None:
        within = set(files)
        places = {chunk: place for chunk, place in places.items() if place[0] in within}
    words = {chunk: score for chunk, score in words.items() if chunk in places}
    cosines = {} if vector is None else _cosines(store, places, vector)
    if vector is None:
        scores = words
    elif not terms:
        scores = {chunk: cosines.get(chunk, 0.0) for chunk in places}
    else:
        scores = fused(words, cosines, depth)
        scores = lifted(scores, {chunk: places[chunk][:2] for chunk in scores})
    return Ranked(sorted(scores, key=lambda chunk: (-scores[chunk], chunk)), scores, cosines)


def _nearest(
    store: IndexStore,
    dense: DenseIndex,
    vector: NDArray[np.float32],
    files: Collection[int] | None,
    depth: int,
) -> list[int]:
    """The chunks whose vectors are nearest; of many with one vector a few."""
    allowed = None if files is None else store.vectors_of_files(files)
    (found,) = dense.nearest(vector[None, :], depth, allowed=allowed)
    of_vector = store.chunks_of_vectors([number for number, _ in found])
    if files is None:
        return [chunk for chunks in of_vector.values() for chunk in chunks[:_SAME]]
    return [chunk for chunks in of_vector.values() for chunk in chunks]


def _cosines(
    store: IndexStore, places: Mapping[int, tuple[int, int, int]], vector: NDArray[np.float32]
) -> dict[int, float]:
    """Of every chunk with the question, from the stored vectors."""
    import numpy as np

    ids, vectors = store.vectors({place[2] for place in places.values()})
    if not ids:
        return {}
    found = dict(zip(ids, (vectors.astype(np.float32) @ vector).tolist(), strict=True))
    return {chunk: found[place[2]] for chunk, place in places.items() if place[2] in found}
