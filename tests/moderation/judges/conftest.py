"""An environment of its own, and judges that are closed with the test."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ockit.engines.threads import ThreadCounts, key_of
from ockit.environment import Environment
from ockit.moderation.judges.judge import Judge
from ockit.moderation.judges.opening import open_judge


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """A home of its own for the tests of a module; it is the working directory too."""
    home = tmp_path_factory.mktemp("home")
    variables = {"PATH": os.defpath, "OCKIT_HOME": str(home), "HOME": str(home)}
    with Path(os.devnull).open("rb") as stdin:
        yield Environment(stdin, sys.stdout, sys.stderr, variables, home)


@pytest.fixture(scope="module", autouse=True)
def one_thread(environment: Environment, embedded_model: Path) -> None:
    """The embedded model runs on one thread here: two wait for each other on a machine that does other things too."""
    ThreadCounts(environment.directories.cache / "threads.json").save(key_of(str(embedded_model)), (1, 1))


@pytest.fixture
def open_(environment: Environment) -> Iterator[Callable[..., Any]]:
    """``open_("guard", model=...)``: a judge, closed with the test."""
    opened: list[Judge] = []

    def make(kind: str, **options: object) -> Judge:
        opened.append(open_judge(kind, options, environment))
        return opened[-1]

    yield make
    for judge in opened:
        judge.close()
