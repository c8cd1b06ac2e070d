"""The figures of an evaluation, held against scikit-learn's."""

import math
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics

from ockit.errors import UsageError
from ockit.moderation.evaluation import auc, auprc, confusion, counts, draw, figures


@pytest.mark.parametrize("seed", range(12))
def test_as_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    n = int(random.integers(5, 400))
    truth = random.random(n) < random.uniform(0.1, 0.9)
    truth[:2] = True, False
    scores = random.normal(size=n) + truth * random.uniform(0, 2)
    if seed % 2:
        scores = scores.round(1)  # many ties
    flagged = scores > 0.3
    found = figures("q", scores, truth, flagged)
    assert found.auc == pytest.approx(metrics.roc_auc_score(truth, scores), abs=1e-12)
    assert found.auprc == pytest.approx(metrics.average_precision_score(truth, scores), abs=1e-12)
    assert found.judged.f1 == pytest.approx(metrics.f1_score(truth, flagged, zero_division=0.0), abs=1e-12)
    (tn, fp), (fn, tp) = metrics.confusion_matrix(truth, flagged)
    assert (found.judged.true_positives, found.judged.false_positives) == (tp, fp)
    assert (found.judged.false_negatives, found.judged.true_negatives) == (fn, tn)
    assert found.judged.fpr == pytest.approx(fp / (fp + tn))
    precision, recall, thresholds = metrics.precision_recall_curve(truth, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    assert found.best.f1 == pytest.approx(f1.max())
    assert metrics.f1_score(truth, scores >= found.threshold) == pytest.approx(found.best.f1)
    assert found.threshold in thresholds


def test_one_side_alone_has_no_area() -> None:
    assert math.isnan(auc([0.1, 0.9], [True, True]))
    assert math.isnan(auprc([0.1, 0.9], [False, False]))
    assert math.isnan(counts([True], [True]).fpr)
    found = figures("q", [0.5, 0.5], [False, False], [True, False])
    assert found.positives == 0
    assert found.judged.fpr == 0.5
    assert found.best.f1 == 0.0


def test_confusion_has_the_truth_in_rows() -> None:
    truth, said = [0, 0, 1, 4], [0, 2, 1, 3]
    table = confusion(truth, said, 5)
    assert table == metrics.confusion_matrix(truth, said, labels=range(5)).tolist()
    assert table[0][2] == 1


def test_a_plot_is_a_png_file(tmp_path: Path) -> None:
    truth = [True, False] * 600
    scores = list(np.random.default_rng(0).normal(size=1200) + np.array(truth))
    draw(tmp_path / "a.png", "two lines", {"a": (scores, truth), "none": (scores, [False] * 1200)})
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match="nothing to draw"):
        draw(tmp_path / "b.png", "no line", {"none": (scores, [False] * 1200)})
