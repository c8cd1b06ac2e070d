"""Guards that are closed with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ockit.environment import Environment
from ockit.moderation.guarding import Guard
from ockit.moderation.opening import open_guard
from ockit.settings import load


@pytest.fixture
def opened(environment: Environment, tmp_path: Path) -> Iterator[Callable[..., Guard]]:
    """``opened(POLICY)``: the guard of a policy file in `tmp_path`; without a policy that of the built-in one."""
    guards: list[Guard] = []

    def make(policy: str | None = None) -> Guard:
        file = tmp_path / "moderation.toml"
        if policy is not None:
            file.write_text(policy)
        settings = load(environment.directories, environment.variables)
        guards.append(open_guard(environment, settings, policy_file=file if policy is not None else None))
        return guards[-1]

    yield make
    for guard in guards:
        guard.close()
