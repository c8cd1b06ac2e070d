"""Making an index anew while the old one goes on answering. The new one grows in a folder beside the old store, and
takes its place once it is complete; a rebuild that was killed goes on the next time.

Whenever it is killed, the whole old or the whole new store answers: what a killed writer left in the old one's journal
is played back before the journal goes, and a folder that is complete bears another name, under which the next run
finds it and puts the rest in place.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from ockit import files
from ockit.errors import StoreError
from ockit.index.places import IndexPlace
from ockit.index.store.writer_lock import writing

if TYPE_CHECKING:
    from ockit.index.store.facts import IndexFacts
    from ockit.index.store.index_store import IndexStore

_FOLDER = "rebuild.part"
_COMPLETE = "rebuilt.part"
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
        StoreError: the files cannot be renamed, or another program keeps the old store locked; the next run goes on.
    """
    try:
        inner.directory.rename(place.directory / _COMPLETE)
    except OSError as error:
        raise files.explained(error, place.directory, "put the new index in place") from error
    _take_over(place)


def finish(place: IndexPlace) -> None:
    """Do what a killed `put_in_place` has left to be done, if one has.

    Raises:
        StoreError: as `put_in_place`, or another process writes the index.
    """
    if (place.directory / _COMPLETE).exists():
        with writing(place):
            _take_over(place)


def _take_over(place: IndexPlace) -> None:
    """Every step may be the last of a process, and may be done twice."""
    from ockit.index.store import database

    new = IndexPlace(place.directory / _COMPLETE, place.name)
    try:
        if new.exists:
            database.settle(place)
            place.manifest.unlink(missing_ok=True)  # from now on the cache is no one's
            for ending in _JOURNALS:  # SQLite would play what is left of the old store into the new one
                place.database.with_name(place.database.name + ending).unlink(missing_ok=True)
            files.put_in_place(new.database, place.database)
        for part, whole in (
            (new.facts, place.facts),
            (new.vectors, place.vectors),
            (new.manifest, place.manifest),
        ):
            if part.exists():
                os.replace(part, whole)
        shutil.rmtree(new.directory)
    except OSError as error:
        raise files.explained(error, place.directory, "put the new index in place") from error
