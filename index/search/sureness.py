"""How sure a search is of what it found, 0 to 1, and from where on it says that it found nothing.

A logistic function of two figures of a passage: how near its vector is to the question's, and how much of the
question's words it has, rare ones counting more. The constants were fitted to questions asked of the documents
they are about and of others (code, prose, docstrings, and questions no document answers), both halves weighing
the same. With both figures none of some 380 questions that have an answer stays below the floor, and 14 % of
the others come above it, most of them in long prose that shares their words; the benchmark
``benchmarks/retrieval.py --floor`` measures it. They hold for the embedder that comes with ockit; with another
one, whose cosines mean something else, the words alone decide.
"""

from __future__ import annotations

import math

_BOTH = (-7.3, 15.0, 5.5)  # constant, cosine, share
_WORDS = (-4.4, 10.6)
_VECTORS = (-6.2, 18.0)
_FLOOR_BOTH = 0.12
_FLOOR_ONE = 0.1  # one figure alone tells less


def sureness(cosine: float | None, share: float | None) -> float:
    """How likely a passage answers.

    Args:
        cosine: of its vector with the question's; None: vectors were not asked, or say nothing.
        share: of the question's words, 0 to 1; None: words were not asked.
    """
    if cosine is not None and share is not None:
        return _logistic(_BOTH[0] + _BOTH[1] * cosine + _BOTH[2] * share)
    if cosine is not None:
        return _logistic(_VECTORS[0] + _VECTORS[1] * cosine)
    return _logistic(_WORDS[0] + _WORDS[1] * (share or 0.0))


def floor(*, cosines: bool, shares: bool) -> float:
    """The sureness below which nothing was found, where these figures were known."""
    return _FLOOR_BOTH if cosines and shares else _FLOOR_ONE


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, value))))
