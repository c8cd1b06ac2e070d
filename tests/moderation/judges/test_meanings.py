"""What classes mean, parts of texts, opinions and verdicts, options: what needs no model."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ockit.errors import ContextOverflow, OckitError, UsageError, WorkerError
from ockit.messages import CATEGORIES
from ockit.moderation.judges.class_labels import Meaning, meanings_of
from ockit.moderation.judges.classifier import opinion_of_classes
from ockit.moderation.judges.judge import JudgeTimeout, Opinion, strictest, verdict_of
from ockit.moderation.judges.parts import in_parts, spans
from ockit.moderation.judges.probes import HARMFUL, HARMLESS
from ockit.moderation.judges.self_test import SelfTest, SelfTests, area
from ockit.moderation.judges.time_limit import TimeLimit


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["non-toxic", "toxic"], [Meaning(0), Meaning(3, "harassment")]),
        (["NOT-HATE", "HATE"], [Meaning(0), Meaning(4, "hate")]),
        (["SAFE", "INJECTION"], [Meaning(0), Meaning(3, None, injection=True)]),
        (["nothate", "unsafe"], [Meaning(0), Meaning(4)]),
        (["S", "H", "OK"], None),
        (["LABEL_0", "LABEL_1"], None),
        (["POSITIVE", "NEGATIVE"], None),
        (["safe", "ok"], None),
        (
            [
                "casual",
                "possibly needs caution",
                "probably needs caution",
                "needs caution",
                "needs intervention",
            ],
            [Meaning(level) for level in range(5)],
        ),
        (["sexual/minors", "self-harm/intent"], [Meaning(4, "minors"), Meaning(4, "self_harm")]),
    ],
)
def test_guesses(labels, expected):
    if expected is not None:
        assert list(meanings_of(labels, {}).values()) == expected
        return
    with pytest.raises(UsageError) as caught:
        meanings_of(labels, {})
    assert "labels = {" in str(caught.value.hint)


@pytest.mark.parametrize("value", [5, -1, True, 2.0, "rude", "hate:5", "hate:", ":3", None, ["hate"]])
def test_what_is_no_meaning(value):
    with pytest.raises(UsageError, match="'a' is said to mean"):
        meanings_of(["a", "b"], {"a": value, "b": 0})


def test_given_meanings():
    found = meanings_of(["a", "b", "c", "d"], {"a": 2, "b": "hate", "c": "hate:1", "d": "injection"})
    assert [str(meaning) for meaning in found.values()] == [
        "level 2",
        "level 4, hate",
        "level 1, hate",
        "level 3, injection",
    ]
    with pytest.raises(UsageError, match="'b', which labels leave out"):
        meanings_of(["a", "b"], {"a": 1})


def test_classes_that_exclude_each_other_add_up_and_others_do_not():
    classes = [("x", Meaning(0)), ("y", Meaning(4, "hate")), ("z", Meaning(4, "hate"))]
    one = opinion_of_classes(classes, [0.4, 0.35, 0.25], several=False)
    assert one.p_level == pytest.approx((0.4, 0, 0, 0, 0.6))
    assert one.categories == pytest.approx({"hate": 0.6})
    each = opinion_of_classes(classes, [0.4, 0.35, 0.25], several=True)
    assert each.p_level == pytest.approx((0.65, 0, 0, 0, 0.35))
    assert each.categories == pytest.approx({"hate": 0.35})


def test_a_text_is_covered_by_its_parts():
    text = " ".join(f"word{number}" for number in range(3000))
    found = list(spans(text, 900))
    assert found[0][0] == 0
    assert found[-1][1] == len(text)
    assert all(0 < end - start <= 900 for start, end in found)
    assert all(later < end for (_, end), (later, _) in pairwise(found))
    assert list(spans("a" * 2500, 900))[-1][1] == 2500
    assert list(spans("short", 900)) == [(0, 5)]


def test_the_worst_part_decides_and_is_named():
    def ask(part: str) -> Opinion:
        bad = "jam" in part
        return Opinion((0.1, 0, 0, 0, 0.9) if bad else (1.0, 0, 0, 0, 0), {"hate": 0.7 if bad else 0.1})

    text = "bread " * 300 + "jam " + "bread " * 300
    found = in_parts(text, 1000, ask, name="x")
    assert found.level == 4
    assert found.categories == {"hate": 0.7}
    assert "jam" in text[found.start : found.end]
    assert found.end - found.start <= 1000


def test_parts_that_do_not_fit_are_halved_down_to_a_limit():
    seen: list[int] = []

    def ask(part: str) -> Opinion:
        if len(part) > 300:
            raise ContextOverflow("too long")
        seen.append(len(part))
        return Opinion((0.0, 0, 0, 0, 1.0))

    text = "jam " * 500
    found = in_parts(text, 1000, ask, name="x")
    assert max(seen) <= 300
    assert 0 <= found.start < found.end <= len(text)

    def never(part: str) -> Opinion:
        raise ContextOverflow("too long")

    with pytest.raises(ContextOverflow):
        in_parts(text, 1000, never, name="x")


@pytest.mark.parametrize(
    "opinion",
    [
        Opinion((math.nan, 0, 0, 0, 1)),
        Opinion((0.5, 0.5)),
        Opinion((0.5, 0, 0, 0, 0.2)),
        Opinion((2.0, -1.0, 0, 0, 0)),
        Opinion((1.0, 0, 0, 0, 0), {"hate": math.nan}),
        Opinion((1.0, 0, 0, 0, 0), injection=2.0),
    ],
)
def test_what_are_no_probabilities_is_an_error(opinion):
    with pytest.raises(WorkerError, match="no probabilities"):
        verdict_of(opinion, backend="x", since=time.perf_counter())


@pytest.mark.parametrize(
    ("levels", "level"),
    [
        ((1.0, 0, 0, 0, 0), 0),
        ((0.8, 0.2, 0, 0, 0), 1),
        ((0.9, 0.0, 0, 0, 0.1), 0),
        ((0.6, 0, 0, 0, 0.4), 2),
        ((0.4, 0, 0, 0.3, 0.3), 3),
        ((0.4, 0, 0, 0, 0.6), 4),
    ],
)
def test_levels(levels, level):
    assert verdict_of(Opinion(levels), backend="x", since=0.0).level == level


def test_strictest():
    mild, bad = (
        Opinion((1.0, 0, 0, 0, 0), {"hate": 0.6}, 0.9),
        Opinion((0, 0, 0, 0, 1.0), {"cyber": 0.2}, 0.1),
    )
    found = strictest([mild, bad])
    assert (found.p_level, found.categories, found.injection) == (
        bad.p_level,
        {"hate": 0.6, "cyber": 0.2},
        0.9,
    )


def test_the_probes_are_balanced_and_surface_does_not_tell_them_apart():
    assert len(HARMFUL) == len(HARMLESS) == 20
    assert len(set(HARMFUL) | set(HARMLESS)) == 40
    assert 0.35 < area(len) < 0.65
    assert 0.35 < area(lambda text: text.count("?")) < 0.65
    assert area(lambda text: float(text in HARMFUL)) == 1.0


def test_the_area_is_that_of_all_pairs():
    def score(text: str) -> float:
        return len(text) % 7  # with many ties

    pairs = [(score(bad), score(good)) for bad in HARMFUL for good in HARMLESS]
    won = sum(1.0 if bad > good else 0.5 if bad == good else 0.0 for bad, good in pairs)
    assert area(score) == pytest.approx(won / len(pairs))


def test_self_tests_are_kept_and_damage_is_as_none(tmp_path: Path):
    path = tmp_path / "a" / "tests.json"
    tests = SelfTests(path)
    assert tests.load("m") is None
    found = SelfTest(0.9, (0.1, 0.2, 0.3, 0.2, 0.2))
    assert tests.save("m", found)
    assert SelfTests(path).load("m") == found
    assert found.passed
    assert not SelfTest(0.849, found.prior).passed
    for number in range(60):
        tests.save(f"m{number}", found)
    assert len(json.loads(path.read_text())) == 50
    for damage in (
        "",
        "[]",
        "{",
        '{"m": 3}',
        '{"m": {"auc": 2, "prior": [1]}}',
        '{"m": {"auc": null, "prior": [1,1,1,1,1]}}',
    ):
        path.write_text(damage)
        assert tests.load("m") is None
    path.unlink()
    path.parent.rmdir()
    path.parent.write_text("a file")
    assert not tests.save("m", found)


def test_a_time_limit_stops_then_ends_and_leaves_other_errors_alone():
    done: list[str] = []

    def late() -> None:
        while "kill" not in done:
            time.sleep(0.01)
        raise WorkerError("it died")

    limit = TimeLimit(0.05, lambda: done.append("cancel"), lambda: done.append("kill"), "x")
    with pytest.raises(JudgeTimeout, match=r"x took longer than 0\.05 seconds"), limit:
        late()
    assert done == ["cancel", "kill"]
    with pytest.raises(WorkerError, match="it died"), TimeLimit(60, done.clear, done.clear, "x"):
        raise WorkerError("it died")
    with TimeLimit(60, done.clear, done.clear, "x"):
        pass
    assert done == ["cancel", "kill"]


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("oracle", {}, "no judge of the kind 'oracle'"),
        ("guard", {}, "guard needs a model"),
        ("hf", {"model": ""}, "hf needs a model"),
        ("guard", {"model": 3}, "model is 3"),
        ("fewshot", {"colour": "red"}, "no option 'colour'"),
        ("fewshot", {"seconds": "soon"}, "seconds is 'soon'"),
        ("fewshot", {"seconds": True}, "seconds is True"),
        ("fewshot", {"seconds": float("nan")}, "seconds is nan"),
        ("fewshot", {"ctx_size": 10}, "ctx_size is 10"),
        ("fewshot", {"gpu_layers": "some"}, "gpu_layers is 'some'"),
        ("hf", {"model": "a/b", "labels": ["x"]}, "labels is"),
        ("hf", {"model": "a/b", "format": "x"}, "no option 'format'"),
    ],
)
def test_options_that_cannot_be(open_: Callable[..., Any], kind: str, options: dict[str, Any], words: str):
    with pytest.raises(UsageError) as caught:
        open_(kind, **options)
    assert words in caught.value.what
    assert caught.value.hint


def test_a_missing_model_is_an_error(open_: Callable[..., Any]):
    for kind in ("fewshot", "guard"):
        with pytest.raises(OckitError) as caught:
            open_(kind, model="./nothing.gguf")
        assert caught.value.hint


def test_every_category_of_the_guards_is_one_of_ours():
    from ockit.moderation.judges import granite_guardian, llama_guard, qwen3guard

    hazards = [hazard for _, hazard in (*llama_guard._NAMES, *qwen3guard._CATEGORIES)]
    hazards += [hazard for _, hazard, _ in granite_guardian._RISKS]
    assert {hazard.category for hazard in hazards} - {None} <= set(CATEGORIES)
    assert all(0 <= hazard.level <= 4 for hazard in hazards)
