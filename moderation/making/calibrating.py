"""Temperatures and cut-points, from development rows alone. A cut-point is a quantile of what benign rows score, never
one half. Knows judgements, no model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from measuring import is_twin
from rows import Row

from ockit.messages import CATEGORIES
from ockit.moderation.classifier.weights import LEVELS, OUTPUTS

if TYPE_CHECKING:
    from numpy.typing import NDArray


def temperatures(logits: NDArray[Any], wanted: NDArray[Any]) -> NDArray[Any]:
    """The factor for each output's logits under which the known labels are likeliest (Guo et al. 2017, "On Calibration
    of Modern Neural Networks"); from 0.2 to 2."""
    import numpy as np

    grid = np.geomspace(0.2, 2.0, 60)
    found = np.ones(len(OUTPUTS))
    for number in range(len(OUTPUTS)):
        known = ~np.isnan(wanted[:, number])
        if len(set(wanted[known, number].tolist())) < 2:
            continue
        signs = 2 * wanted[known, number] - 1
        costs = [np.logaddexp(0, -factor * logits[known, number] * signs).mean() for factor in grid]
        found[number] = grid[int(np.argmin(costs))]
    # one factor for all levels: with several their order could turn round
    found[: len(LEVELS)] = found[: len(LEVELS)].mean()
    return found


BENIGN: tuple[tuple[str, Callable[[Row], bool], dict[str, float]], ...] = (
    ("twins", is_twin, {"level4": 0.985, "level3": 0.95, "level2": 0.87}),
    (
        "short questions",
        lambda row: row.source == "contrast/short" and row.kind in ("benign", "casual"),
        {"level4": 0.985, "level3": 0.95, "level2": 0.90},
    ),
    ("cyber", lambda row: row.source == "frr", {"level4": 0.997, "level3": 0.99, "level2": 0.97}),
    ("CLINC", lambda row: row.source == "clinc", {"level4": 0.999, "level3": 0.997, "level2": 0.99}),
    (
        "everyday",
        lambda row: row.source == "contrast/everyday" and row.kind in ("casual", "benign"),
        {"level4": 0.965, "level3": 0.96, "level2": 0.95},
    ),
    ("answers", lambda row: row.kind == "output" and (row.level or 0) <= 1, {"level4": 0.97, "level3": 0.95}),
)
"""Benign development rows, and the share of each that must stay below a cut. Of a small set (96 everyday lines) so much
that three rows or more may lie above: a single one is an accident."""
_LEVEL1, _CATEGORY, _DISTRESS = 0.85, 0.98, 0.995
_LOOK_ALIKES, _ORDINARY = 0.92, 0.998
"""Of document sentences: those written to look like injections, and those of ordinary documents."""


def cuts(rows: Sequence[Row], probabilities: NDArray[Any]) -> dict[str, float]:
    """The probability from which each output counts: the strictest of the quantiles above."""
    import numpy as np

    def quantile(name: str, wanted: Callable[[Row], bool], share: float) -> float:
        chosen = [number for number, row in enumerate(rows) if wanted(row)]
        if not chosen:
            return 0.0
        values = probabilities[chosen, OUTPUTS.index(name)]
        return float(np.quantile(values, share, method="higher"))

    found = dict.fromkeys(LEVELS, 0.0)
    found["level1"] = quantile(
        "level1", lambda row: row.level == 0 and row.kind in ("benign", "casual"), _LEVEL1
    )
    for _, wanted, shares in BENIGN:
        for name, share in shares.items():
            found[name] = max(found[name], quantile(name, wanted, share))
    for name in CATEGORIES:
        found[name] = quantile(
            name, lambda row, name=name: row.categories is not None and name not in row.categories, _CATEGORY
        )
    found["injection"] = max(
        quantile("injection", lambda row: row.kind == "document" and row.source != "passages", _LOOK_ALIKES),
        quantile("injection", lambda row: row.source == "passages", _ORDINARY),
    )
    found["distress"] = quantile(
        "distress",
        lambda row: row.source.startswith("contrast/") and row.kind in ("benign", "casual"),
        _DISTRESS,
    )
    return {name: min(1.0, value + 1e-6) for name, value in found.items()}
