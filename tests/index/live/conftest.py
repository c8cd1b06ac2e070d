"""What the tests of live sources share: a server, an environment of its own, the embedded embedder."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from live_server import LiveServer, live_server
from ockit.environment import Environment


@pytest.fixture
def live() -> Iterator[LiveServer]:
    with live_server() as server:
        yield server


@pytest.fixture
def surroundings(tmp_path: Path) -> Callable[..., Environment]:
    """``surroundings(NAME="value")`` is an environment with a home of its own and these variables."""

    def make(**variables: str) -> Environment:
        import os

        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        return Environment(
            io.BytesIO(),
            io.StringIO(),
            io.StringIO(),
            {**kept, "HOME": str(tmp_path), "OCKIT_HOME": str(tmp_path / "home"), **variables},
            tmp_path,
        )

    return make
