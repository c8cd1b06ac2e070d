"""How well judgements agree with labels: areas under curves, F1, false-positive rates, a confusion table, a plot.

Knows scores and truths as numbers; knows no judge and no file of rows. Sources of the formulas: the area under the ROC
curve is the Mann-Whitney statistic with ties counted half (Hanley and McNeil 1982); AUPRC is average precision, the sum
of precision times the gain of recall at every distinct threshold, without interpolation (as scikit-learn's
``average_precision_score``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scores = NDArray[np.float64] | Sequence[float]
    Truths = NDArray[np.bool_] | Sequence[bool]

_DRAWN = 400  # points of a curve that are drawn


@dataclass(frozen=True)
class Counts:
    """How rows fall at one threshold. Shares of nothing are nan."""

    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int

    @property
    def precision(self) -> float:
        """Of what is flagged, how much is right."""
        return _share(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float:
        """Of what should be flagged, how much is."""
        return _share(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def f1(self) -> float:
        """The harmonic mean of both; 0 where nothing is found."""
        all_three = 2 * self.true_positives + self.false_positives + self.false_negatives
        return _share(2 * self.true_positives, all_three)

    @property
    def fpr(self) -> float:
        """Of what should not be flagged, how much is."""
        return _share(self.false_positives, self.false_positives + self.true_negatives)


@dataclass(frozen=True)
class Figures:
    """One question ("is it of level 3 or more?", "is it spam?") and how well it was answered.

    Attributes:
        name: the question.
        positives: rows of which it is true.
        rows: all rows.
        auc, auprc: of the scores; nan where one side has no row.
        judged: as the judge itself decided, by its own cut-points.
        best: at the threshold with the highest F1.
        threshold: that threshold; a score of at least so much counts.
    """

    name: str
    positives: int
    rows: int
    auc: float
    auprc: float
    judged: Counts
    best: Counts
    threshold: float


def auc(scores: Scores, positive: Truths) -> float:
    """The chance that a positive row has a higher score than a negative one; nan where one side has no row."""
    import numpy as np

    s, truth = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=bool)
    n_positive = int(truth.sum())
    n_negative = len(truth) - n_positive
    if not n_positive or not n_negative:
        return math.nan
    _, inverse, counts = np.unique(s, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2  # ties share the mean of their ranks
    total = float(ranks[inverse][truth].sum())
    return (total - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative)


def auprc(scores: Scores, positive: Truths) -> float:
    """Average precision; nan where no row is positive."""
    import numpy as np

    _, found, taken, n_positive = _steps(scores, positive)
    if not n_positive:
        return math.nan
    gains = np.diff(found, prepend=0) / n_positive
    return float((gains * found / taken).sum())


def figures(name: str, scores: Scores, positive: Truths, flagged: Truths) -> Figures:
    """The figures of one question; `flagged`: what the judge decided. All three of one length, one at least."""
    import numpy as np

    truth = np.asarray(positive, dtype=bool)
    thresholds, found, taken, n_positive = _steps(scores, positive)
    f1 = 2 * found / (taken + n_positive)
    at = int(np.argmax(f1))
    s = np.asarray(scores, dtype=np.float64)
    return Figures(
        name,
        n_positive,
        len(truth),
        auc(scores, positive),
        auprc(scores, positive),
        counts(flagged, positive),
        counts(s >= thresholds[at], positive),
        float(thresholds[at]),
    )


def counts(flagged: Truths, positive: Truths) -> Counts:
    """How decisions fall against truths."""
    import numpy as np

    said, truth = np.asarray(flagged, dtype=bool), np.asarray(positive, dtype=bool)
    return Counts(
        int((said & truth).sum()),
        int((said & ~truth).sum()),
        int((~said & truth).sum()),
        int((~said & ~truth).sum()),
    )


def confusion(truths: Sequence[int], judged: Sequence[int], classes: int) -> list[list[int]]:
    """Rows: what is true, columns: what was judged; each a class from 0 to `classes` - 1."""
    table = [[0] * classes for _ in range(classes)]
    for truth, said in zip(truths, judged, strict=True):
        table[truth][said] += 1
    return table


def draw(path: Path, title: str, curves: Mapping[str, tuple[Scores, Truths]]) -> None:
    """Precision over recall, a line for each question that has rows on both sides, as a PNG file.

    Raises:
        UsageError: no question has, or there are more than 8.
        OckitError: the file cannot be written.
    """
    from ockit.plots.figures import Labels, line_figure

    lines = {}
    for name, (scores, positive) in curves.items():
        _, found, taken, n_positive = _steps(scores, positive)
        if not 0 < n_positive < len(scores):
            continue
        step = max(1, len(found) // _DRAWN)
        at = [*range(0, len(found), step), len(found) - 1]
        points = [(float(found[i] / n_positive), float(found[i] / taken[i])) for i in at]
        lines[f"{name} (AUPRC {auprc(scores, positive):.2f})"] = points
    line_figure(path, Labels(title, "recall", "precision", 0.0, 1.02), lines)


def _steps(
    scores: Scores, positive: Truths
) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.intp], int]:
    """For each distinct score from the highest on: it, how many positives and how many rows have at least it. And how
    many positives there are."""
    import numpy as np

    s, truth = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=bool)
    order = np.argsort(-s, kind="stable")
    last = np.append(np.flatnonzero(np.diff(s[order])), len(s) - 1)
    return s[order][last], np.cumsum(truth[order])[last], last + 1, int(truth.sum())


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan
