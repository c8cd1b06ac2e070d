"""Opening a file that somebody else may be changing, and getting its bytes once. Knows no format.

Never waits for a pipe, follows no link, never reads what is too large, and tells a file that changed meanwhile.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
from dataclasses import dataclass

from ockit.index.below import open_below
from ockit.index.readers.kinds import CONTAINER_KINDS, HEAD_BYTES, kind_by_name, kind_of
from ockit.index.readers.limits import ReadingLimits
from ockit.index.readers.reading import ReadingFailed

_PIECE = 1 << 20
_SETTLED_NS = 100_000_000
"""How long ago a file must have changed for its time to tell whether it changes again (kernels count in 4 to 10 ms)."""

_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY
_REASONS = {
    errno.ENOENT: ("vanished", "it is gone"),
    errno.ENOTDIR: ("vanished", "its folder is gone"),
    errno.EACCES: ("denied", "permission denied"),
    errno.EPERM: ("denied", "permission denied"),
    errno.ELOOP: ("link", "it is a symbolic link"),
    errno.ENXIO: ("special", "it is no regular file"),
}


@dataclass(frozen=True)
class OpenedFile:
    """A file's bytes and what the file system said of it, which was the same before and after reading."""

    kind: str
    data: bytes
    digest: bytes
    size: int
    mtime_ns: int
    ino: int


def open_and_read(file: str, limits: ReadingLimits, *, root: str | None = None) -> OpenedFile:
    """The bytes of a file; one that changes while it is read is read a second time.

    Args:
        root: a folder above it, absolute; no folder between the two may be a link. Its own where it is left out.

    Raises:
        ReadingFailed: with every reason of `ockit.index.readers.reading` that is about the file, not its format.
    """
    try:
        folder = root if root is not None else os.path.dirname(file)
        opened = _once(file, folder, limits) or _once(file, folder, limits)
    except OSError as error:
        reason, what = _REASONS.get(error.errno or 0, ("unreadable", error.strerror or str(error)))
        hint = "chmod u+r gives you the right to read it" if reason == "denied" else None
        raise ReadingFailed(reason, what, hint=hint) from error
    if opened is None:
        raise ReadingFailed(
            "changed", "it changed while it was read, twice", hint="index again once nothing writes to it"
        )
    return opened


def _once(file: str, root: str, limits: ReadingLimits) -> OpenedFile | None:
    """The file's bytes, or None where it changed."""
    _regular(os.lstat(file))  # before it is opened: opening some devices does something
    descriptor = open_below(root, os.path.relpath(file, root), _FLAGS)
    try:
        before = os.fstat(descriptor)
        _regular(before)
        promised = kind_by_name(file)
        if promised is None:
            raise ReadingFailed("binary", "it is binary")
        if promised:
            _fits(promised, before.st_size, limits)  # by its size alone: a huge one is not touched
        age = time.time_ns() - before.st_mtime_ns
        if 0 <= age < _SETTLED_NS:  # a write that goes on, or a second one in the same tick, would not show
            time.sleep((_SETTLED_NS - age) / 1e9)
        head = os.read(descriptor, HEAD_BYTES)
        kind = kind_of(file, head)
        if kind is None:
            raise ReadingFailed("binary", "it is binary")
        _fits(kind, before.st_size, limits)
        pieces, left = [head], before.st_size + 1 - len(head)
        while left > 0 and (piece := os.read(descriptor, min(left, _PIECE))):
            pieces.append(piece)
            left -= len(piece)
        data = b"".join(pieces)
        after = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if (
        len(data) != after.st_size
        or before.st_size != after.st_size
        or before.st_mtime_ns != after.st_mtime_ns
    ):
        return None
    digest = hashlib.blake2b(data, digest_size=16).digest()
    return OpenedFile(kind, data, digest, after.st_size, after.st_mtime_ns, after.st_ino)


def _regular(status: os.stat_result) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise ReadingFailed("link", "it is a symbolic link")
    if not stat.S_ISREG(status.st_mode):
        raise ReadingFailed("special", "it is no regular file")


def _fits(kind: str, size: int, limits: ReadingLimits) -> None:
    most = limits.container_bytes if kind in CONTAINER_KINDS else limits.text_bytes
    if size > most:
        raise ReadingFailed(
            "too-large",
            f"it has {size} bytes; at most {most} of a {kind} file are read",
            hint="split the file, or leave it out with --exclude",
        )
