"""`ockit ask` killed at random moments: what was said is on the disk, and the chats are sound."""

from __future__ import annotations

import os
import random
import select
import signal
import sqlite3
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from conftest import RunOckit
from ockit.sessions.store import Store

LATEST = 1.6
"""Seconds after the start within which a kill falls; a whole short answer takes about one."""


class Killed(NamedTuple):
    """What was to be seen of a run before its end."""

    question: str
    answered: bool
    done: bool


def ask_and_kill(run_ockit: RunOckit, question: str, after: float) -> Killed:
    """One run, killed `after` seconds unless it has ended by itself."""
    process = subprocess.Popen(
        [*run_ockit.command(), "ask", "--max-tokens", "30", "--ctx-size", "512", question],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=run_ockit.variables({"OCKIT_THREADS": "1"}),
        cwd=run_ockit.cwd,
    )
    assert process.stdout is not None
    answered = False
    deadline = time.monotonic() + after
    while (left := deadline - time.monotonic()) > 0 and process.poll() is None:
        if select.select([process.stdout], [], [], min(left, 0.05))[0]:
            answered = bool(os.read(process.stdout.fileno(), 4096)) or answered
    done = process.poll() is not None
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    return Killed(question, answered or done, done)


@pytest.mark.parametrize(
    "kills", [pytest.param(12, id="some"), pytest.param(200, id="all", marks=pytest.mark.sweep)]
)
@pytest.mark.timeout(1500)
def test_a_question_is_saved_before_it_is_answered(run_ockit: RunOckit, kills: int) -> None:
    chance = random.Random(kills)
    run_ockit.cwd.mkdir(exist_ok=True)
    runs = [ask_and_kill(run_ockit, f"number {n}, hello", chance.uniform(0.0, LATEST)) for n in range(kills)]
    assert any(run.answered for run in runs)
    assert not all(run.done for run in runs)

    path = run_ockit.home / "data" / "ockit.db"
    check_file(path)
    with Store(path) as store:
        saved = [store.messages(session.id) for session in store.list(None)]
        assert store.notices == []
    questions = [messages[0].text for messages in saved]
    assert len(set(questions)) == len(questions)
    missing = [run.question for run in runs if run.answered and run.question not in questions]
    assert missing == []
    # an answer stands behind its question, and none is taken for whole that is not
    ended = {run.question for run in runs if run.done}
    for messages in saved:
        assert [message.role for message in messages] in (["user"], ["user", "assistant"])
        states = {message.state for message in messages[1:]}
        assert states <= ({"complete"} if messages[0].text in ended else {"complete", "interrupted"})

    after = run_ockit("sessions", "list", "--json")
    assert after.code == 0
    assert after.stderr == ""


def check_file(path: Path) -> None:
    """SQLite finds nothing wrong."""
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
