"""Making an index anew while the old one goes on answering. The new one grows in a folder beside the old store, and
takes its place in one step once it is complete; a rebuild that was killed goes on the next time."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from ockit import files
from ockit.errors import StoreError
from ockit.index.places import IndexPlace

if TYPE_CHECKING:
    from ockit.index.store.facts import IndexFacts
    from ockit.index.store.index_store import IndexStore

_FOLDER = "rebuild.part"
_JOURNALS = ("-journal", "-wal", "-shm")


def building(place: IndexPlace, facts: IndexFacts) -> IndexStore:
    """The store that grows, open for writing: that of a killed rebuild where it is of the same, else a new one.

    Args:
        place: of the index that is made anew; whoever calls holds its lock.
    """
    from ockit.index.store.index_store import IndexStore

    inner = IndexPlace(place.directory / _FOLDER, place.name)
    if inner.exists:
        try:
            store = IndexStore.open(inner, readonly=False)
        except StoreError:  # it is nobody's yet: what is damaged is made anew
            return IndexStore.create(inner, facts, replace=True)
        if replace(store.facts, created=facts.created, updated=facts.updated) == facts:
            return store
        store.close()
    return IndexStore.create(inner, facts, replace=True)


def put_in_place(inner: IndexPlace, place: IndexPlace) -> None:
    """Let a complete store, closed, take the place of the old one. Readers of the old one notice and open the new.

    Raises:
        StoreError: the files cannot be renamed.
    """
    try:
        place.manifest.unlink(missing_ok=True)  # from now on the cache is no one's
        for ending in _JOURNALS:  # SQLite would play what is left of the old store into the new one
            place.database.with_name(place.database.name + ending).unlink(missing_ok=True)
        files.put_in_place(inner.database, place.database)
        for new, old in (
            (inner.facts, place.facts),
            (inner.vectors, place.vectors),
            (inner.manifest, place.manifest),
        ):
            if new.exists():
                os.replace(new, old)
        shutil.rmtree(inner.directory)
    except OSError as error:
        raise files.explained(error, place.directory, "put the new index in place") from error
