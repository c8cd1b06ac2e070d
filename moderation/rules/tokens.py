"""A text as words to look up: each folded, so that case, width and the form of accents make no difference, with its
place in the text.

Words are what Unicode has as letters, marks and digits; so "Scunthorpe" is one word, and holds no other. Scripts that
put no space between words (Han, kana, Thai, Lao, Khmer, Burmese, Tibetan) have one token a character. Knows no rule.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import regex

MOST_BETWEEN = 4
"""Characters that may stand between two words of one phrase."""

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}"


@dataclass(frozen=True)
class Token:
    """A folded word and the characters of the text it stands for, `end` excluded."""

    word: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """The words of a text, in order; linear in its length."""
    return [Token(folded(match.group()), match.start(), match.end()) for match in _pattern().finditer(text)]


@lru_cache(1 << 15)
def folded(word: str) -> str:
    """A word without what makes no difference (Unicode's compatibility caseless matching, chapter 3.13)."""
    if word.isascii():
        return word.lower()
    kept = "".join(character for character in word if unicodedata.category(character) != "Cf")
    again = unicodedata.normalize("NFKD", unicodedata.normalize("NFD", kept).casefold())
    return unicodedata.normalize("NFKD", again.casefold())


@cache
def _pattern() -> regex.Pattern[str]:
    import regex

    # invisible characters (Cf) inside a word hide nothing and end nothing
    mark = r"[\p{M}\p{Cf}]"
    one = rf"[{_UNSPACED}&&[\p{{L}}\p{{N}}]]{mark}*"
    return regex.compile(rf"{one}|(?:[[\p{{L}}\p{{N}}]--[{_UNSPACED}]]{mark}*)+", regex.V1)
