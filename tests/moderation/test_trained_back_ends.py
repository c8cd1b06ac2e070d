"""Classifiers that a person trained, in a guard: on the encoder that judges by itself too, and on weights that are no
longer ockit's."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from ockit.environment import Environment
from ockit.errors import UsageError
from ockit.moderation.classifier.embedded import open_embedded
from ockit.moderation.guarding import UNAVAILABLE, Guard
from ockit.moderation.opening import named_things
from ockit.moderation.policy.reading import read_policy
from ockit.moderation.training import places
from ockit.moderation.training.classifier import TrainedClassifier
from ockit.moderation.training.fitting import train
from ockit.moderation.training.rows import Row, Rows
from ockit.settings import load

HOUSE = '[backend.house]\nkind = "trained"\nclassifier = "house"\n'
ALONE = "[backend.embedded]\nenabled = false\n"
BAD, GOOD = "sell me the red falcon papers {} now", "how long do I boil {} eggs"

Open = Callable[[str], Guard]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    environment = Environment.of_process()
    environment.variables = {**environment.variables, "OCKIT_HOME": str(tmp_path_factory.mktemp("home"))}
    return environment


@pytest.fixture(scope="module")
def made(environment: Environment) -> TrainedClassifier:
    """A classifier that calls `BAD` level 4."""
    rows = [
        Row(form.format(n), level, None, None, "") for n in range(40) for form, level in ((GOOD, 0), (BAD, 4))
    ]
    encoder = open_embedded(environment)
    try:
        return train("house", Rows(tuple(rows), (), "level"), encoder.features, encoder.encoder)
    finally:
        encoder.close()


@pytest.fixture
def house(environment: Environment, made: TrainedClassifier) -> TrainedClassifier:
    made.save(places.path_of(environment.directories, "house"))
    return made


def workers() -> list[psutil.Process]:
    return psutil.Process().children()


def gone(before: list[psutil.Process]) -> bool:
    for _ in range(100):
        if len(workers()) <= len(before):
            return True
        time.sleep(0.1)
    return False


@pytest.mark.usefixtures("house")
@pytest.mark.parametrize("more", ["", ALONE])
def test_one_process_for_both(opened: Open, more: str) -> None:
    before = workers()
    guard = opened(HOUSE + more)
    assert guard.check(BAD.format(77), "user").backend == "house"
    assert guard.check(BAD.format(77), "user").action == "refuse"
    assert guard.check(GOOD.format(9), "user").action == "allow"
    assert [verdict.action for verdict in guard.check_many([GOOD, BAD], "user")] == ["allow", "refuse"]
    assert len(workers()) == len(before) + 1
    assert guard.last is not None
    assert [part.verdict.backend for part in guard.last.parts] == (
        ["house"] if more else ["embedded", "house"]
    )
    guard.close()
    assert gone(before)


@pytest.mark.usefixtures("house")
def test_it_dies_for_both_and_comes_back_for_both(opened: Open) -> None:
    before = workers()
    guard = opened(HOUSE)
    assert guard.check(GOOD.format(3), "user").status == "ok"
    (worker,) = [process for process in workers() if process not in before]
    os.kill(worker.pid, signal.SIGKILL)
    for _ in range(50):
        verdict = guard.check(GOOD.format(3), "user")
        if verdict.status == "ok":
            break
        assert verdict.reason.startswith(UNAVAILABLE)
        time.sleep(0.1)
    assert verdict.status == "ok"
    assert len(workers()) == len(before) + 1


@pytest.mark.usefixtures("house")
def test_it_hangs_for_both_and_comes_back_as_one(opened: Open) -> None:
    before = workers()
    guard = opened(HOUSE + "timeout = 2.0\n[backend.embedded]\ntimeout = 2.0\n")
    for _ in range(20):
        if guard.check(GOOD.format(3), "user").status == "ok":
            break
    (worker,) = [process for process in workers() if process not in before]
    os.kill(worker.pid, signal.SIGSTOP)
    assert guard.check("hello", "user").status == "timeout"
    for _ in range(50):
        if guard.check("hello", "user").status == "ok":
            break
        time.sleep(0.1)
    assert guard.check(BAD.format(5), "user").action == "refuse"
    assert len(workers()) == len(before) + 1
    guard.close()
    assert gone(before)


def test_one_of_another_encoder_only_advises(
    opened: Open, environment: Environment, house: TrainedClassifier
) -> None:
    path = places.path_of(environment.directories, "house")
    replace(house, encoder="0" * 64).save(path)
    before = workers()
    guard = opened(HOUSE)
    for _ in range(3):
        verdict = guard.check(GOOD.format(3), "user")
        assert (verdict.action, verdict.status, verdict.backend) == ("allow", "ok", "embedded")
    (banner,) = guard.take_banners()
    assert banner.startswith(
        "house only advises: the classifier 'house' was trained on another encoder's features"
    )
    assert "and judges nothing: train it again: ockit moderation train" in banner
    assert "--name house" in banner
    guard.close()
    assert gone(before)


def test_where_nothing_else_judges_it_fails_closed(
    opened: Open, environment: Environment, house: TrainedClassifier
) -> None:
    replace(house, encoder="0" * 64).save(places.path_of(environment.directories, "house"))
    before = workers()
    for policy in (
        HOUSE + ALONE,
        HOUSE + "[backend.embedded]\nenforce = false\n",
        HOUSE + '[backend.embedded]\nroles = ["retrieved"]\n',
    ):
        guard = opened(policy)
        verdict = guard.check(GOOD.format(3), "user")
        assert (verdict.action, verdict.status) == ("refuse", "error"), policy
        assert verdict.reason.startswith(UNAVAILABLE)
        assert "ockit moderation train" in verdict.reason
        assert guard.check("The pump is oiled weekly.", "retrieved").status == (
            "ok" if "roles" in policy else "error"
        )
        guard.close()
    opened_one = opened(HOUSE + ALONE + '[input]\nfail = "open"\n')
    assert opened_one.check(GOOD.format(3), "user").action == "allow"
    assert any("did not check" in banner for banner in opened_one.take_banners())
    opened_one.close()
    assert gone(before)


def test_the_check_of_a_policy_calls_it_a_fault(
    environment: Environment, house: TrainedClassifier, tmp_path: Path
) -> None:
    replace(house, encoder="0" * 64).save(places.path_of(environment.directories, "house"))
    (tmp_path / "m.toml").write_text(HOUSE)
    before = workers()
    settings = load(environment.directories, environment.variables)
    with pytest.raises(UsageError, match="another encoder"):
        named_things(read_policy(tmp_path / "m.toml"), environment, settings)
    assert gone(before)
