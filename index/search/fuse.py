"""Puts the words' scores and the vectors' together, and lets neighbours and the rest of a file speak for a chunk.

Knows numbers, no text. The weights were chosen where three sets agree (questions on code, on prose, and docstrings
against the functions they were taken from), in the middle of what makes no difference; `benchmarks/retrieval.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

WORDS = 0.7  # the words' share; the vectors have the rest
NEIGHBOUR = 0.3  # how much of its better neighbour's score a chunk gets: a passage is wider than its chunk
FILE = 0.2  # how much it gets of the mean of its file's three best
_BEST = 3


def fused(words: Mapping[int, float], cosines: Mapping[int, float], depth: int) -> dict[int, float]:
    """One score for each chunk, 0 to 1: a convex combination, each side scaled by what it gave for this question.

    Reciprocal ranks, the usual way, lose how much better the best is than the rest: 1 to 4 points less were found.

    Args:
        words: BM25 of the chunks that have words of the question, higher is better.
        cosines: of every chunk that is looked at.
        depth: how many of the nearest vectors count; the last one's cosine is the zero.
    """
    most = max(words.values(), default=0.0)
    ordered = sorted(cosines.values(), reverse=True)
    top = ordered[0] if ordered else 0.0
    low = ordered[min(depth, len(ordered)) - 1] if ordered else 0.0
    if len(ordered) < depth:  # a small index: the last of all is not what it begins with
        low = min(low, 0.0)
    spread = max(top - low, 1e-6)
    found = {}
    for chunk in cosines.keys() | words.keys():
        near = max(0.0, (cosines.get(chunk, low) - low) / spread)
        said = words.get(chunk, 0.0) / most if most > 0 else 0.0
        found[chunk] = WORDS * said + (1 - WORDS) * near
    return found


def lifted(scores: Mapping[int, float], places: Mapping[int, tuple[int, int]]) -> dict[int, float]:
    """The scores with what neighbours and the file add.

    Args:
        places: (file, ordinal in it) of each chunk.
    """
    at = {place: scores[chunk] for chunk, place in places.items()}
    of_file: dict[int, list[float]] = {}
    for (file, _), score in at.items():
        of_file.setdefault(file, []).append(score)
    means = {file: sum(sorted(values, reverse=True)[:_BEST]) / _BEST for file, values in of_file.items()}
    found = {}
    for chunk, (file, ordinal) in places.items():
        beside = max(at.get((file, ordinal - 1), 0.0), at.get((file, ordinal + 1), 0.0))
        found[chunk] = scores[chunk] + NEIGHBOUR * beside + FILE * means[file]
    return found
