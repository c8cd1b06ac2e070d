"""Documents into an index: what is new in them is embedded, everything is stored. For sources that are no folders.

Knows the store and an embedder; knows neither where documents come from nor how they are cut.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ockit.documents import Chunk
from ockit.errors import UsageError
from ockit.index.places import IndexPlace
from ockit.index.store.facts import IndexFacts, IndexKind
from ockit.index.store.rows import FileRecord

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ockit.index.store.index_store import IndexStore
    from ockit.protocols import Embedder

EMBEDDED_AT_ONCE = 1024
"""Texts handed to the embedder in one call; what is killed meanwhile is at most that much work."""


@contextmanager
def opened_store(
    place: IndexPlace, kind: IndexKind, roots: tuple[str, ...], embedder: Embedder, *, fresh: bool
) -> Iterator[IndexStore]:
    """The index of a source, open for writing.

    One that is made anew where there is one grows beside it, and takes its place at the end of the block; where that
    is left by an error, the old one stays. What was embedded for the new one is not embedded again the next time.

    Args:
        place: where it lies.
        kind: of what sort the source is.
        roots: the source's address or file, as the index's facts name it.
        embedder: what makes the vectors; it is loaded.
        fresh: make it anew; it is empty.

    Raises:
        UsageError: it was made with another embedder or by another version, or is no index of that kind.
        StoreError, OckitError: the store or the embedder cannot be used.
    """
    from ockit.index.chunks import CHUNKER_VERSION
    from ockit.index.indexing.rebuilding import building, put_in_place
    from ockit.index.search.words import WORDS_VERSION
    from ockit.index.store.index_store import IndexStore
    from ockit.index.store.writer_lock import writing

    info = embedder.load()
    if not fresh:
        with IndexStore.open(place, readonly=False) as store:
            if store.facts.kind != kind:
                raise UsageError(
                    f"the index {place.name} is of {store.facts.kind}, not of a {kind}",
                    hint=f"ockit indexes rm {place.name} removes it",
                )
            store.facts.check(info, CHUNKER_VERSION, WORDS_VERSION)
            yield store
        return
    now = time.time()
    facts = IndexFacts(place.name, roots, (), (), info, CHUNKER_VERSION, WORDS_VERSION, kind, now, now)
    if not place.exists:
        with IndexStore.create(place, facts) as store:
            yield store
        return
    with writing(place):
        with building(place, facts) as store:
            store.remove(store.files())  # of an attempt that was killed; its vectors are as good as new ones
            yield store
        put_in_place(store.place, place)


def take_in(
    store: IndexStore,
    documents: Sequence[tuple[FileRecord, Sequence[Chunk]]],
    embedder: Embedder | None,
    known: Mapping[bytes, NDArray[np.float32]] | None = None,
) -> int:
    """Store documents with their chunks; replaces those of the same paths. How many texts were embedded.

    Args:
        store: open for writing.
        documents: records with their chunks, few enough to be held at once.
        embedder: for chunks whose vectors the store has not; None where `known` has them all.
        known: vectors by chunk key that the source itself brings.

    Raises:
        WorkerError, OckitError: the embedder fails; what was embedded before is stored.
        StoreError: the store fails, or a vector is missing.
    """
    if not documents:
        return 0
    texts = {chunk.key: chunk.embedded for _, chunks in documents for chunk in chunks}
    missing = store.missing(texts)
    if known is not None:
        given = {key: known[key] for key in missing if key in known}
        if given:
            store.add_vectors(given)
            missing -= set(given)
    embedded = 0
    if embedder is not None:
        wanted = iter([key for key in texts if key in missing])  # in the order of the documents
        while keys := list(itertools.islice(wanted, EMBEDDED_AT_ONCE)):
            vectors = embedder.embed([texts[key] for key in keys], "passage")
            store.add_vectors(dict(zip(keys, vectors, strict=True)))
            embedded += len(keys)
    store.put_files(documents)
    return embedded
