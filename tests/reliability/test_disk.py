"""Disks that are full, homes that cannot be written, databases that are damaged: nothing is lost without a word."""

from __future__ import annotations

import json
import os
import resource
import sqlite3
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from asking import QUICK, error_of, saved
from tiny_models import write_model

SHORT = ("--temp", "0", "--max-tokens", "8")


@pytest.fixture
def ask(run_ockit: Any) -> Any:
    def run(*args: str, **options: Any) -> Any:
        return run_ockit("ask", *SHORT, *args, **{"env": QUICK, **options})

    return run


@pytest.mark.parametrize("kind", ["below a file", "of the kernel", "a dangling link"])
def test_a_home_that_cannot_be_written(kind: str, ask: Any, tmp_path: Path) -> None:
    home = {"below a file": tmp_path / "file" / "home", "of the kernel": Path("/proc/ockit")}.get(
        kind, tmp_path / "link"
    )
    (tmp_path / "file").write_text("a file")
    (tmp_path / "link").symlink_to("/proc/nowhere/at/all")
    error = error_of(ask("hi", env={**QUICK, "OCKIT_HOME": str(home)}), 1)
    assert "OCKIT_HOME" in error
    assert str(home) in error or "/proc/nowhere/at/all" in error
    if kind != "below a file":  # where even settings cannot be looked for
        assert ask("hi", "--no-log", env={**QUICK, "OCKIT_HOME": str(home)}).code == 0
    assert (tmp_path / "file").read_text() == "a file"


def test_a_home_without_permission(ask: Any, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    if os.access(locked, os.W_OK):
        pytest.skip("the superuser can write everywhere")
    error_of(ask("hi", env={**QUICK, "OCKIT_HOME": str(locked / "home")}), 1)


def test_a_disk_that_fills_at_any_point(run_ockit: Any, ockit_home: Path, tmp_path: Path) -> None:
    """The file may grow by so much and no more. Whenever a model was asked, its whole answer is printed; what could
    not be saved is said; what was saved before stays."""
    model = write_model(tmp_path / "tiny.gguf", weights="F16", n_ctx=2048)
    (tmp_path / "long.gbnf").write_text("root ::= [a-z]{1000}")
    args = [
        "-m",
        str(model),
        "--ctx-size",
        "4096",
        "--max-tokens",
        "4000",
        "--grammar",
        str(tmp_path / "long.gbnf"),
    ]
    assert run_ockit("ask", *SHORT, "The first.", env=QUICK).code == 0
    first = saved(ockit_home)
    database = ockit_home / "data" / "ockit.db"
    codes = set()
    for extra in (0, 4096, 12288, 40960, 1 << 20):
        limit = database.stat().st_size + extra

        def limited(limit: int = limit) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        question = f"With {extra} more. " + "x" * 300
        done = subprocess.run(
            [*run_ockit.command(), "ask", *args, "--jsonl", question],
            env=run_ockit.variables(QUICK),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            preexec_fn=limited,
            check=False,
            timeout=120,
        )
        err = done.stderr.decode()
        codes.add(done.returncode)
        events = [json.loads(line) for line in done.stdout.splitlines()]
        text = "".join(event["text"] for event in events if event["event"] == "token")
        assert "Traceback" not in err
        assert "internal error" not in err
        sessions = saved(ockit_home)
        assert sessions[:1] == first
        mine = [session for session in sessions if session[0].text == question]
        assert mine or len(events) <= 1
        if len(events) > 1:
            assert len(text) == 1000
        if done.returncode == 0:
            assert mine[0][1].text == text
        else:
            assert done.returncode == 1
            assert err.count("error: ") == 1, err
            assert "full" in err or "larger" in err, err
        connection = sqlite3.connect(database)
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()
    assert codes == {0, 1}


def test_nowhere_to_print(run_ockit: Any, ockit_home: Path) -> None:
    """``ockit ask ... > /dev/full``: an error, and the answer is in the store."""
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*run_ockit.command(), "ask", *SHORT, "Name a colour."],
            env=run_ockit.variables(QUICK),
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    assert done.stderr.count(b"error: cannot write the output") == 1
    assert b"Traceback" not in done.stderr
    assert saved(ockit_home)[0][0].text == "Name a colour."


@pytest.mark.parametrize("damage", ["no database", "zeros in the middle", "cut in half", "a stump"])
def test_a_damaged_database_is_copied_aside(damage: str, ask: Any, ockit_home: Path) -> None:
    for number in range(3):
        assert ask(f"Question {number}").code == 0
    path = ockit_home / "data" / "ockit.db"
    data = path.read_bytes()
    broken = {
        "no database": b"Dear diary,\n" * 1000,
        "zeros in the middle": data[:8192] + bytes(16384) + data[8192 + 16384 :],
        "cut in half": data[: len(data) // 2],
        "a stump": data[:100],
    }[damage]
    path.write_bytes(broken)
    done = ask("After the damage.")
    assert done.code == 0, done
    assert len(done.stdout) > 3
    assert "was damaged" in done.stderr
    assert "Traceback" not in done.stderr
    copies = [file for file in path.parent.iterdir() if file != path and file.read_bytes() == broken]
    assert len(copies) == 1, sorted(path.parent.iterdir())
    assert copies[0].name in done.stderr
    assert "After the damage." in [message.text for session in saved(ockit_home) for message in session]


def test_a_directory_where_the_database_should_be(ask: Any, ockit_home: Path) -> None:
    (ockit_home / "data" / "ockit.db").mkdir(parents=True)
    assert "ockit.db" in error_of(ask("hi"), 1)


def test_a_database_that_is_locked(ask: Any, ockit_home: Path) -> None:
    """Another program holds it for longer than we wait: one message. For less: nobody notices."""
    assert ask("One.").code == 0
    connection = sqlite3.connect(
        ockit_home / "data" / "ockit.db", isolation_level=None, check_same_thread=False
    )
    connection.execute("BEGIN IMMEDIATE")
    assert "locked" in error_of(ask("Two.", timeout=30), 1)
    threading.Timer(2.0, lambda: connection.execute("ROLLBACK")).start()
    assert ask("Three.").code == 0
    connection.close()
    assert [session[0].text for session in saved(ockit_home)] == ["One.", "Three."]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"a": 1}', b"{" * 100_000])
def test_a_damaged_memory_of_thread_counts(content: bytes, ask: Any, ockit_home: Path) -> None:
    (ockit_home / "cache").mkdir(parents=True)
    (ockit_home / "cache" / "threads.json").write_bytes(content)
    variables = {"OCKIT_CTX_SIZE": "512", "OCKIT_THREADS": "1", "OCKIT_THREADS_PREFILL": "0"}
    assert ask("hi", env=variables).code == 0
