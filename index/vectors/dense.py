"""The nearest vectors of an index. Always right, however old or damaged the cache: what the cache lacks is compared one
by one, what it has too much is left out, and every score is computed from the vector in the store.

Knows vectors and their ids, not texts. An index of few vectors has no cache, and is searched without importing faiss.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from ockit.errors import UsageError
from ockit.index.vectors import building, manifest
from ockit.index.vectors.manifest import Manifest, UnfitCache
from ockit.index.vectors.rows import NewerRows, among, widened

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ockit.index.store.index_store import IndexStore
    from ockit.index.vectors.faiss_cache import FaissCache
    from ockit.index.vectors.rows import Found

FEW_ALLOWED = 4096
"""Up to so many ids that may be found are compared one by one."""

_TRIES = 3
_REPLACING_S = 0.1
"""The file and its manifest are replaced one after the other."""


class DenseIndex:
    """Search by vectors in one store.

    Args:
        store: open for as long as this is used.

    Attributes:
        notices: what the person should know (a cache that cannot be used), in sentences; the caller clears it.
    """

    def __init__(self, store: IndexStore) -> None:
        self.notices: list[str] = []
        self._store = store
        self._identity = ""
        self._manifest_stamp: tuple[int, int] | None = None
        self._manifest: Manifest | None = None
        self._cache: FaissCache | None = None
        self._newer = NewerRows(store, 0)

    def nearest(
        self, vectors: NDArray[np.float32], k: int, allowed: Collection[int] | None = None
    ) -> list[list[tuple[int, float]]]:
        """For each of `vectors`, of shape (n, dimension), at most `k` pairs (id of a vector that has a chunk, cosine),
        best first.

        Args:
            allowed: ids of the vectors that alone may be found.

        Raises:
            UsageError: `vectors` has another dimension than the index.
            StoreError: the store cannot be read.
        """
        import numpy as np

        asked = np.atleast_2d(np.asarray(vectors, dtype=np.float32))
        dimension = self._store.facts.embedder.dimension
        if asked.shape[1] != dimension:
            raise UsageError(
                f"the question's vector has {asked.shape[1]} numbers, those of the index {dimension}",
                hint=f"search with the embedder the index was made with: {self._store.facts.embedder.name}",
            )
        asked = asked / np.maximum(np.linalg.norm(asked, axis=1, keepdims=True), 1e-12)
        if k <= 0 or not len(asked):
            return [[] for _ in asked]
        if allowed is not None and len(allowed) <= FEW_ALLOWED:
            ids, halves = self._store.vectors(allowed, used=True)
            found = among(asked, np.array(ids, dtype=np.int64), widened(halves), k)
            return self._scored(asked, [found], k)[0]
        self._refreshed()
        chosen = None if allowed is None else np.fromiter(allowed, np.int64, len(allowed))
        wanted = k
        while True:
            sources, exhausted = self._candidates(asked, wanted, chosen)
            scored, short = self._scored(asked, sources, k)
            if exhausted or not short:
                return scored
            wanted *= 4  # some of what was found has left the index

    def refresh(self, progress: Callable[[int, int], None] | None = None) -> bool:
        """Make the cache anew, or add what it lacks, where that is worth it; whether it was written.

        Args:
            progress: told how many of how many vectors are in it; it may raise, which ends this, and the cache that
                was there stays.

        Raises:
            StoreError: the store is open for reading only, or the disk fails; the cache that was there stays.
        """
        self.close()
        return building.refresh(self._store, progress)

    def describe(self) -> dict[str, object]:
        """What is searched: ``kind`` (rows, flat or ivf), ``rows`` in the cache and its ``bytes``, ``behind`` (rows
        besides it)."""
        self._refreshed()
        found = self._manifest
        total = self._store.counts().vectors
        if found is None:
            return {"kind": "rows", "rows": 0, "behind": total, "bytes": 0}
        behind = self._store.vectors_after(found.last_id)
        return {"kind": found.kind, "rows": found.rows, "behind": behind, "bytes": found.size}

    def close(self) -> None:
        """Let the cache go; a later call maps it again."""
        self._cache, self._manifest, self._manifest_stamp = None, None, None
        self._newer = NewerRows(self._store, 0)

    def _candidates(
        self, asked: NDArray[np.float32], wanted: int, allowed: NDArray[np.int64] | None
    ) -> tuple[list[Found], bool]:
        """Enough ids from the rows and from the cache for each question, and whether these are all there are."""
        found = self._newer.nearest(asked, wanted, allowed)
        if self._cache is None:
            return [found], wanted >= self._newer.count
        from ockit.index.vectors.faiss_cache import SPARE

        taken = wanted * SPARE if self._cache.kind == "ivf" else wanted
        cached = self._cache.nearest(asked, taken, allowed)
        return [found, cached], wanted >= max(self._newer.count, self._cache.rows)

    def _scored(
        self, asked: NDArray[np.float32], sources: list[Found], k: int
    ) -> tuple[list[list[tuple[int, float]]], bool]:
        """The best of what was found and still has a chunk, and whether too little of what one source gave has."""
        import numpy as np

        every = np.unique(np.concatenate([ids for found in sources for ids, _ in found]))
        there, halves = self._store.vectors(every.tolist(), used=True)
        ids, matrix = np.array(there, dtype=np.int64), widened(halves)
        scored, short = [], False
        for question, *given in zip(asked, *sources, strict=True):
            mask = np.zeros(len(ids), bool)
            for candidates, _ in given:
                alive = np.isin(ids, candidates)
                short = short or (alive.sum() < min(k, len(candidates)))
                mask |= alive
            mine, cosines = ids[mask], matrix[mask] @ question
            order = np.lexsort((mine, -cosines))[:k]
            # as halves, vectors have length 1 within 0.0005
            scored.append([(int(mine[at]), min(1.0, max(-1.0, float(cosines[at])))) for at in order])
        return scored, short

    def _refreshed(self) -> None:
        """Map the cache that lies there now, where it has changed since the last question."""
        identity, stamp = self._store.identity, self._stamp()
        if identity == self._identity and stamp == self._manifest_stamp:
            return
        self.close()
        self._identity, self._manifest_stamp = identity, stamp
        if stamp is None:
            return
        try:
            self._load(identity)
        except UnfitCache as error:
            self.close()
            if not self._store.readonly:
                self.notices.append(f"the FAISS file of {self._store.place.name} was made anew: {error}")
                self._store.place.manifest.unlink(missing_ok=True)
                building.refresh(self._store, None)
                self._load(identity)
            else:
                self.notices.append(
                    f"the FAISS file of {self._store.place.name} cannot be used: {error}; every vector is compared, "
                    f"which is slow; ockit index --name {self._store.place.name} makes the file anew"
                )
            self._manifest_stamp = self._stamp()
        if self._manifest is not None:
            self._newer = NewerRows(self._store, self._manifest.last_id)

    def _load(self, identity: str) -> None:
        """Raises UnfitCache."""
        for left in reversed(range(_TRIES)):
            found = manifest.read(self._store.place)
            if found is None or found.identity != identity:  # of a store that was replaced: void, not damaged
                return
            try:
                self._cache = building.opened(self._store, found)
            except UnfitCache:
                if not left:
                    raise
                time.sleep(_REPLACING_S)
            else:
                self._manifest = found
                return

    def _stamp(self) -> tuple[int, int] | None:
        """Which manifest lies there."""
        try:
            found = self._store.place.manifest.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns
