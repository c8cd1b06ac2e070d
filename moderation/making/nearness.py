"""Texts that are nearly the same, whatever set they come from: by their words alone, not by an encoder that is itself
being judged. Knows texts, no rows.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

LEAST = 0.6
"""Share of the words of two texts together that stand in both (Jaccard), from which they are near: the same question
with a word or two changed."""


class Near:
    """Texts that others are compared with.

    Only texts that share one of each other's rarest words are compared: two sets of which `LEAST` is shared cannot
    differ in all of them (prefix filtering: Chaudhuri et al. 2006, "A Primitive Operator for Similarity Joins in Data
    Cleaning").

    Args:
        words: the set of words of each text; an empty one is near nothing.
        every: sets of all texts, to know which words are rare.
    """

    def __init__(self, words: Sequence[frozenset[str]], every: Sequence[frozenset[str]]) -> None:
        self._counts = Counter(word for one in every for word in one)
        self._words = list(words)
        self._holders: dict[str, list[int]] = defaultdict(list)
        for number, one in enumerate(self._words):
            for word in self._rarest(one):
                self._holders[word].append(number)

    def to(self, words: frozenset[str]) -> list[int]:
        """Numbers of the texts that are near one with these words."""
        found = {number for word in self._rarest(words) for number in self._holders.get(word, ())}
        return sorted(number for number in found if jaccard(self._words[number], words) >= LEAST)

    def _rarest(self, words: frozenset[str]) -> list[str]:
        count = len(words) - math.ceil(LEAST * len(words) - 1e-9) + 1 if words else 0
        return sorted(words, key=lambda word: (self._counts[word], word))[:count]


def jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    """Shared words over all words; 0 where either has none."""
    shared = len(first & second)
    return shared / (len(first) + len(second) - shared) if shared else 0.0
