"""What each head learns from a row: one number for each of `OUTPUTS`, or nothing. Knows no model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rows import Row

from ockit.messages import CATEGORIES
from ockit.moderation.classifier.weights import LEVELS, OUTPUTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

WEIGHTS = {
    **dict.fromkeys(CATEGORIES, 0.15),
    "level1": 0.7,
    "level2": 1.0,
    "level3": 1.0,
    "level4": 2.0,
    "injection": 1.5,
}
"""How much each output counts in the loss; 1 where it is not named."""


def targets(rows: Sequence[Row]) -> NDArray[Any]:
    """(n, outputs): 1, 0, or NaN where the row says nothing."""
    import numpy as np

    return np.array([_of(row) for row in rows], dtype=np.float32)


def _of(row: Row) -> list[float]:
    found: dict[str, float] = {}
    if row.low is not None and row.high is not None:
        for level, name in enumerate(LEVELS, 1):
            if level <= row.low:
                found[name] = 1.0
            elif level > row.high:
                found[name] = 0.0
    if row.categories is not None:
        for name in CATEGORIES:
            found[name] = float(name in row.categories)
    if row.injection is not None:
        found["injection"] = float(row.injection)
    if row.distress is not None:
        found["distress"] = float(row.distress)
    if row.categories and "self_harm" in row.categories and row.kind == "harmful":
        del found["distress"]  # who asks for a way to die may be in distress or not; nobody said
    return [found.get(name, float("nan")) for name in OUTPUTS]
