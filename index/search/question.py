"""A question's words with what each is worth, and how much of them a text has.

Knows stems and counts of words; no passages and no scores.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ockit.index.search.query_words import LONGEST_QUERY, MOST_TERMS
from ockit.index.search.stems import stem
from ockit.index.search.stop_words import STOP_WORDS
from ockit.index.search.words import split_words

_EMPTY_WORTH = 0.3  # what it says that a text has all of a question of stop words: any long text has


@dataclass(frozen=True)
class AskedWord:
    """One word or name of a question: the stems it may be met by (whole, parts), and what each of them is worth."""

    whole: str
    parts: tuple[str, ...]
    worth: Mapping[str, float]

    def met(self, stems: set[str]) -> float:
        """How much of it is among these stems, 0 to 1: all where it stands whole, else the share of its parts."""
        if self.whole in stems:
            return 1.0
        total = sum(self.worth[part] for part in self.parts)
        return sum(self.worth[part] for part in self.parts if part in stems) / total if total else 0.0


@dataclass(frozen=True)
class Question:
    """The words of a question; `weights` says how rare each is, `worth` what it says that all of them are met."""

    words: tuple[AskedWord, ...]
    weights: tuple[float, ...]
    worth: float = 1.0

    def share(self, text: str) -> float:
        """How much of the question's words stands in a text, 0 to 1, rare words counting more."""
        total = sum(self.weights)
        if not total:
            return 0.0
        stems = stems_of(text)
        met = sum(w * word.met(stems) for word, w in zip(self.words, self.weights, strict=True))
        return self.worth * met / total


def question_of(query: str, frequencies: Mapping[str, int], chunks: int) -> Question:
    """The words of a question.

    Args:
        frequencies: in how many chunks each of `query_terms` stands; what is missing stands in none.
        chunks: how many there are.
    """
    groups = asked_groups(query)

    def worth(form: str) -> float:
        count = min(frequencies.get(form, 0), chunks)
        return math.log(1 + (chunks - count + 0.5) / (count + 0.5))

    words, weights, known = [], [], []
    for whole, *parts in groups:
        worths = {stem(form): worth(form) for form in (whole, *parts)}
        words.append(AskedWord(stem(whole), tuple(stem(part) for part in parts), worths))
        weights.append(max(worths.values()))
        if any(frequencies.get(form) for form in (whole, *parts)):
            known.append(weights[-1])
    # a word that stands nowhere (a slip, a filler) weighs as the others do, not as the rarest thing there is
    usual = sum(known) / len(known) if known else 0.0
    for number, (whole, *parts) in enumerate(groups):
        if known and not any(frequencies.get(form) for form in (whole, *parts)):
            weights[number] = min(weights[number], usual)
    empty = all(whole in STOP_WORDS for whole, *_ in groups)
    return Question(tuple(words), tuple(weights), _EMPTY_WORTH if empty else 1.0)


def asked_groups(query: str) -> list[list[str]]:
    """The forms of each word of a question that is looked for, each word once."""
    groups = {tuple(forms): None for forms in split_words(query[:LONGEST_QUERY])}
    telling = [list(forms) for forms in groups if forms[0] not in STOP_WORDS]
    return (telling or [list(forms) for forms in groups])[:MOST_TERMS]


def stems_of(text: str) -> set[str]:
    """The stems of a text's words."""
    return {stem(form) for forms in split_words(text) for form in forms}
