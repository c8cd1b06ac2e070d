"""What has changed between the files there are and those an index knows. Compares what `os.stat` says, and the digests
of files that may have been moved; stores nothing."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ockit.index.below import open_below
from ockit.index.readers.kinds import kind_by_name
from ockit.index.walk.walker import Found, Unlisted

if TYPE_CHECKING:
    from ockit.index.store.rows import FileRecord

Place = tuple[int, str]
"""Number of the root, path relative to it."""

ALWAYS_AGAIN = -1
"""Stored as `FileRecord.ctime_ns` where dates say too little: the file's content is compared the next time."""

_SLICE = 1 << 20
# A file that was written this long before it was read may be written once more without getting another date.
_TICK_NS = 100_000_000
_COARSE_TICK_NS = 2_100_000_000  # where dates are whole seconds, as on FAT


@dataclass
class Changes:
    """What is to be done.

    Attributes:
        unchanged: files that are as stored, whatever their state.
        unread: files that are new or may have changed, with what is known of them.
        moved: stored files found under another path, with the same content.
        gone: stored files that are no more.
    """

    unchanged: list[FileRecord] = field(default_factory=list)
    unread: list[tuple[Found, FileRecord | None]] = field(default_factory=list)
    moved: list[tuple[FileRecord, Found]] = field(default_factory=list)
    gone: list[FileRecord] = field(default_factory=list)


def compare(
    found: Iterable[Found],
    known: Mapping[Place, FileRecord],
    roots: Sequence[str],
    unlisted: Sequence[Unlisted],
) -> Changes:
    """The changes. Files below a folder that cannot be listed are neither gone nor unchanged: they stay.

    Args:
        found: what the walk gives.
        unlisted: what the walk could not look at; complete once `found` has been read.
    """
    changes = Changes()
    seen: set[Place] = set()
    for file in found:
        place = (file.root, file.path)
        seen.add(place)
        record = known.get(place)
        if (
            record is not None
            and record.mtime_ns == file.mtime_ns
            and record.size == file.size
            and record.ino == file.ino
            and record.ctime_ns == file.ctime_ns
        ):
            changes.unchanged.append(record)
        else:
            changes.unread.append((file, record))
    kept = [(one.root, one.path) for one in unlisted]
    for place, record in known.items():
        if place not in seen and not any(_below(place, folder) for folder in kept):
            changes.gone.append(record)
    if changes.gone and changes.unread:
        _find_moves(changes, roots)
    return changes


def _below(place: Place, folder: Place) -> bool:
    root, path = folder
    return place[0] == root and (not path or place[1] == path or place[1].startswith(path + "/"))


def _find_moves(changes: Changes, roots: Sequence[str]) -> None:
    """Pair what is gone with what is new, where size, content and the kind that the name promises are the same."""
    gone: dict[tuple[int, str | None], list[FileRecord]] = {}
    for record in changes.gone:
        if record.state == "ok":
            gone.setdefault((record.size, kind_by_name(record.path)), []).append(record)
    unread, taken = [], set()
    for file, before in changes.unread:
        candidates = gone.get((file.size, kind_by_name(file.path))) if before is None else None
        digest = digest_of(roots[file.root], file.path, file.size) if candidates else None
        same = next((record for record in candidates or () if record.digest == digest), None)
        if candidates is None or same is None:
            unread.append((file, before))
            continue
        candidates.remove(same)
        taken.add((same.root, same.path))
        changes.moved.append((same, file))
    changes.unread = unread
    changes.gone = [record for record in changes.gone if (record.root, record.path) not in taken]


def digest_of(root: str, path: str, size: int) -> bytes | None:
    """The digest under which a reader knows a file's bytes; None where they cannot be read as they were walked."""
    digest = hashlib.blake2b(digest_size=16)
    try:
        descriptor = open_below(root, path, os.O_RDONLY | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:
            while size >= 0 and (data := file.read(_SLICE)):
                digest.update(data)
                size -= len(data)
    except OSError:  # whoever reads it next says why
        return None
    return digest.digest() if size == 0 else None


def trusted(file: Found, mtime_ns: int, now_ns: int | None = None) -> int:
    """A file's `FileRecord.ctime_ns`: as it was walked, or `ALWAYS_AGAIN` where it could change without a new date.

    Args:
        mtime_ns: its date when it was read, which may be later.
    """
    now = time.time_ns() if now_ns is None else now_ns
    dates = (mtime_ns, file.ctime_ns)
    sure = all(date < now - (_TICK_NS if date % 1_000_000_000 else _COARSE_TICK_NS) for date in dates)
    return file.ctime_ns if sure else ALWAYS_AGAIN
