"""Reading an untrusted little-endian file: every length is compared with the bytes that are left.

`open_regular` opens plain files only and never blocks; `Cursor` walks one. Nothing here knows GGUF. The file is
read in windows, not mapped: a mapped file that another process shortens kills its reader.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ockit.errors import ModelFileError, NotFound

WINDOW = 1 << 20
MAX_STRING = 16 << 20
"""The longest string that is read, in bytes. The longest real ones, chat templates, have 30 KB."""
MAX_TEXT = 64 << 20
"""The most text that is kept of one file, in bytes."""

_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")


def quoted(text: str) -> str:
    """A name out of the file as messages show it: in quotes, and not too long."""
    return repr(text if len(text) <= 80 else text[:77] + "...")


def damaged(path: Path, offset: int, what: str, *, hint: str | None = None) -> ModelFileError:
    """The error for a file that contradicts itself at a byte offset."""
    return ModelFileError(
        f"{what} (at byte {offset})",
        where=str(path),
        hint=hint or "the file is damaged: fetch it again and compare its sha256 with the publisher's",
    )


def truncated(path: Path, offset: int, what: str, size: int) -> ModelFileError:
    """The error for a file that ends too early."""
    return ModelFileError(
        f"{what} (at byte {offset}) goes past the end of the file, which has {size} bytes",
        where=str(path),
        hint="the download did not finish or the file is damaged: fetch it again",
    )


@contextmanager
def open_regular(path: Path) -> Iterator[tuple[int, int]]:
    """A file descriptor and the size in bytes of a plain file.

    Raises:
        NotFound: nothing is there.
        ModelFileError: it is a directory, a pipe or a device, cannot be read, or is empty.
    """
    try:
        # asked before opening: to open a pipe or a device can block, or have an effect
        _check_kind(path, os.stat(path))
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags | getattr(os, "O_CLOEXEC", 0))
    except (OSError, ValueError) as error:
        raise _unopened(path, error) from error
    try:
        status = os.fstat(descriptor)
        _check_kind(path, status)  # again: the name may lead elsewhere by now
        if status.st_size == 0:
            raise ModelFileError(
                "the file is empty", where=str(path), hint="the download did not start: fetch the file again"
            )
        yield descriptor, status.st_size
    finally:
        os.close(descriptor)


def _check_kind(path: Path, status: os.stat_result) -> None:
    mode = status.st_mode
    if stat.S_ISREG(mode):
        return
    kinds = (
        (stat.S_ISDIR, "a directory"),
        (stat.S_ISFIFO, "a named pipe"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
        (stat.S_ISSOCK, "a socket"),
    )
    kind = next((name for test, name in kinds if test(mode)), "not a plain file")
    raise ModelFileError(
        f"this is {kind}, not a model file",
        where=str(path),
        hint="name a .gguf file, or see: ockit models list",
    )


def _unopened(path: Path, error: OSError | ValueError) -> NotFound | ModelFileError:
    code = error.errno if isinstance(error, OSError) else None
    if isinstance(error, ValueError) or code in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
        what = "no such file"
        if code == errno.ENOENT and path.is_symlink():
            what = f"the link leads to {os.readlink(path)}, where nothing is"
        return NotFound(what, where=str(path), hint="see: ockit models list --found")
    reason = error.strerror or type(error).__name__
    hint = "ls -l shows who may read it" if code in (errno.EACCES, errno.EPERM) else None
    return ModelFileError(f"the file cannot be read: {reason}", where=str(path), hint=hint)


class Cursor:
    """A position in a file of ``size`` bytes that moves forward through checked reads.

    Every method that reads raises ModelFileError where the file ends first; ``what`` names the thing read.
    """

    def __init__(self, path: Path, descriptor: int, size: int) -> None:
        self.path = path
        self.size = size
        self._descriptor = descriptor
        self._window = b""
        self._start = 0  # file offset of the window
        self._at = 0  # position inside the window

    @property
    def offset(self) -> int:
        """Where the next read begins, in bytes from the start of the file."""
        return self._start + self._at

    @property
    def left(self) -> int:
        """Bytes from here to the end."""
        return self.size - self.offset

    def seek(self, offset: int, what: str) -> None:
        """Go to an absolute offset."""
        if offset > self.size:
            raise truncated(self.path, offset, what, self.size)
        self._window, self._start, self._at = b"", offset, 0

    def take(self, n: int, what: str) -> bytes:
        """The next ``n`` bytes."""
        if n > self.left:
            raise truncated(self.path, self.offset, f"{what} of {n} bytes", self.size)
        self._fill(n, what)
        self._at += n
        return self._window[self._at - n : self._at]

    def skip(self, n: int, what: str) -> None:
        """Pass over ``n`` bytes without reading them."""
        if n > self.left:
            raise truncated(self.path, self.offset, f"{what} of {n} bytes", self.size)
        self._at += n
        if self._at > len(self._window):
            self._window, self._start, self._at = b"", self.offset, 0

    def u32(self, what: str) -> int:
        """An unsigned 32-bit integer."""
        value: int = _U32.unpack(self.take(4, what))[0]
        return value

    def u64(self, what: str) -> int:
        """An unsigned 64-bit integer."""
        value: int = _U64.unpack(self.take(8, what))[0]
        return value

    def string(self, what: str, limit: int = MAX_STRING) -> bytes:
        """A string: its length in 64 bits, then its bytes."""
        offset = self.offset
        length = self.u64(f"the length of {what}")
        if length > limit:
            raise damaged(
                self.path, offset, f"{what} claims a length of {length} bytes; the limit is {limit}"
            )
        return self.take(length, what)

    def skip_strings(
        self, count: int, what: str, *, each_has: bytes = b"", seen: set[bytes] | None = None
    ) -> None:
        """Walk over ``count`` strings.

        Args:
            count: how many.
            what: what one of them is.
            each_has: bytes that every string must hold after its first byte.
            seen: takes up the strings, where given; they may have 64 MiB together.
        """
        length_at = _U64.unpack_from
        first, window, at = self.offset, self._window, self._at
        room = len(window)
        for i in range(count):
            begin = at + 8
            end = begin + length_at(window, at)[0] if begin <= room else room + 1
            if end > room:  # not all of it stands in the window
                self._at = at
                length = len(self.string(f"{what} {i}"))
                window, room, end = self._window, len(self._window), self._at
                begin = end - length
                if seen is not None and self.offset - first > MAX_TEXT:
                    raise damaged(
                        self.path, first, f"the texts of each {what} have more than {MAX_TEXT} bytes"
                    )
            if each_has and window.find(each_has, begin + 1, end) < 0:
                text = window[begin:end][:40].decode("utf-8", "replace")
                raise damaged(
                    self.path,
                    self._start + begin,
                    f"{what} {i}, {text!r}, has no {each_has.decode()!r} inside",
                )
            if seen is not None:
                seen.add(window[begin:end])
            at = end
        self._at = at

    def _fill(self, n: int, what: str) -> None:
        """Make the window hold the next ``n`` bytes; ``n`` is at most MAX_STRING."""
        if self._at + n <= len(self._window):
            return
        offset = self.offset
        try:
            os.lseek(self._descriptor, offset, os.SEEK_SET)
            data = os.read(self._descriptor, max(n, WINDOW))
        except OSError as error:
            raise _unopened(self.path, error) from error
        if len(data) < n:
            raise truncated(self.path, offset, what, self.size)
        self._window, self._start, self._at = data, offset, 0
