"""Workers whose child is of the tests' making."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ockit.workers.worker import Worker

TESTS = Path(__file__).resolve().parent.parent
HOST = """\
import sys
sys.path.insert(0, {tests!r})
from ockit.workers import child
child.main(sys.argv[4:])  # behind -P -m ockit.workers.child
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """``program(source)``: what a worker starts from now on, instead of Python with ockit's own child."""

    def use(source: str) -> None:
        path = tmp_path / "program"
        path.write_text(f"#!{sys.executable} -P\n{source}")
        path.chmod(0o700)
        monkeypatch.setattr(sys, "executable", str(path))

    return use


@pytest.fixture
def start(program: Callable[[str], None]) -> Iterator[Callable[..., Worker]]:
    """``start(stall_seconds=..., variables=...)``: a worker that hosts `worker_services`, or another program."""
    workers: list[Worker] = []

    def begin(source: str = HOST.format(tests=str(TESTS)), **options: Any) -> Worker:
        program(source)
        variables = options.pop("variables", os.environ)
        worker = Worker("worker_services:Service", variables, **options)
        workers.append(worker)
        return worker

    yield begin
    for worker in workers:
        worker.stop()
