"""Many words and phrases, found in one pass over a text's tokens. Knows no rule: a phrase leads to whatever it is given
for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from ockit.moderation.rules.tokens import MOST_BETWEEN, Token, tokens


class Phrases:
    """Phrases by their first word, the longest first.

    Args:
        phrases: each of one word or more; one without a word is passed over.
    """

    def __init__(self, phrases: Iterable[str]) -> None:
        self._by_first: dict[str, list[tuple[str, ...]]] = {}
        for words in {tuple(token.word for token in tokens(phrase)) for phrase in phrases} - {()}:
            self._by_first.setdefault(words[0], []).append(words)
        for group in self._by_first.values():
            group.sort(key=len, reverse=True)

    def __bool__(self) -> bool:
        return bool(self._by_first)

    def find(self, text: str, found: Sequence[Token]) -> Iterator[tuple[int, int]]:
        """Start and end of every place where a phrase stands, in the order of the text; of several that begin at one
        word the longest.

        Args:
            text: the text.
            found: its tokens.
        """
        for number, token in enumerate(found):
            for words in self._by_first.get(token.word, ()):
                last = number + len(words) - 1
                if last < len(found) and self._stands(text, found[number : last + 1], words):
                    yield token.start, found[last].end
                    break

    @staticmethod
    def _stands(text: str, found: Sequence[Token], words: tuple[str, ...]) -> bool:
        if any(token.word != word for token, word in zip(found, words, strict=True)):
            return False
        return all(_joins(text[left.end : right.start]) for left, right in pairwise(found))


def _joins(between: str) -> bool:
    """Whether two words with this between them may be one phrase: the end of a sentence parts them."""
    return len(between) <= MOST_BETWEEN and not any(mark in between for mark in ".!?;:。！？\n\r")
