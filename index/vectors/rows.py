"""Exact search among vectors read from the store: what is newer than the cache, and all of a small index.

Needs numpy alone. It knows ids and vectors; whether a vector still has a chunk is for its caller to ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ockit.index.store.reading import Reading

    Found = list[tuple[NDArray[np.int64], NDArray[np.float32]]]
    """For each question the ids and inner products of what is nearest, in any order."""

KEPT_ROWS = 32_768
"""So many vectors are kept in memory from one question to the next (48 MiB of 384 numbers each)."""

_SLAB = 8192


class NewerRows:
    """The vectors of a store with ids above `after_id`. Ids are never used again, so those that were read stay right;
    those that come later are read when they are asked for."""

    def __init__(self, store: Reading, after_id: int) -> None:
        self._store = store
        self.after_id = after_id
        self.count = 0
        self._ids: list[NDArray[np.int64]] = []
        self._matrices: list[NDArray[np.float32]] = []

    def nearest(self, vectors: NDArray[np.float32], k: int, allowed: NDArray[np.int64] | None) -> Found:
        """At most `k` of them for each of `vectors`, of shape (n, dimension). Raises StoreError."""
        import numpy as np

        none = np.zeros(0, np.int64), np.zeros(0, np.float32)
        best: Found = [none for _ in range(len(vectors))]
        kept = sum(map(len, self._ids))
        self.count = 0
        for ids, matrix in zip(self._ids, self._matrices, strict=True):
            self.count += len(ids)
            best = _better(best, vectors, ids, matrix, k, allowed)
        last = int(self._ids[-1][-1]) if self._ids else self.after_id
        for ids, halves in self._store.vector_slabs(last, _SLAB):
            matrix = widened(halves)
            if kept + len(ids) <= KEPT_ROWS:
                self._ids.append(ids)
                self._matrices.append(matrix)
                kept += len(ids)
            else:
                kept = KEPT_ROWS  # what comes after a slab that was not kept is read again, too
            self.count += len(ids)
            best = _better(best, vectors, ids, matrix, k, allowed)
        return best


def among(vectors: NDArray[np.float32], ids: NDArray[np.int64], matrix: NDArray[np.float32], k: int) -> Found:
    """At most `k` of the rows of a matrix for each of `vectors`."""
    import numpy as np

    scores = vectors @ matrix.T
    if len(ids) <= k:
        return [(ids, row) for row in scores]
    places = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    return [(ids[place], row[place]) for place, row in zip(places, scores, strict=True)]


def widened(halves: NDArray[np.float16]) -> NDArray[np.float32]:
    """The same finite numbers as float32; ten times as fast as numpy's conversion where that is done one by one.

    The fields of a half are moved to where a float32 has them; the difference of the exponents' biases, 127 - 15, is
    made up for by a multiplication with 2**112, which is exact and makes subnormal numbers right, too.
    """
    import numpy as np

    bits = halves.view(np.uint16).astype(np.uint32)
    sign = bits & np.uint32(0x8000)
    np.bitwise_xor(bits, sign, out=bits)
    bits <<= 13
    sign <<= 16
    np.bitwise_or(bits, sign, out=bits)
    numbers = bits.view(np.float32)
    numbers *= np.float32(2.0**112)
    return numbers


def _better(
    best: Found,
    vectors: NDArray[np.float32],
    ids: NDArray[np.int64],
    matrix: NDArray[np.float32],
    k: int,
    allowed: NDArray[np.int64] | None,
) -> Found:
    import numpy as np

    if allowed is not None:
        mask = np.isin(ids, allowed)
        ids, matrix = ids[mask], matrix[mask]
    if not len(ids):
        return best
    joined: Found = []
    for (old_ids, old), (new_ids, new) in zip(best, among(vectors, ids, matrix, k), strict=True):
        all_ids, scores = np.concatenate((old_ids, new_ids)), np.concatenate((old, new))
        keep = np.argsort(-scores, kind="stable")[:k]
        joined.append((all_ids[keep], scores[keep]))
    return joined
