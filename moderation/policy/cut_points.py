"""Where a back end's scores turn into a yes. Knows numbers only; a back end without cuts of its own is cut at 0.5."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

_NEVER = 1e-9  # a probability of 0 or 1 has no log-odds


@dataclass(frozen=True)
class CutPoints:
    """Attributes:
    cuts: from which probability on a score counts, by name: ``level1`` (P(level >= 1)) to ``level4``, a category,
        ``injection``. What is not in it is cut at 0.5.
    """

    cuts: Mapping[str, float] = field(default_factory=dict)

    def margin(self, name: str, score: float, shift: float = 0.0) -> float:
        """How far a score from 0 to 1 lies above its cut (below: negative), once its log-odds are raised by `shift`. In
        log-odds with the natural logarithm: 0.7 doubles the odds."""
        return _log_odds(score) + shift - _log_odds(self.cuts.get(name, 0.5))

    def reached(self, name: str, score: float, shift: float = 0.0) -> bool:
        """Whether a score reaches its cut."""
        return self.margin(name, score, shift) >= 0


def _log_odds(p: float) -> float:
    p = min(1 - _NEVER, max(_NEVER, p))
    return math.log(p / (1 - p))
