"""The scripts that make the weights, without training: labels, parts, cut-points, what is never told apart."""

from __future__ import annotations

import importlib
import json
import random
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


def bags(*texts):
    return [frozenset(text.split()) for text in texts]


def test_near_is_six_tenths_of_the_words(making):
    near = making("nearness")
    assert near.jaccard(*bags("a b c d", "b c d e")) == 0.6
    assert near.jaccard(*bags("", "a")) == near.jaccard(*bags("", "")) == 0.0
    texts = bags("a b c d", "a b", "x", "", "b c d e")
    assert near.Near(texts, texts).to(texts[0]) == [0, 4]
    assert near.Near(texts, texts).to(frozenset("unheard of".split())) == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.frozensets(st.sampled_from("abcdefgh"), max_size=7), max_size=12))
def test_nothing_near_is_overlooked(making, texts):
    near = making("nearness")
    found = near.Near(texts, texts)
    for one in texts:
        wanted = [at for at, other in enumerate(texts) if near.jaccard(one, other) >= near.LEAST]
        assert found.to(one) == wanted


def test_what_is_near_a_later_part_is_left_out_and_leaves_nothing_else_out(making, row):
    texts = {
        "a b c d e f": "test",
        "a b c d e f g h": "develop",  # near the first
        "b c d e f g h i j": "train",  # near the second alone, which is gone
        "p q r s": "develop",
        "p q r s t": "train",
        "p t": "train",
        "u v w": "test",
        "u v w x": "test",  # nothing is taken from the last part
    }
    rows = [row(text, source, text, "k") for text, source in zip(texts, "klmnopqr", strict=True)]
    found = making("splitting").apart(rows, list(texts.values()), bags(*texts))
    assert found == ["test", "left-out", "train", "develop", "left-out", "train", "test", "test"]


def test_hatechecks_sentence_of_the_other_label_stays(making, row):
    text = "I like all of my neighbours"
    rows = [
        row(text, "hatecheck", "f1", "not hateful"),
        row(text + " not", "hatecheck", "f2", "hateful"),
        row(text + " too", "hatecheck", "f3", "not hateful"),
        row(text + " so", "elsewhere", "f4", "hateful"),
    ]
    found = making("splitting").apart(
        rows, ["test", "train", "train", "train"], bags(*(r.text for r in rows))
    )
    assert found == ["test", "train", "left-out", "left-out"]


def test_no_row_that_was_learned_from_is_near_one_that_is_held_out(making, data_dir):
    """Of all rows, the public ones included; the parts are those that the shipped weights were made with."""
    data = data_dir("moderation").parent
    data_dir("retrieval")
    plain, normalized = making("altering").plain, making("make").normalized_text
    rows = [*making("rows").contrast_rows(), *making("public").public_rows(data)]
    rows += making("oddities").odd_rows(data, rows)
    parts = dict(line.split() for line in (MAKING / "hashes.txt").read_text().splitlines())
    split = [parts[row.digest] for row in rows]
    assert {"train", "develop", "test", "left-out"} == set(split)
    words = [frozenset(plain(normalized(row.text)).split()) for row in rows]
    assert making("splitting").apart(rows, split, words) == split


def test_no_line_of_the_project_stands_in_a_public_set(making, data_dir):
    plain = making("altering").plain
    data = data_dir("moderation")
    public = {plain(row.text) for row in making("public").public_rows(data.parent)}
    clinc = json.loads((data / "clinc_oos/data/data_full.json").read_text(encoding="utf-8"))
    public |= {plain(text) for entries in clinc.values() for text, _ in entries}
    public.discard("")
    assert [row.text for row in making("rows").contrast_rows() if plain(row.text) in public] == []


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
