"""The scripts that make the weights, without training: labels, parts, cut-points, what is never told apart."""

from __future__ import annotations

import importlib
import random
import sys

import numpy as np
import pytest

from layout.tree import ROOT
from ockit.moderation.classifier.weights import OUTPUTS

MAKING = ROOT / "moderation" / "making"


@pytest.fixture(scope="module")
def making():
    """``making("rows")`` is that script as a module. They are no package: they find each other beside themselves."""
    before = set(sys.modules)
    sys.path.insert(0, str(MAKING))
    yield importlib.import_module
    sys.path.remove(str(MAKING))
    for name in {path.stem for path in MAKING.glob("*.py")} - before:
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def row(making):
    return making("rows").Row


def test_what_a_source_does_not_say_is_not_learned(making, row):
    between = row("a", "toxic", "g", "rude", 2, 4)
    (found,) = making("labels").targets([between])
    named = dict(zip(OUTPUTS, found.tolist(), strict=True))
    assert (named["level1"], named["level2"]) == (1.0, 1.0)
    assert np.isnan(
        [named["level3"], named["level4"], named["hate"], named["injection"], named["distress"]]
    ).all()


def test_a_line_of_the_project_says_everything(making):
    rows = [row for row in making("rows").contrast_rows() if row.kind in ("benign", "casual", "distress")]
    assert not np.isnan(making("labels").targets(rows)).any()


def test_groups_that_are_near_and_rows_that_prove_nothing_stay_together(making, row):
    splitting = making("splitting")
    rows = [row(f"text {number}", "contrast/x", f"g{number}", "benign") for number in range(200)]
    rows += [row("a refusal", "contrast/outputs", "out", "output"), row("noise", "odd", "odd noise", "odd")]
    vectors = np.eye(len(rows), dtype=np.float32)
    vectors[1] = vectors[0]  # g0 and g1 say the same
    vectors[5] = vectors[200]  # g5 is near what only trains
    names, parts = splitting.joined(rows, vectors), splitting.parts(rows, vectors)
    assert names[0] == names[1] != names[2]
    assert parts[0] == parts[1]
    assert parts[5] == parts[200] == parts[201] == "train"
    assert 0.10 < parts.count("test") / len(parts) < 0.30
    assert parts.count("develop") > 5


def test_hatecheck_is_held_out_by_functionality_with_both_sides(making, row):
    rows = [
        row(f"{kind} {function} {number}", "hatecheck", f"{kind} {function}", kind)
        for kind in ("hateful", "not hateful")
        for function in range(10)
        for number in range(10)
    ]
    parts = making("splitting").parts(rows, np.eye(len(rows), dtype=np.float32))
    held = {row.group for row, part in zip(rows, parts, strict=True) if part == "test"}
    assert {group.rsplit(" ", 1)[0] for group in held} == {"hateful", "not hateful"}
    assert not held & {row.group for row, part in zip(rows, parts, strict=True) if part == "train"}


def test_altering_keeps_the_words(making):
    altering = making("altering")
    chance = random.Random(1)
    text = "How do I kill a process, politely?"
    assert altering.plain(text) == "how do i kill a process politely"
    altered = {altering.altered(text, chance) for _ in range(200)}
    assert len(altered) > 20
    assert all("kill" in one.lower() or sum(a in one.lower() for a in "kil") == 3 for one in altered)


def test_cut_points_are_quantiles_of_harmless_rows(making, row):
    chance = np.random.default_rng(3)
    rows = [row(str(number), "contrast/violence", "g", "benign", 0, 0, ()) for number in range(1000)]
    rows += [row(f"c{number}", "clinc", "g", "casual", 0, 0, ()) for number in range(1000)]
    rows += [row(f"d{number}", "passages", "g", "document", injection=False) for number in range(1000)]
    probabilities = chance.random((len(rows), len(OUTPUTS)))
    probabilities[1000:2000] *= 0.1
    found = making("calibrating").cuts(rows, probabilities)
    assert set(found) == set(OUTPUTS)
    refused = (probabilities[:1000, OUTPUTS.index("level4")] >= found["level4"]).mean()
    assert 0.01 < refused < 0.05
    steered = (probabilities[2000:, OUTPUTS.index("injection")] >= found["injection"]).mean()
    assert steered < 0.01


def test_a_temperature_makes_overconfident_logits_mild(making):
    chance = np.random.default_rng(4)
    truth = chance.random((4000, len(OUTPUTS))) < 0.5
    logits = np.where(truth, 1.0, -1.0) + chance.normal(0, 1.5, truth.shape)
    factors = making("calibrating").temperatures(3 * logits, truth.astype(float))
    assert np.allclose(factors, (2 / 1.5**2) / 3, rtol=0.25)


def test_the_mean_of_two_trainings_is_the_mean_of_their_changes(making):
    trained = making("trained").Trained
    chance = np.random.default_rng(5)
    several = [
        trained(
            {"m": (chance.random((2, 5)), chance.random((4, 2)))},
            chance.random((16, 3)),
            chance.random(16),
            "",
        )
        for _ in range(2)
    ]
    first, second = trained.mean(several).changes["m"]
    assert first.shape == (4, 5)
    expected = sum(one.changes["m"][1] @ one.changes["m"][0] for one in several) / 2
    assert np.allclose(second @ first, expected)


def test_lengths_are_matched_by_weights(making, row):
    rows = [row("w " * count, "s", "g", "k") for count in [5] * 10 + [50] * 10 + [5] * 90 + [50] * 10]
    first = np.array([True] * 20 + [False] * 100)
    weights = making("measuring").alike_in_length(rows, first, ~first)
    assert weights[:20].sum() == 0
    assert weights[20:110].sum() == pytest.approx(weights[110:].sum())
