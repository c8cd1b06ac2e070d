"""How sure a search is of what it found, 0 to 1, and from where on it says that it found nothing.

A logistic function of two figures of the best passage: how near its vector is to the question's, and how much of the
question's words it has, rare ones counting more. The numbers come from `benchmarks/retrieval.py --floor`, which asks each set
of questions of its own documents and of the other set's.
"""

from __future__ import annotations

import math

FLOOR = 0.1
"""Below it nothing was found."""

_BOTH = (-6.0, 9.0, 4.0)
_WORDS = (-4.0, 7.0)
_VECTORS = (-5.0, 12.0)


def sureness(cosine: float | None, share: float | None) -> float:
    """How likely a passage answers.

    Args:
        cosine: of its vector with the question's; None: vectors were not asked.
        share: of the question's words, 0 to 1; None: words were not asked.
    """
    if cosine is not None and share is not None:
        constant, near, said = _BOTH
        return _logistic(constant + near * cosine + said * share)
    if cosine is not None:
        return _logistic(_VECTORS[0] + _VECTORS[1] * cosine)
    return _logistic(_WORDS[0] + _WORDS[1] * (share or 0.0))


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, value))))
