"""What a question is looked up with: its words, and the expression of FTS5 they become.

Knows no database. Whatever a person types is words here; no sign of the language of FTS5 gets through.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ockit.index.search.stop_words import STOP_WORDS
from ockit.index.search.words import split_words

LONGEST_QUERY = 8_000  # characters that are read of a question
_SCORED = 8_000  # chunks that are scored for their words, at about a microsecond each
_ALWAYS = 2  # rarest words that are looked up whatever they cost
MOST_TERMS = 64  # words that are looked up: each costs a pass over the chunks it stands in


def query_terms(query: str) -> list[str]:
    """The words of a question in their order, each once, without those that say nothing; where it has no others,
    these. At most `MOST_TERMS`: of a longer one the first, a whole text being about what it begins with."""
    found = dict.fromkeys(form for forms in split_words(query[:LONGEST_QUERY]) for form in forms)
    telling = [word for word in found if word not in STOP_WORDS]
    return (telling or list(found))[:MOST_TERMS]


def affordable(terms: Sequence[str], frequencies: Mapping[str, int]) -> list[str]:
    """The words that are looked up: the rarest, as long as the chunks they stand in are not too many to score; two
    always, for there must be something to find.

    Args:
        frequencies: in how many chunks each stands; those that stand in none are left out.
    """
    chosen: list[str] = []
    total = 0
    for term in sorted(terms, key=lambda term: frequencies.get(term, 0)):
        count = frequencies.get(term, 0)
        if count and (len(chosen) < _ALWAYS or total + count <= _SCORED):
            chosen.append(term)
            total += count
    return chosen


def match_expression(terms: Sequence[str]) -> str:
    """An expression of FTS5 that finds chunks with any of these words (as `query_terms` gives them)."""
    return " OR ".join(f'"{term}"' for term in terms)
