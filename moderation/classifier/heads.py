"""Probabilities of a text from its vector and its n-grams, in plain Python: for one text that is faster than loading
numpy ever pays. Knows the heads' file, no encoder and no policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import dist, exp, sqrt

from ockit.moderation.classifier.weights import LEVELS, OUTPUTS, Heads


@dataclass(frozen=True)
class Scores:
    """What the heads say of one piece of text.

    Attributes:
        probabilities: one for each of `OUTPUTS`; those of the levels fall.
        nearness: the greatest cosine to what was learned from; 1 where the heads have nothing to compare with.
    """

    probabilities: tuple[float, ...]
    nearness: float

    @property
    def expected(self) -> float:
        """The expected level, 0 to 4: the sum of the probabilities of reaching each."""
        return sum(self.probabilities[: len(LEVELS)])


def scored(heads: Heads, vector: Sequence[float], hashed: Sequence[int]) -> Scores:
    """The scores of a piece of text with this vector (of length 1) and these n-grams."""
    logits = [
        bias
        + (square + 1 - dist(row, vector) ** 2) / 2  # the inner product: `dist` is C, and four times as fast
        for bias, square, row in zip(heads.bias, heads.squares, heads.vector, strict=True)
    ]
    if heads.hashed and hashed:
        width, lifted, count = len(OUTPUTS), heads.lifted, len(hashed)
        rows = b"".join([lifted[at * width : at * width + width] for at in hashed])
        for number, scale in enumerate(heads.hashed_scales):
            if scale:
                logits[number] += scale / sqrt(count) * (sum(rows[number::width]) - 128 * count)
    found = [probability(logit) for logit in logits]
    for number in range(1, len(LEVELS)):
        found[number] = min(found[number], found[number - 1])
    nearest = min((dist(row, vector) for row in heads.centroids), default=0.0)
    return Scores(tuple(found), 1 - nearest**2 / 2)


def probability(logit: float) -> float:
    """The logistic function, without overflow."""
    if logit >= 0:
        return 1 / (1 + exp(-logit))
    grown = exp(logit)
    return grown / (1 + grown)


def level_of(probabilities: Sequence[float], cuts: Sequence[float]) -> int:
    """The highest level whose cut-point is reached; `cuts` of `LEVELS`."""
    reached = [level for level, cut in enumerate(cuts, 1) if probabilities[level - 1] >= cut]
    return max(reached, default=0)


def spread(probabilities: Sequence[float]) -> tuple[float, ...]:
    """The probability of each of the five levels, from those of reaching them; their sum is 1."""
    reached = (1.0, *probabilities[: len(LEVELS)], 0.0)
    return tuple(max(0.0, a - b) for a, b in pairwise(reached))
