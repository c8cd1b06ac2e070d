"""Text as it may be shown: whole characters, and never half a stop string.

Knows bytes and strings; no model, no ids.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence


class StopMatcher:
    """Turns the bytes of generated tokens into text that is final.

    Bytes are decoded incrementally (a character may span tokens; what is no UTF-8 becomes U+FFFD). Text that
    could still become a stop string is held back; a stop string itself is never given out.

    Attributes:
        stopped: whether a stop string has come; what follows it is dropped.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self.stopped = False

    def feed(self, data: bytes) -> str:
        """The text that has become final with these bytes."""
        return self._advance(self._decoder.decode(data))

    @property
    def half(self) -> bytes:
        """The bytes of a character whose rest has not come."""
        return self._decoder.getstate()[0]

    def forget_half(self) -> None:
        """Take it back: the answer was cut in the middle of it."""
        self._decoder.reset()

    def flush(self) -> str:
        """At the end of the answer: everything that was held back, unless a stop string came."""
        text = self._advance(self._decoder.decode(b"", True))
        if self.stopped:
            return text
        text, self._held = text + self._held, ""
        return text

    def _advance(self, text: str) -> str:
        if self.stopped or not self._stops:
            return "" if self.stopped else text
        text = self._held + text
        found = [i for i in (text.find(stop) for stop in self._stops) if i >= 0]
        if found:
            self.stopped = True
            self._held = ""
            return text[: min(found)]
        keep = self._overlap(text)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def _overlap(self, text: str) -> int:
        """Length of the longest end of ``text`` that begins a stop string."""
        longest = min(len(text), max(len(stop) for stop in self._stops) - 1)
        for length in range(longest, 0, -1):
            tail = text[-length:]
            if any(stop.startswith(tail) for stop in self._stops):
                return length
        return 0
