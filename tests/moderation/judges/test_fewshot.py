"""The few-shot judge on the embedded model, which is too small for it and must say so."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ockit.environment import Environment
from ockit.errors import ContextOverflow
from ockit.moderation.judges import fewshot
from ockit.moderation.judges.fewshot_prompt import prompt
from ockit.moderation.judges.opening import open_judge
from ockit.moderation.judges.self_test import PROBES, SelfTest
from ockit.moderation.opening import open_guard
from ockit.moderation.policy.reading import parse_policy
from ockit.settings import Settings


@pytest.fixture(scope="module")
def judge(environment: Environment, embedded_model: Path) -> Any:
    opened = open_judge("fewshot", {"model": str(embedded_model), "seconds": 60, "name": "chat"}, environment)
    yield opened
    opened.close()


def test_the_embedded_model_only_advises_and_says_so(judge: Any) -> None:
    assert judge.describe()["self-test"] == "not made yet"
    said = judge.advisory()
    assert said is not None
    assert "only advises" not in said  # whoever shows it says that
    found = judge._test
    assert 0.35 < found.auc < 0.85  # what it measures: near a coin
    assert f"{found.auc:.2f}" in said
    assert f"AUC {found.auc:.2f}" in judge.describe()["self-test"]
    assert f"it only advises: {said}" in judge.check("Hello there!", "user").reason


def test_its_verdicts_are_levels(judge: Any) -> None:
    verdict = judge.check("What time is it?", "user")
    assert len(verdict.p_level) == 5
    assert sum(verdict.p_level) == pytest.approx(1.0)
    assert verdict.action == "allow"
    assert verdict.backend == "chat"
    assert verdict.status == "ok"
    assert judge.check("What time is it?", "assistant").p_level == pytest.approx(verdict.p_level, abs=0.05)
    assert judge.check("  ", "user").level == 0


def test_saying_nothing_is_judged_as_no_level_in_particular(judge: Any) -> None:
    """What is left once the taste for labels is taken away."""
    import math

    prior = judge._test.prior
    raw = judge._judged("N/A", (0.2,) * 5).p_level
    calibrated = judge._judged("N/A", prior).p_level

    def spread(levels: tuple[float, ...]) -> float:
        return -sum(p * math.log(max(p, 1e-12)) for p in levels)

    assert spread(calibrated) > spread(raw)


def test_the_examples_stay_in_the_cache(judge: Any) -> None:
    judge.check("How are you?", "user")
    examples = len(judge._engine.encode(prompt("")))
    judge.check("What is for dinner?", "user")
    assert judge._engine.reused >= examples - 6  # all but the end, which follows the text


def test_the_self_test_is_remembered(
    judge: Any, environment: Environment, embedded_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge.advisory()
    monkeypatch.setattr(fewshot, "area", None)  # a second test would fail
    again = open_judge("fewshot", {"model": str(embedded_model)}, environment)
    try:
        assert again.advisory() == judge.advisory()
        assert again._engine.info is not None  # loaded before the time of a check begins
        assert again.describe()["self-test"] == judge.describe()["self-test"]
    finally:
        again.close()


def test_what_takes_long_is_told(
    judge: Any, embedded_model: Path, open_: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A self-test of some seconds is no loading of a model."""
    fresh = open_("fewshot", model=str(embedded_model), seconds=60)
    monkeypatch.setattr(fresh._tests, "load", lambda key: None)
    assert fresh.doing == ""
    seen: list[str] = []
    until = threading.Thread(target=fresh.advisory)
    until.start()
    while until.is_alive():
        if fresh.doing and fresh.doing not in seen[-1:]:
            seen.append(fresh.doing)
        until.join(0.005)
    assert fresh.doing == ""
    assert seen[0] == f"loading {fresh._model} to judge with"
    assert seen[-1] == f"testing whether {fresh._model} can judge: line {PROBES} of {PROBES}"
    assert all(one.startswith("testing") for one in seen[1:])


def test_a_model_that_passed_may_enforce(
    environment: Environment, embedded_model: Path, open_: Callable[..., Any]
) -> None:
    passed = open_("fewshot", model=str(embedded_model))
    before = passed._tests.load(passed._key)
    passed._tests.save(passed._key, SelfTest(0.91, (0.2,) * 5))
    try:
        assert passed.advisory() is None
        assert "only advises" not in passed.check("hello", "user").reason
    finally:
        if before is not None:
            passed._tests.save(passed._key, before)


def test_in_a_guard_it_enforces_once_it_has_passed_and_only_then(
    judge: Any, environment: Environment, embedded_model: Path
) -> None:
    judge.advisory()
    policy = f"""\
[input]
levels = ["refuse", "refuse", "refuse", "refuse", "refuse"]
[backend.embedded]
enabled = false
[backend.chat]
kind = "fewshot"
model = "{embedded_model}"
"""
    failed = judge._tests.load(judge._key)
    for found, action in ((failed, "note"), (SelfTest(0.91, failed.prior), "refuse")):
        judge._tests.save(judge._key, found)
        guard = open_guard(environment, Settings(), policy=parse_policy(policy, "m.toml"))
        try:
            verdict = guard.check("What time is it?", "user")
            said = " ".join((verdict.reason, *guard.take_banners()))
        finally:
            guard.close()
            judge._tests.save(judge._key, failed)
        assert (verdict.action, verdict.status) == (action, "ok")
        assert ("only advises" in said) is (action == "note"), said


def test_too_long_a_text_is_an_error(judge: Any) -> None:
    with pytest.raises(ContextOverflow, match="1000000 characters"):
        judge.check("word " * 200_000, "user")
