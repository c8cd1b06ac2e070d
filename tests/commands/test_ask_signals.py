"""``ockit ask`` is stopped: by Ctrl-C in prefill and in decode, by SIGTERM, by a terminal that goes away."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from asking import QUICK, saved
from terminal import gone, terminal

LONG = ["--temp", "0", "--max-tokens", "900", "Tell me a very long story about a whale."]


def started(run_ockit: Any, *args: str, ready: bytes) -> subprocess.Popen[bytes]:
    """``ockit ask --jsonl`` that has printed a line with `ready` in it."""
    process = subprocess.Popen(
        [*run_ockit.command(), "ask", "--jsonl", *args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=run_ockit.variables(QUICK),
    )
    assert process.stdout is not None
    while ready not in process.stdout.readline():
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
    return process


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_in_decode(number: int, code: int, run_ockit: Any, ockit_home: Path) -> None:
    process = started(run_ockit, *LONG, ready=b'"token"')
    time.sleep(0.3)
    begin = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert time.monotonic() - begin < 15  # the whole answer takes longer; on a busy disk so does saving
    assert process.returncode == code, err
    assert b"Traceback" not in err
    ((question, answer),) = saved(ockit_home)
    assert question.text == LONG[-1]
    assert answer.state == "interrupted"
    assert answer.finish_reason == "interrupted"
    assert len(answer.text) > 20
    if number == signal.SIGINT:
        assert b'"finish_reason":"interrupted"' in out


def test_ctrl_c_in_prefill(run_ockit: Any, ockit_home: Path) -> None:
    question = "word " * 950
    process = started(run_ockit, "--max-tokens", "9", question, ready=b'"prefill"')
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert time.monotonic() - begin < 15
    assert process.returncode == 130
    assert err == b""
    assert b'"completion_tokens":0' in out
    ((asked, answer),) = saved(ockit_home)
    assert asked.text == question.strip() or asked.text == question
    assert (answer.state, answer.text) == ("interrupted", "")


def test_ctrl_c_on_a_terminal_in_decode(run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "ask", *LONG, env=QUICK) as screen:
        worker = screen.worker()
        screen.wait_for(r"\w+ \w+ \w+ \w+ \w+")
        screen.interrupt()
        assert screen.end() == 130
        assert b"Traceback" not in screen.raw
        assert gone(worker.pid)
    ((_, answer),) = saved(ockit_home)
    assert answer.state == "interrupted"
    assert answer.text
    assert "".join(answer.text.split()) in "".join(screen.screen.split()).replace("^C", "")


def test_ctrl_c_while_the_model_loads(run_ockit: Any, ockit_home: Path) -> None:
    """The model's process stands still: there is nothing to stop but the command itself."""
    with terminal(run_ockit, "ask", "hi", env=QUICK) as screen:
        worker = screen.worker()
        worker.suspend()
        screen.wait_for("loading the model")
        screen.interrupt()
        assert screen.end() == 130
        assert b"Traceback" not in screen.raw
        assert gone(worker.pid)


def test_ctrl_c_twice_ends_even_a_worker_that_does_not_listen(run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "ask", *LONG, env=QUICK) as screen:
        worker = screen.worker()
        screen.wait_for(r"\w+ \w+ \w+ \w+ \w+")
        worker.suspend()
        screen.interrupt()
        time.sleep(0.5)
        screen.interrupt()
        assert screen.end() == 130
        assert gone(worker.pid)
    ((_, answer),) = saved(ockit_home)
    assert answer.state == "interrupted"
    assert answer.text


def test_the_parent_is_killed_and_no_worker_is_left(run_ockit: Any) -> None:
    with terminal(run_ockit, "ask", *LONG, env=QUICK) as screen:
        worker = screen.worker()
        screen.wait_for(r"\w+ \w+ \w+")
        os.kill(screen.pid, signal.SIGKILL)
        assert gone(worker.pid)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT])
def test_the_worker_is_killed(number: int, run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "ask", *LONG, env={**QUICK, "NO_COLOR": "1"}) as screen:
        worker = screen.worker()
        screen.wait_for(r"\w+ \w+ \w+ \w+ \w+")
        os.kill(worker.pid, number)
        assert screen.end() == 1
        shown = screen.raw.decode()
    assert shown.count("error: ") == 1
    assert f"the model's process died ({signal.Signals(number).name}" in "".join(shown.split("\r\n"))
    assert "try: ask again" in shown
    assert "Traceback" not in shown
    ((_, answer),) = saved(ockit_home)
    assert answer.state == "failed"
    assert len(answer.text) > 5
    assert answer.text.split()[0] in shown


def test_the_worker_hangs(run_ockit: Any, ockit_home: Path) -> None:
    with terminal(
        run_ockit, "ask", *LONG, env={**QUICK, "NO_COLOR": "1", "OCKIT_STALL_SECONDS": "1"}
    ) as screen:
        worker = screen.worker()
        screen.wait_for(r"\w+ \w+ \w+ \w+ \w+")
        begin = time.monotonic()
        worker.suspend()
        assert screen.end() == 1
        assert time.monotonic() - begin < 8
        assert "no sign of life for 1 seconds" in " ".join(screen.raw.decode().split())
        assert gone(worker.pid)
    ((_, answer),) = saved(ockit_home)
    assert answer.state == "failed"
    assert answer.text
