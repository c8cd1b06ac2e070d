"""Zip files that documents are made of, read within limits and only in memory. Knows no document format.

PKWARE's APPNOTE.TXT. A member is never unpacked as a whole by the library: its declared size may be a lie.
"""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from io import BytesIO

from ockit.index.readers.limits import MIB, ReadingLimits
from ockit.index.readers.reading import ReadingFailed

_PIECE = 1 << 16
_HARMLESS = 16 * MIB
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # MS-CFB: what a password makes of docx, xlsx and pptx
_ENCRYPTED = 1  # APPNOTE.TXT 4.4.4, bit 0


class Archive:
    """The members of a zip file.

    Args:
        data: the file.
        kind: what it is, for messages.
        limits: `members`, `expanded_bytes` and `ratio` count here.

    Raises:
        ReadingFailed: it is encrypted, or has too many members.
        zipfile.BadZipFile: it is damaged.
    """

    def __init__(self, data: bytes, kind: str, limits: ReadingLimits) -> None:
        if data.startswith(_OLE):
            raise ReadingFailed(
                "encrypted",
                f"it is no zip file, as every {kind} is: it has a password, or is an older format",
            )
        self._zip = zipfile.ZipFile(BytesIO(data))
        self._limits = limits
        self._left = limits.expanded_bytes
        self._members = {info.filename: info for info in self._zip.infolist()}
        count = len(self._zip.infolist())
        if count > limits.members:
            raise ReadingFailed("expands", f"it holds {count} files ({limits.members} at most)")

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def names(self) -> list[str]:
        """The members' names, as the file gives them: they are never used as paths."""
        return list(self._members)

    def pieces(self, name: str) -> Iterator[bytes]:
        """The bytes of a member.

        Raises:
            KeyError: there is none of that name.
            ReadingFailed: it is encrypted, or unpacks to more than the limits allow.
        """
        if name not in self._members:
            raise KeyError(f"there is no {name} in it")
        info = self._members[name]
        if info.flag_bits & _ENCRYPTED:
            raise ReadingFailed("encrypted", f"{name} in it is encrypted")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise zipfile.BadZipFile(
                f"{name} is packed by method {info.compress_type}, which documents do not use"
            )
        allowed = max(_HARMLESS, info.compress_size * self._limits.ratio)
        if info.file_size > min(allowed, self._left):
            raise self._expands(name, info.file_size)
        read = 0
        with self._zip.open(info) as member:
            while piece := member.read(_PIECE):
                read += len(piece)
                self._left -= len(piece)
                if read > allowed or self._left < 0:
                    raise self._expands(name, read)
                yield piece

    def read(self, name: str) -> bytes:
        """The whole of a member; raises as `pieces`."""
        return b"".join(self.pieces(name))

    def _expands(self, name: str, size: int) -> ReadingFailed:
        packed = self._members[name].compress_size
        return ReadingFailed(
            "expands",
            f"{name} in it unpacks from {packed} to {size} bytes or more; at most {self._limits.ratio} times as many, "
            f"and {self._limits.expanded_bytes} bytes of one file, are unpacked",
        )


def member_path(base: str, target: str) -> str:
    """The name of the member that another one points to.

    Args:
        base: the name of the member that points.
        target: relative to it; from the top of the archive where it begins with a slash. A path that leads out of
            the archive names no member.
    """
    joined = target[1:] if target.startswith("/") else posixpath.join(posixpath.dirname(base), target)
    return posixpath.normpath(joined)
