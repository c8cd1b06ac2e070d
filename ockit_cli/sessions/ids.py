"""Ids of sessions and messages: 16 characters that sort by time and are safe to type.

Nine characters of milliseconds since 1970 and seven random ones, in Crockford's base 32 (digits and lower-case
letters without i, l, o, u), as a ULID does it with 26. The first seven change about once a second, so a short
prefix is usually enough to name a session.
"""

from __future__ import annotations

import os
import threading
import time

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 16
_RANDOM_BITS = 35
_lock = threading.Lock()
_last_ms = 0


def new_id() -> str:
    """A fresh id, greater than every id this process made before."""
    global _last_ms  # noqa: PLW0603 - ids of one millisecond must still sort in the order they were made
    with _lock:
        _last_ms = max(time.time_ns() // 1_000_000, _last_ms + 1)
        moment = _last_ms
    number = moment << _RANDOM_BITS | int.from_bytes(os.urandom(5)) >> (40 - _RANDOM_BITS)
    return "".join(ALPHABET[number >> shift & 31] for shift in range(5 * (LENGTH - 1), -1, -5))


def normal(text: str) -> str:
    """An id or its beginning as a person may have typed it: case and look-alike letters put right."""
    return text.strip().lower().translate(str.maketrans("ilo", "110"))
