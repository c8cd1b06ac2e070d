"""Hashed n-grams of a text: what a linear head sees beside the encoder's vector.

Letters and digits only, in one case and without accents, so that punctuation and capitals tell nothing. Runs of three
and four bytes of UTF-8 across words, whole words, and pairs of neighbouring words each fall into one of `BUCKETS`
(the hashing trick of Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask Learning", without its sign).
Training and running call this very function. Knows no weights.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from zlib import crc32

BUCKETS = 1 << 16
"""How many there are. Part of the weights' format: with another count the weights mean nothing."""

_OTHER = re.compile(r"[\W_]+")
_WORD, _PAIR = (
    0x9E3779B9,
    0x7F4A7C15,
)  # where crc32 begins, so that a word and the same letters in a run differ


def hashed(text: str) -> tuple[int, ...]:
    """The buckets of a text, each once, rising. Each has the value ``1 / sqrt(their count)``; none for a text without
    letters or digits."""
    mask = BUCKETS - 1
    words = plain(text).encode("utf-8", "replace").split()
    if not words:
        return ()
    line = b" " + b" ".join(words) + b" "
    found = {crc32(line[at : at + 3]) & mask for at in range(len(line) - 2)}
    found.update(crc32(line[at : at + 4]) & mask for at in range(len(line) - 3))
    found.update(crc32(word, _WORD) & mask for word in words)
    found.update(crc32(first + b" " + second, _PAIR) & mask for first, second in pairwise(words))
    return tuple(sorted(found))


def plain(text: str) -> str:
    """A text in lower case and without accents; one space for whatever is neither a letter nor a digit."""
    lowered = text.lower()
    if not lowered.isascii():
        parts = unicodedata.normalize("NFKD", lowered)
        lowered = "".join(sign for sign in parts if not unicodedata.combining(sign))
    return _OTHER.sub(" ", lowered).strip()
