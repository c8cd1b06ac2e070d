"""The drawn chat in bad surroundings: tiny and changing terminals, signals, terminals that go away, broken places."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from asking import QUICK, saved
from drawn_chat import bar, enter, leave, rests, send, started
from terminal import Terminal, gone, terminal

ENV = {**QUICK, "OCKIT_TEMPERATURE": "0", "OCKIT_MAX_TOKENS": "8", "NO_COLOR": "1"}
LONG = ("--max-tokens", "900")
STORY = "Tell me a very long story about a whale."


def done(home: Path, count: int) -> bool:
    """Whether so many answers are complete."""
    return [m.state for s in saved(home) for m in s if m.role == "assistant"].count("complete") == count


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 20), (2, 2), (3, 10), (4, 80), (5, 20), (24, 1), (6, 12)], ids=str
)
def test_tiny_terminals(size: tuple[int, int], run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "chat", env=ENV, size=size) as screen:
        screen.look(1.5)
        screen.send("Hi\r")
        screen.until(lambda s: done(ockit_home, 1), "the answer", 60)
        screen.send("/help\r")
        screen.look(0.5)
        screen.send("\x04")
        assert screen.end() == 0
        assert b"Traceback" not in screen.raw


def test_resized_in_mid_stream(run_ockit: Any, ockit_home: Path) -> None:
    chance = random.Random(5)
    with terminal(run_ockit, "chat", "--max-tokens", "120", env=ENV) as screen:
        started(screen)
        send(screen, STORY)
        while not done(ockit_home, 1):
            screen.resize(chance.randint(1, 40), chance.randint(1, 120))
            screen.look(0.1)
        screen.resize(40, 100)
        screen.look(0.5)
        screen.send("Hi\r")
        screen.until(lambda s: done(ockit_home, 2), "the second answer", 60)
        screen.until(rests)
        assert "> Hi" in screen.screen
        leave(screen)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["term", "hup"])
def test_a_signal_ends_it_in_order(number: int, run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "chat", *LONG, env=ENV) as screen:
        worker = screen.worker()
        started(screen)
        send(screen, STORY)
        screen.until(lambda s: "writing" in bar(s))
        os.kill(screen.pid, number)
        assert screen.end() == 128 + number
        assert gone(worker.pid)
        assert b"Traceback" not in screen.raw
    ((_, answer),) = saved(ockit_home)
    assert answer.state == "interrupted"
    assert answer.text


def test_an_interrupt_from_outside_is_a_ctrl_c(run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "chat", *LONG, env=ENV) as screen:
        started(screen)
        send(screen, STORY)
        screen.until(lambda s: "writing" in bar(s))
        os.kill(screen.pid, signal.SIGINT)
        screen.until(rests)
        leave(screen)
    assert saved(ockit_home)[0][1].state == "interrupted"


@pytest.mark.parametrize("how", ["hangup", "killed"])
def test_the_terminal_goes_away_and_no_worker_is_left(how: str, run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "chat", *LONG, env=ENV) as screen:
        worker = screen.worker()
        started(screen)
        send(screen, STORY)
        screen.until(lambda s: "writing" in bar(s))
        pid = screen.pid
        screen.hang_up() if how == "hangup" else screen.close()
        assert gone(pid)
        assert gone(worker.pid)
    ((_, answer),) = saved(ockit_home)
    assert answer.state == "interrupted"


def test_a_suspended_job(run_ockit: Any, ockit_home: Path) -> None:
    """In a shell: Ctrl-Z gives its prompt back, `fg` the chat's with the line as it was; also in mid-answer."""
    variables = run_ockit.variables({**ENV, "TERM": "xterm-256color", "LANG": "C.UTF-8", "PS1": "shell$ "})
    shell = Terminal(["bash", "--norc", "--noprofile", "-i"], variables, run_ockit.cwd)
    try:
        shell.until(lambda s: "shell$" in s.screen)
        shell.line(f"{run_ockit.command()[0]} chat --max-tokens 30")
        started(shell)
        shell.send("half a li\x1a")
        shell.until(lambda s: "Stopped" in s.screen and s.rows[s.cursor[0]].startswith("shell$"), "the shell")
        shell.line("stty -a | grep -o -w -e -echo -e -icanon; fg")
        shell.until(lambda s: rests(s) and s.rows[s.cursor[0]] == "> half a li", "the line as it was")
        shell.look(0.5)
        assert shell.rows[shell.cursor[0]] == "> half a li"
        assert "\n-echo" not in shell.screen
        send(shell, "ne")
        shell.send("\x1a")
        shell.until(lambda s: s.screen.count("Stopped") == 2, "the shell again")
        shell.line("fg")
        shell.until(rests)
        enter(shell, "Hi")
        shell.send("\x04")
        shell.until(lambda s: s.rows[s.cursor[0]] == "shell$")
    finally:
        shell.close()
    assert [m.text for m in saved(ockit_home)[0] if m.role == "user"] == ["half a line", "Hi"]
    assert {m.state for m in saved(ockit_home)[0]} == {"complete"}


def test_chats_of_a_clock_that_was_ahead(run_ockit: Any, ockit_home: Path) -> None:
    """A clock that jumps back leaves chats of the future behind: neither in the way nor overwritten."""
    from ockit.environment import Directories
    from ockit.sessions.store import Store

    real = time.time
    try:
        time.time = lambda: real() + 10**7
        with Store.of(Directories.of({"OCKIT_HOME": str(ockit_home)})) as store:
            session = store.start(model="smollm2-135m-instruct")
            store.add_user(session, "from the future", parent=None)
    finally:
        time.time = real
    with terminal(run_ockit, "chat", env=ENV) as screen:
        started(screen)
        enter(screen, "Name a colour.")
        enter(screen, "Another.")
        leave(screen)
    assert sorted([m.text for m in s if m.role == "user"] for s in saved(ockit_home)) == [
        ["Name a colour.", "Another."],
        ["from the future"],
    ]


def test_two_chats_in_one_home(run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "chat", env=ENV) as one, terminal(run_ockit, "chat", env=ENV) as two:
        started(one)
        started(two)
        for number in range(3):
            send(one, f"one {number}")
            send(two, f"two {number}")
            one.until(rests)
            two.until(rests)
        leave(one)
        leave(two)
    found = sorted([m.text for m in s if m.role == "user"] for s in saved(ockit_home))
    assert found == [[f"{name} {number}" for number in range(3)] for name in ("one", "two")]
    history = (ockit_home / "state" / "history").read_text()
    assert all(f"{name} {number}" in history for number in range(3) for name in ("one", "two"))


def test_a_closed_output(run_ockit: Any) -> None:
    """Piped into a reader that goes away: plain lines, and no complaint."""
    import subprocess

    done = subprocess.run(
        ["bash", "-c", f"printf 'Hi\\nHi\\nHi\\n' | {run_ockit.command()[0]} chat | head -c 1"],
        env=run_ockit.variables(ENV),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr


def stop_at(run_ockit: Any, home: Path, count: int, seed: int) -> None:
    """Ctrl-C at so many random instants of turns: the chat always comes back to its prompt with every part kept."""
    chance = random.Random(seed)
    with terminal(run_ockit, "chat", "--max-tokens", "60", env=ENV) as screen:
        started(screen)
        asked = []
        for number in range(count):
            if number % 15 == 14:
                enter(screen, "/new")
            asked.append(f"{number}: tell me of whales")
            screen.send(asked[-1] + "\r")
            screen.look(chance.uniform(0.0, 0.6))
            screen.interrupt()
            screen.until(rests, f"the prompt after stop {number}")
            line = screen.rows[screen.cursor[0]]
            if line != ">":  # Ctrl-C came before the question was taken: it is in the line again
                screen.interrupt()
                screen.until(lambda s: s.rows[s.cursor[0]] == ">")
        enter(screen, "/new")
        enter(screen, "the last")
        leave(screen)
        assert b"Traceback" not in screen.raw
        assert b"internal error" not in screen.raw
    found = [m for s in saved(home) for m in s]
    assert found[-1].state == "complete"
    kept = [m.text for m in found if m.role == "user"]
    assert [text for text in kept if text in asked] == kept[:-1]
    assert len(kept) > count / 2
    assert {m.state for m in found} <= {"complete", "interrupted"}


def test_a_tenth_of_the_stops(run_ockit: Any, ockit_home: Path) -> None:
    stop_at(run_ockit, ockit_home, 20, seed=1)


@pytest.mark.sweep
@pytest.mark.timeout(1500)
def test_two_hundred_stops(run_ockit: Any, ockit_home: Path) -> None:
    stop_at(run_ockit, ockit_home, 200, seed=2)
