"""A process of the check that hangs: nobody waits for it long, and it does not outlive who has started it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from conftest import RunOckit
from ockit.assistant.checking import checking
from ockit.environment import Environment
from ockit.settings import load


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    environment = Environment.of_process()
    environment.variables = {**environment.variables, "OCKIT_HOME": str(tmp_path / "home")}
    return environment


def is_gone(pid: int, seconds: float = 5.0) -> bool:
    """Whether a process has ended after so many seconds at the latest."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


def test_a_chat_that_is_left_takes_its_hanging_check_along(environment: Environment) -> None:
    others = psutil.Process().children()
    check = checking(environment, load(environment.directories, environment.variables))
    assert check.begin("hello", "user").wait().verdict.status == "ok"
    (child,) = set(psutil.Process().children()) - set(others)
    os.kill(child.pid, signal.SIGSTOP)
    hanging = check.begin("and who are you", "user")
    assert not hanging.settled(0.5)
    began = time.monotonic()
    check.close()
    assert time.monotonic() - began < 8
    assert is_gone(child.pid)
    assert hanging.settled(5)


@pytest.fixture
def batch(run_ockit: RunOckit) -> subprocess.Popen[bytes]:
    """A batch of two-second checks that has answered one text."""
    (run_ockit.cwd / "quick.toml").write_text("[backend.embedded]\ntimeout = 2\n")
    process = subprocess.Popen(
        [*run_ockit.command(), "moderate", "--policy", "quick.toml", "--batch", "-", "--jsonl"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=run_ockit.variables(),
        cwd=run_ockit.cwd,
        bufsize=0,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b'{"text": "hello"}\n')
    assert json.loads(process.stdout.readline())["status"] == "ok"
    return process


def test_one_hang_costs_no_text_of_a_batch_its_judgement(batch: subprocess.Popen[bytes]) -> None:
    (child,) = psutil.Process(batch.pid).children()
    child.send_signal(signal.SIGSTOP)
    out, err = batch.communicate(b"".join(b'{"text": "text %d"}\n' % n for n in range(80)), timeout=60)
    found = [json.loads(line) for line in out.splitlines()]
    assert [one["line"] for one in found] == list(range(2, 82))
    assert {one["status"] for one in found} == {"ok"}
    assert b"it took longer than 2 s" in err
    assert batch.returncode == 0
    assert is_gone(child.pid)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_a_batch_that_is_ended_takes_its_hanging_check_along(
    batch: subprocess.Popen[bytes], number: signal.Signals
) -> None:
    (child,) = psutil.Process(batch.pid).children()
    child.send_signal(signal.SIGSTOP)
    assert batch.stdin is not None
    batch.stdin.write(b'{"text": "and who are you"}\n')
    time.sleep(0.3)
    batch.send_signal(number)
    batch.communicate(timeout=20)
    assert is_gone(child.pid)
