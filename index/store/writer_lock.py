"""One process writes an index at a time. The lock's file names it; the system drops the lock when it dies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from ockit import files
from ockit.errors import StoreError
from ockit.index.places import IndexPlace

_HELD = "it is held"


class BeingWritten(StoreError):
    """Another process writes the index; searching it works meanwhile."""


@contextmanager
def writing(place: IndexPlace) -> Iterator[None]:
    """Be the one that writes. Raises BeingWritten: another is, and which."""
    with ExitStack() as stack:
        try:
            stack.enter_context(files.lock(place.lock, 0.0, held=_HELD))
        except StoreError as error:
            if error.what != _HELD:
                raise
            raise BeingWritten(
                f"another ockit (process {_holder(place)}) is indexing {place.name}",
                where=str(place.directory),
                hint="wait for it, or end it; searching works meanwhile",
            ) from None
        # another descriptor: a lock of flock's belongs to the one that took it
        try:
            place.lock.write_text(f"{os.getpid()}\n", encoding="ascii")
        except OSError as error:
            raise files.explained(error, place.lock, "write the lock") from error
        yield


def _holder(place: IndexPlace) -> str:
    text = place.lock.read_text(encoding="ascii", errors="replace").strip()
    return text if text.isdecimal() else "unknown"
