"""The FAISS index of a cache: laid out, filled, mapped, asked. The only module that imports faiss.

Two kinds. Up to `FLAT_ROWS` every vector stands as float16 and every one is compared: exact. Above, vectors stand as
bytes (one a number) in about 4 * sqrt(rows) lists by nearness, a sixth of which are read for a question; its caller
compares the best of them again by the vectors of the store. Files are FAISS's own, without pickles.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ockit.index.vectors.manifest import CacheKind, UnfitCache

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ockit.index.vectors.rows import Found

FLAT_ROWS = 65_536
"""Up to here comparing with every vector takes less than 5 ms."""

PROBED = 1 / 6
"""Share of the lists that are read. Of 6,700 sentences by MiniLM in 256 lists, 0.984 of the 20 nearest are then found;
the more vectors and lists there are, the more of them."""

SPARE = 3
"""How many times the wanted number is taken from the lists, to be compared again."""

_SAMPLES_PER_LIST = 40
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_ROUNDS = 8
_SEED = 1234


def kind_for(rows: int) -> CacheKind:
    """The kind of a cache of so many vectors."""
    return "flat" if rows <= FLAT_ROWS else "ivf"


def lists_for(rows: int) -> int:
    """How many lists: a power of two near 4 * sqrt(rows)."""
    import math

    return int(2 ** round(math.log2(4 * math.sqrt(rows))))


def samples_for(rows: int) -> int:
    """How many vectors are enough to lay out the lists."""
    return min(rows, lists_for(rows) * _SAMPLES_PER_LIST)


class FaissCache:
    """One FAISS index, in memory while it is made, mapped when it is asked."""

    def __init__(self, index: Any, kind: CacheKind) -> None:
        self._index = index
        self.kind = kind

    @classmethod
    def flat(cls, dimension: int) -> FaissCache:
        """An empty one that is exact."""
        import faiss

        quantizer = faiss.ScalarQuantizer.QT_fp16
        return cls(
            faiss.IndexIDMap(faiss.IndexScalarQuantizer(dimension, quantizer, faiss.METRIC_INNER_PRODUCT)),
            "flat",
        )

    @classmethod
    def ivf(cls, sample: NDArray[np.float32], rows: int) -> FaissCache:
        """An empty one with lists for `rows` vectors, laid out by a sample of them of shape (n, dimension)."""
        import faiss

        dimension, lists = sample.shape[1], lists_for(rows)
        coarse = faiss.IndexFlatIP(dimension)
        index = faiss.IndexIVFScalarQuantizer(
            coarse, dimension, lists, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
        )
        index.cp.niter, index.cp.seed = _ROUNDS, _SEED
        index.cp.max_points_per_centroid, index.cp.min_points_per_centroid = _SAMPLES_PER_LIST, 1
        index.cp.spherical = True
        index.train(sample)
        return cls(index, "ivf")

    @classmethod
    def load(
        cls, path: Path, kind: CacheKind, dimension: int, rows: int, *, mapped: bool = True
    ) -> FaissCache:
        """The one in a file.

        Args:
            mapped: for asking; else it is read into memory, where it can be changed.

        Raises:
            UnfitCache: it is none, or another than it should be.
        """
        import faiss

        try:
            index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC if mapped else 0)
        except RuntimeError as error:
            raise UnfitCache("FAISS cannot read it") from error
        expected = faiss.IndexIVFScalarQuantizer if kind == "ivf" else faiss.IndexIDMap
        if not isinstance(index, expected) or (index.d, index.ntotal) != (dimension, rows):
            raise UnfitCache(
                f"it is another than its manifest says ({index.ntotal} vectors of {index.d} numbers)"
            )
        return cls(index, kind)

    @property
    def rows(self) -> int:
        """How many vectors it holds."""
        return int(self._index.ntotal)

    def add(self, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        """Add vectors of shape (n, dimension)."""
        self._index.add_with_ids(vectors, ids)

    def drop(self, ids: NDArray[np.int64]) -> None:
        """Take vectors out."""
        import faiss

        self._index.remove_ids(faiss.IDSelectorBatch(ids))

    def ids(self) -> NDArray[np.int64]:
        """The ids of its vectors, in any order."""
        import faiss
        import numpy as np

        if self.kind == "flat":
            return np.array(faiss.vector_to_array(self._index.id_map))
        lists = self._index.invlists
        parts = [
            faiss.rev_swig_ptr(lists.get_ids(number), lists.list_size(number)).copy()
            for number in range(lists.nlist)
            if lists.list_size(number)
        ]
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)

    def write(self, path: Path) -> None:
        """Write it to a file, and see that it can be read. Raises OSError."""
        import faiss

        try:
            faiss.write_index(self._index, str(path))
            # FAISS is silent where closing the file fails
            self.load(path, self.kind, self._index.d, self.rows)
        except (RuntimeError, UnfitCache) as error:
            text = str(error)
            number = next((code for code in _FULL if os.strerror(code) in text), errno.EIO)
            raise OSError(number, os.strerror(number), str(path)) from error

    def nearest(self, vectors: NDArray[np.float32], k: int, allowed: NDArray[np.int64] | None) -> Found:
        """About `k` for each of `vectors`, of shape (n, dimension): exactly those where it is flat, else candidates
        with inner products that are not exact.

        Args:
            allowed: ids that alone may be found.
        """
        import numpy as np

        scores, ids = self._index.search(
            np.ascontiguousarray(vectors), min(k, self.rows), params=self._parameters(allowed)
        )
        return [(row[row >= 0], score[row >= 0]) for row, score in zip(ids, scores, strict=True)]

    def _parameters(self, allowed: NDArray[np.int64] | None) -> Any:
        import faiss
        import numpy as np

        api: Any = faiss  # its stubs know the classes of C++, not what Python's constructors take
        selector, share = None, 1.0
        if allowed is not None:
            bits = np.zeros(int(allowed.max(initial=0)) + 1, np.uint8)
            bits[allowed] = 1
            selector = api.IDSelectorBitmap(np.packbits(bits, bitorder="little"))
            share = len(allowed) / max(1, self.rows)
        if self.kind == "flat":
            return None if selector is None else api.SearchParameters(sel=selector)
        # where few may be found, they are spread over more lists
        probes = int(self._index.nlist * min(1.0, PROBED / max(share, PROBED)))
        return api.SearchParametersIVF(
            nprobe=max(1, probes), **({} if selector is None else {"sel": selector})
        )


def fill(cache: FaissCache, slabs: Iterable[tuple[NDArray[np.int64], NDArray[np.float32]]]) -> int:
    """Add slab after slab; the highest id that was added, 0 for none."""
    last = 0
    for ids, vectors in slabs:
        cache.add(ids, vectors)
        last = int(ids[-1])
    return last
