"""``kill -9`` of ``ockit ask`` at any moment: what was said to be begun is saved, and the database stays whole.

What can be seen from outside: with ``--jsonl`` the first event behind ``start`` is printed once the model's process
reads the prompt. From that line on the question must be in the store; before it, it may be. An ``end`` line means
the whole answer is there.
"""

from __future__ import annotations

import json
import random
import select
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest

from asking import QUICK, saved, whole
from terminal import gone

MODEL_ARGS = ("--temp", "0", "--max-tokens", "40", "--jsonl")


class Killed:
    """One run that was killed after so many seconds: what it had printed by then."""

    def __init__(self, run_ockit: Any, home: Path, question: str, seconds: float) -> None:
        process = subprocess.Popen(
            [*run_ockit.command(), "ask", *MODEL_ARGS, question],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=run_ockit.variables({**QUICK, "OCKIT_HOME": str(home)}),
        )
        end, out = time.monotonic() + seconds, b""
        assert process.stdout is not None
        while (left := end - time.monotonic()) > 0:
            if select.select([process.stdout], [], [], left)[0]:
                piece = process.stdout.read1(65536)  # type: ignore[attr-defined]
                if not piece:
                    break
                out += piece
        children = psutil.Process(process.pid).children() if process.poll() is None else []
        process.kill()
        rest, self.stderr = process.communicate()
        self.events = [
            json.loads(line) for line in (out + rest).splitlines(keepends=True) if line.endswith(b"\n")
        ]
        self.orphans = [child.pid for child in children if not gone(child.pid)]

    @property
    def began(self) -> bool:
        """Whether the model's process was seen at work."""
        return len(self.events) > 1

    @property
    def ended(self) -> bool:
        return any(event["event"] == "end" for event in self.events)

    @property
    def text(self) -> str:
        return "".join(event["text"] for event in self.events if event["event"] == "token")


def kill_often(run_ockit: Any, home: Path, count: int, seed: int) -> Counter[str]:
    """Kill `count` runs, every fourth in a home of its own that is not there yet; what became of them."""
    for _ in range(2):  # the second time the files are in memory, as for those that follow
        begin = time.monotonic()
        full = Killed(run_ockit, home, "How many legs has a spider?", 60.0)
        longest = time.monotonic() - begin
        assert full.ended
    chance, seen, kept = random.Random(seed), Counter[str](), saved(home)
    for number in range(count):
        own = number % 4 == 3
        place = home.with_name(f"{home.name}-{number}") if own else home
        question = f"How many legs has a spider? ({number})"
        run = Killed(run_ockit, place, question, chance.uniform(0.0, longest))
        assert run.orphans == []
        assert b"Traceback" not in run.stderr
        whole(place)
        before = [] if own else kept
        now = saved(place)
        assert now[: len(before)] == before, number  # nothing else is lost or changed
        new = now[len(before) :]
        assert len(new) <= 1
        assert new or not run.began, f"the question of run {number} is lost"
        if not own:
            kept = now
        if not new:
            seen["nothing yet"] += 1
            continue
        asked, *answers = new[0]
        assert (asked.role, asked.text, asked.state) == ("user", question, "complete")
        if not answers:
            seen["the question"] += 1
            continue
        (answer,) = answers
        if run.ended:
            assert (answer.state, answer.text) == ("complete", run.text)
        assert answer.state in ("complete", "interrupted")
        seen["a part of the answer" if answer.state == "interrupted" else "the answer"] += 1
    finished = run_ockit("sessions", "list", env={"OCKIT_HOME": str(home)})
    assert finished.code == 0
    assert finished.stderr == ""
    return seen


def test_a_tenth_of_the_kills(run_ockit: Any, ockit_home: Path) -> None:
    seen = kill_often(run_ockit, ockit_home, 12, seed=1)
    assert seen.total() == 12
    assert len(seen) >= 2, seen


@pytest.mark.sweep
@pytest.mark.timeout(3000)
def test_two_hundred_kills(run_ockit: Any, ockit_home: Path) -> None:
    seen = kill_often(run_ockit, ockit_home, 200, seed=2)
    assert seen.total() == 200
    assert len(seen) == 4, seen
    print(f"kills by what was saved: {dict(seen)}")  # noqa: T201 - a figure of docs/reliability.md
