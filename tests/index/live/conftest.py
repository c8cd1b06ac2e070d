"""What the tests of live sources share: a server, an environment of its own, the embedded embedder."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from live_server import LiveServer, live_server
from ockit.environment import Environment
from ockit.index.live.sentences_import import import_sentences
from ockit.index.places import place_of
from sentence_tables import write, write_parquet


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


@pytest.fixture
def imported(surroundings, tmp_path):
    """``imported(rows, ...)`` writes the rows to a file and imports it."""
    environment = surroundings()

    def run(said=None, name="table.jsonl", **options):
        path = tmp_path / name
        if said is not None:
            (write_parquet if name.endswith(".parquet") else write)(path, said)
        return import_sentences(path, "wiki", environment, **options)

    run.environment = environment
    run.place = place_of(environment.directories, "wiki")
    run.folder = tmp_path
    return run
