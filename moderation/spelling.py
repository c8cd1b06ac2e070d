"""Whether letters spell words: ``killtheprocess`` cut into words, ``k1ll`` read as one. Knows a ranked list of words
and nothing of where letters come from.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from math import log

LONGEST = 24
"""Letters of a word that is looked for."""
_STRANGE = 14.0
"""Cost of one letter that belongs to no word; a word of rank 30,000 costs 12.6."""
_LEET = {
    "0": "o", "1": "il", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "9": "g",
    "@": "a", "$": "s", "!": "il", "|": "li", "+": "t", "€": "e",
}  # fmt: skip
SIGNS = "".join(_LEET)
"""Digits and signs that are used for letters."""
_MANY = 8
"""Letters from which a cut is believed with shorter words: the list lacks some that are not frequent."""
_MOST_DOUBTS = 4
"""Signs of one word that may be either of two letters and are tried both ways; from there on, the first is taken."""


def split(letters: str, words: Mapping[str, int]) -> list[str]:
    """The likeliest cut of lower-case letters into words: least sum of ``log(rank * log(count))``, as if words followed
    Zipf's law (Norvig 2009, "Natural Language Corpus Data"). Letters of no word come out one by one."""
    spread = log(max(len(words), 3))
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(letters) + 1):
        options = [(best[end - 1][0] + _STRANGE, end - 1)]
        for start in range(max(0, end - LONGEST), end):
            rank = words.get(letters[start:end])
            # of single letters English has two words; the others are in the list as signs
            if rank is not None and (end - start > 1 or letters[start:end] in "ai"):
                options.append((best[start][0] + log((rank + 2) * spread), start))
        best.append(min(options))
    found: list[str] = []
    end = len(letters)
    while end:
        start = best[end][1]
        found.append(letters[start:end])
        end = start
    return found[::-1]


def reads_as_words(parts: list[str], words: Mapping[str, int]) -> bool:
    """Whether a cut is made of words that are long enough not to be chance."""
    longer = [part for part in parts if part not in ("a", "i")]
    total = sum(map(len, longer))
    known = sum(len(part) for part in longer if part in words and len(part) > 1)
    mean = 2.5 if total >= _MANY else 3
    return known >= 0.8 * total and total >= mean * len(longer) and max(map(len, longer), default=0) >= 4


def without_leet(word: str, words: Mapping[str, int]) -> str | None:
    """The word that a lower-case spelling with digits and signs stands for, or None where it stands for none.

    Two or three words run together count as well (``h4ckth3m``).
    """
    doubts = 0
    options = []
    for letter in word:
        letters = _LEET.get(letter, letter)
        doubts += len(letters) > 1
        options.append(letters if doubts <= _MOST_DOUBTS else letters[0])
    readings = ["".join(choice) for choice in product(*options)]
    for reading in sorted(readings, key=lambda reading: words.get(reading, len(words))):
        if reading in words:
            return reading
        parts = split(reading, words)
        if len(parts) <= 3 and all(len(part) >= 3 and part in words for part in parts) and len(reading) >= 8:
            return " ".join(parts)
    return None
