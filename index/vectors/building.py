"""The FAISS cache of a store: opened after its checks, made anew, or grown by what it lacks.

A cache is made by slabs of vectors, so that its memory is that of what FAISS holds and a sample to lay out its lists.
Small indexes have none. Between two runs a cache may lag behind: what is newer is compared one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ockit import files
from ockit.errors import OckitError, StoreError
from ockit.index.store.digests import digest_of
from ockit.index.store.writer_lock import writing
from ockit.index.vectors import manifest
from ockit.index.vectors.manifest import Manifest, UnfitCache
from ockit.index.vectors.rows import widened

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ockit.index.store.index_store import IndexStore
    from ockit.index.vectors.faiss_cache import FaissCache

Progress = Callable[[int, int], None]

SMALLEST = 10_000
"""An index of fewer vectors has no cache: reading and comparing them all takes less time than importing faiss."""

LAG = 2048
"""So many vectors may be newer than the cache before it is written again; comparing them takes about 4 ms."""

_TOO_MANY_GONE = 0.1
_GROWN = 2.0
_SLAB = 8192


def opened(store: IndexStore, found: Manifest) -> FaissCache:
    """The cache that a manifest speaks of, mapped. Raises UnfitCache."""
    from ockit.index.vectors.faiss_cache import FaissCache

    dimension = store.facts.embedder.dimension
    if found.dimension != dimension:
        raise UnfitCache(f"its vectors have {found.dimension} numbers instead of {dimension}")
    _checked(store, found)
    return FaissCache.load(store.place.vectors, found.kind, found.dimension, found.rows)


def _checked(store: IndexStore, found: Manifest) -> None:
    """Return where the file is the one its manifest speaks of. One that got another inode or date, as a copied index
    has, is read for that, and noted, so that it is read once. Raises UnfitCache."""
    place = store.place
    checked = manifest.check_file(found, place.vectors)
    if checked == found:
        return
    if not store.readonly:
        manifest.write(place, checked)
        return
    try:
        with writing(place):
            if manifest.read(place) == found:  # and not one that a writer has just made
                manifest.write(place, checked)
    except OckitError:  # it is being written, or may not be: whoever comes next reads the file once more
        pass


def refresh(store: IndexStore, progress: Progress | None) -> bool:
    """See `DenseIndex.refresh`."""
    if store.readonly:
        raise StoreError(
            f"the index {store.place.name} is open for reading only",
            hint=f"ockit index --name {store.place.name}",
        )
    total = store.vectors_after(0)
    if total < SMALLEST:
        for path in (store.place.manifest, store.place.vectors):
            path.unlink(missing_ok=True)
        return False
    try:
        found = manifest.read(store.place)
        if found is None or found.identity != store.identity:
            return _make(store, total, progress)
        newer = store.vectors_after(found.last_id)
        gone = found.rows - (total - newer)
        if newer <= LAG and gone <= _TOO_MANY_GONE * found.rows:
            _checked(store, found)
            return False
        if (
            found.kind == "ivf"
            and total <= _GROWN * found.trained_rows
            and gone <= _TOO_MANY_GONE * found.rows
        ):
            return _grow(store, found, total, progress)
    except UnfitCache:
        pass  # which is why it is made anew
    return _make(store, total, progress)


def _make(store: IndexStore, total: int, progress: Progress | None) -> bool:
    from ockit.index.vectors.faiss_cache import FaissCache, fill, kind_for, samples_for

    dimension, generation = store.facts.embedder.dimension, store.generation
    if kind_for(total) == "flat":
        cache = FaissCache.flat(dimension)
    else:
        cache = FaissCache.ivf(_sample(store, samples_for(total), progress), total)
    last = fill(cache, _slabs(store, 0, total, progress))
    return _keep(store, cache, generation, last, total)


def _grow(store: IndexStore, found: Manifest, total: int, progress: Progress | None) -> bool:
    import numpy as np

    from ockit.index.vectors.faiss_cache import FaissCache, fill

    _checked(store, found)
    cache = FaissCache.load(store.place.vectors, found.kind, found.dimension, found.rows, mapped=False)
    generation = store.generation
    gone = np.setdiff1d(cache.ids(), np.array(store.vector_ids(), dtype=np.int64))
    if len(gone):
        cache.drop(gone)
    last = fill(cache, _slabs(store, found.last_id, total, progress))
    return _keep(store, cache, generation, max(last, found.last_id), found.trained_rows)


def _slabs(
    store: IndexStore, after_id: int, total: int, progress: Progress | None
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    done = total - store.vectors_after(after_id)
    if progress is not None:
        progress(done, total)
    for ids, halves in store.vector_slabs(after_id, _SLAB):
        yield ids, widened(halves)
        done += len(ids)
        if progress is not None:
            progress(done, total)


def _sample(store: IndexStore, count: int, progress: Progress | None) -> NDArray[np.float32]:
    """Vectors drawn by chance, always the same, of shape (count, dimension)."""
    import numpy as np

    ids = np.array(store.vector_ids(), dtype=np.int64)
    drawn = np.sort(np.random.default_rng(0).choice(ids, min(count, len(ids)), replace=False))
    sample = np.empty((len(drawn), store.facts.embedder.dimension), np.float32)
    for start in range(0, len(drawn), _SLAB):
        if progress is not None:
            progress(0, len(ids))
        part, halves = store.vectors(drawn[start : start + _SLAB].tolist())
        sample[start : start + len(part)] = widened(halves)
    return sample


def _keep(store: IndexStore, cache: FaissCache, generation: int, last_id: int, trained_rows: int) -> bool:
    """Put the cache in place, then its manifest."""
    place = store.place
    part = place.vectors.with_name(f"{place.vectors.name}.part")
    try:
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)
        cache.write(part)
        size, digest = part.stat().st_size, digest_of(part)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise files.explained(error, part, "write the FAISS file") from error
    place.manifest.unlink(
        missing_ok=True
    )  # who is killed now leaves a file of no one's, not one that seems damaged
    files.put_in_place(part, place.vectors)
    found = place.vectors.stat()
    manifest.write(
        place,
        Manifest(
            identity=store.identity,
            generation=generation,
            rows=cache.rows,
            last_id=last_id,
            kind=cache.kind,
            dimension=store.facts.embedder.dimension,
            trained_rows=trained_rows,
            size=size,
            digest=digest,
            stamp=(found.st_ino, found.st_mtime_ns),
        ),
    )
    return True
