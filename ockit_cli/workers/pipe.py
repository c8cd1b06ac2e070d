"""Frames on a pipe: one JSON object a line, UTF-8, in both directions.

JSON because it cannot run code, because a person can read it in a debugger, and because at a token a frame it
costs microseconds. A line has a bound, so that a child gone mad cannot fill this process's memory.
"""

from __future__ import annotations

import json
import os
import select
import time
from typing import Any

from ockit.errors import WorkerError

MAX_FRAME = 256 * 1024 * 1024
"""Bytes of one frame; the largest honest one is a prompt whose every character JSON spells with six bytes."""


def encode_frame(frame: dict[str, Any]) -> bytes:
    """One object as one line."""
    return json.dumps(frame, separators=(",", ":"), ensure_ascii=True).encode() + b"\n"


def write_frame(descriptor: int, frame: dict[str, Any], timeout: float | None = None) -> None:
    """Write a whole frame.

    Args:
        timeout: seconds in which the other side must take something; needs a non-blocking descriptor.

    Raises:
        OSError: the other side is gone.
        TimeoutError: it takes nothing.
        WorkerError: the frame is larger than any frame may be; nothing was written.
    """
    data = encode_frame(frame)
    if len(data) > MAX_FRAME:
        raise WorkerError(
            f"{len(data)} bytes are too many to send to the model's process ({MAX_FRAME} at most)"
        )
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            if not select.select([], [descriptor], [], timeout)[1]:
                raise TimeoutError from None


class FrameReader:
    """Reads frames from a descriptor, waiting no longer than it is told."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._buffer = bytearray()

    def read(self, timeout: float | None = None) -> dict[str, Any] | None:
        """The next frame, or None at the end of the stream.

        Raises:
            TimeoutError: nothing whole came within ``timeout`` seconds.
            WorkerError: what came is no frame.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if searched > MAX_FRAME:
                raise WorkerError(f"the model's process sent a line of more than {MAX_FRAME} bytes")
            if deadline is not None and not self._ready(deadline - time.monotonic()):
                raise TimeoutError
            piece = os.read(self._descriptor, 1 << 16)
            if not piece:
                return None
            self._buffer += piece
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        try:
            frame = json.loads(line)
        except (ValueError, RecursionError):
            frame = None
        if not isinstance(frame, dict):
            raise WorkerError(f"the model's process sent {line[:80]!r}, which is no frame")
        return frame

    def _ready(self, seconds: float) -> bool:
        return bool(select.select([self._descriptor], [], [], max(0.0, seconds))[0])
