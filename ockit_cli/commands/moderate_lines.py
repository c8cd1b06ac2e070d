"""The lines of a stream, and whether another is there already: who answers line by line must not keep the answers of
lines that came while it waits for more. Knows nothing of what stands in a line.
"""

from __future__ import annotations

import io
import os
import select
import stat
from typing import BinaryIO

_PAUSE_S = 0.005
"""Who writes line after line is waited for as long as this."""
_PIECE = 1 << 16


class Lines:
    """Lines of a file, a pipe or a terminal.

    Args:
        stream: nothing of it has been read yet.
        longest: bytes that are given at once, if no line ends before.
    """

    def __init__(self, stream: BinaryIO, longest: int) -> None:
        self._stream = stream
        self._longest = longest
        self._pipe = _pipe(stream)
        self._buffer = bytearray()
        self._ended = False

    def read(self) -> bytes:
        """The next line with its end, or the first `longest` bytes of it; nothing at the end of the stream."""
        if self._pipe is None:
            return self._stream.readline(self._longest)
        searched = 0
        while not self._whole(searched):
            searched = len(self._buffer)
            self._take(self._pipe)
        end = self._buffer.find(b"\n") + 1 or len(self._buffer)
        line = bytes(self._buffer[: min(end, self._longest)])
        del self._buffer[: len(line)]
        return line

    def ready(self) -> bool:
        """Whether `read` will not wait; a file never does."""
        if self._pipe is None:
            return True
        searched = 0
        while not self._whole(searched):
            searched = len(self._buffer)
            if not select.select([self._pipe], [], [], _PAUSE_S)[0]:
                return False
            self._take(self._pipe)
        return True

    def _whole(self, searched: int) -> bool:
        known = self._buffer
        return self._ended or len(known) >= self._longest or known.find(b"\n", searched) >= 0

    def _take(self, pipe: int) -> None:
        piece = os.read(pipe, _PIECE)
        self._buffer += piece
        self._ended = not piece


def _pipe(stream: BinaryIO) -> int | None:
    """The descriptor of what may let its reader wait; None for a file."""
    try:
        descriptor = stream.fileno()
    except io.UnsupportedOperation:  # it lies in memory
        return None
    return None if stat.S_ISREG(os.fstat(descriptor).st_mode) else descriptor
