"""Porter's stemmer, as FTS5's tokenizer ``porter`` has it: what words of a question and of a passage share.

M. F. Porter, An algorithm for suffix stripping, Program 14 (1980) 130-137, with the departures of SQLite's
``fts5_tokenize.c`` (words of 3 to 64 ASCII letters only). A test holds it equal to SQLite's own.
"""

from __future__ import annotations

import re
from functools import lru_cache

_VOWELS = "aeiou"
_STEP_2 = (
    ("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize"), ("logi", "log"),
    ("bli", "ble"), ("alli", "al"), ("entli", "ent"), ("eli", "e"), ("ousli", "ous"), ("ization", "ize"),
    ("ation", "ate"), ("ator", "ate"), ("alism", "al"), ("iveness", "ive"), ("fulness", "ful"), ("ousness", "ous"),
    ("aliti", "al"), ("iviti", "ive"), ("biliti", "ble"),
)  # fmt: skip
_STEP_3 = (
    ("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", ""),
)  # fmt: skip
_STEP_4 = (
    "al ance ence er ic able ible ant ement ment ent ion ou ism ate iti ous ive ize"
).split()  # fmt: skip


@lru_cache(1 << 16)
def stem(word: str) -> str:
    """The stem of a word in small letters; a word with other signs than a to z is its own."""
    if not 3 <= len(word) < 64 or not re.fullmatch("[a-z]+", word):
        return word
    return _last(_step_4(_step_3(_step_2(_step_1c(_step_1b(_step_1a(word)))))))


def _is_vowel(word: str, at: int) -> bool:
    return word[at] in _VOWELS or (word[at] == "y" and at > 0 and not _is_vowel(word, at - 1))


def _measure(word: str) -> int:
    """How often a run of vowels is followed by a run of consonants."""
    found = 0
    before = False
    for at in range(len(word)):
        vowel = _is_vowel(word, at)
        found += before and not vowel
        before = vowel
    return found


def _has_vowel(word: str) -> bool:
    return any(_is_vowel(word, at) for at in range(len(word)))


def _ends_short(word: str) -> bool:
    """Consonant, vowel, consonant at the end, the last not w, x or y."""
    at = len(word) - 1
    return (
        at >= 2
        and not _is_vowel(word, at)
        and _is_vowel(word, at - 1)
        and not _is_vowel(word, at - 2)
        and word[at] not in "wxy"
    )


def _step_1a(word: str) -> str:
    if word.endswith(("sses", "ies")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _step_1b(word: str) -> str:
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) > 0 else word
    for suffix in ("ed", "ing"):
        if word.endswith(suffix) and _has_vowel(word[: -len(suffix)]):
            word = word[: -len(suffix)]
            if word.endswith(("at", "bl", "iz")):
                return word + "e"
            if len(word) > 1 and word[-1] == word[-2] and word[-1] not in "aeioulsz":
                return word[:-1]
            return word + "e" if _measure(word) == 1 and _ends_short(word) else word
    return word


def _step_1c(word: str) -> str:
    return word[:-1] + "i" if word.endswith("y") and _has_vowel(word[:-1]) else word


def _step_2(word: str) -> str:
    return _replaced(word, _STEP_2)


def _step_3(word: str) -> str:
    return _replaced(word, _STEP_3)


def _replaced(word: str, table: tuple[tuple[str, str], ...]) -> str:
    for suffix, instead in table:
        if word.endswith(suffix):
            start = word[: -len(suffix)]
            return start + instead if _measure(start) > 0 else word
    return word


def _step_4(word: str) -> str:
    for suffix in _STEP_4:
        if word.endswith(suffix):
            start = word[: -len(suffix)]
            if suffix == "ion" and not start.endswith(("s", "t")):
                return word
            return start if _measure(start) > 1 else word
    return word


def _last(word: str) -> str:
    if word.endswith("e"):
        start = word[:-1]
        measure = _measure(start)
        if measure > 1 or (measure == 1 and not _ends_short(start)):
            word = start
    return word[:-1] if word.endswith("ll") and _measure(word[:-1]) > 1 else word
