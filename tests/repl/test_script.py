"""``ockit chat --script``: the same bytes at every run, errors in their place, and scripts that are none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from asking import QUICK, error_of, saved
from ockit.repl.slash_table import BY_NAME, TABLE

ENV = {**QUICK, "OCKIT_MAX_TOKENS": "8"}
EVERYTHING = """# every command that changes or shows something
/help
Name a colour.
/moderation
/stats
/regen
/regen 1
/regen 2
/continue
/system You are terse.
/system
/set temperature 1.1
/params
/template alpaca
Tell me more.
/raw
/template chatml
/context
/pin 1
/pin off
/file notes.md
/file
What is the word?
Is it in @notes.md too?
/undo
/edit 1
/edit Name a fruit.
/save Things with names
/sessions
/find heron
/new
Name a bird.
/resume 1
/export out.md
/export
/find wades
/index
/index docs
/search heron
/sources
/models
/model
\"\"\"
several
lines
\"\"\"
/clear
/copy
/condition
/yes
/no
/moderation off
/nope
//slashed
/exit
never reached
"""


def script(run_ockit: Any, text: str) -> str:
    (run_ockit.cwd / "notes.md").write_text("The word is heron.")
    (run_ockit.cwd / "talk.txt").write_text(text)
    (run_ockit.cwd / "out.md").unlink(missing_ok=True)
    return "talk.txt"


def test_a_transcript_is_the_same_byte_for_byte(run_ockit: Any, tmp_path: Path) -> None:
    """Sampled, not greedy; in two homes of their own, and with other surroundings."""
    path = script(run_ockit, EVERYTHING)
    surroundings = ({"COLUMNS": "40"}, {"COLUMNS": "200", "FORCE_COLOR": "1", "TZ": "Asia/Tokyo"})
    runs = []
    for number, more in enumerate(surroundings):
        (run_ockit.cwd / "out.md").unlink(missing_ok=True)
        env = {**ENV, **more, "OCKIT_HOME": str(tmp_path / f"home-{number}")}
        runs.append(run_ockit("chat", "--script", path, "--seed", "7", env=env))
    first, second = runs
    assert first.stdout == second.stdout.replace(str(tmp_path / "home-1"), str(tmp_path / "home-0"))
    assert first.stderr == second.stderr == ""
    assert first.code == second.code == 2  # of /copy: a transcript has no clipboard
    assert "\x1b" not in second.stdout
    assert "> //slashed\n" in first.stdout
    assert "never reached" not in first.stdout
    assert re.search(r"\d{4}-\d\d-\d\dT|\b[0-9a-hjkmnp-tv-z]{16}\b", first.stdout) is None  # no times, no ids
    other = run_ockit("chat", "--script", path, "--seed", "8", env=ENV)
    assert other.stdout != first.stdout


def test_the_script_above_enters_every_command(run_ockit: Any) -> None:
    entered = {BY_NAME[found].name for found in re.findall(r"^/(\w+)", EVERYTHING, re.M) if found in BY_NAME}
    assert entered == {command.name for command in TABLE}


def test_a_script_has_chats_of_its_own(run_ockit: Any, ockit_home: Path) -> None:
    """What it lists and finds is what it said itself, at every run in the same home; nothing of it stays."""
    path = script(
        run_ockit, "Name a colour.\n/new\nName a fruit.\n/sessions\n/find name\n/find 2\n/resume 2\n"
    )
    assert run_ockit("chat", input=b"Name a bird.\n", env=ENV).code == 0
    first, second = (run_ockit("chat", "--script", path, env=ENV) for _ in range(2))
    assert first == second
    assert first.code == 0
    assert "Name a bird." not in first.stdout
    assert [m.text for s in saved(ockit_home) for m in s if m.role == "user"] == ["Name a bird."]
    assert list((ockit_home / "cache").glob("script-*")) == []


def test_a_script_goes_on_with_a_saved_chat(run_ockit: Any, ockit_home: Path) -> None:
    assert run_ockit("chat", input=b"Name a bird.\n", env=ENV).code == 0
    done = run_ockit("chat", "--continue", "--script", script(run_ockit, "Another.\n"), env=ENV)
    assert done.code == 0
    ((_, _, two, answer),) = saved(ockit_home)
    assert two.text == "Another."
    assert done.stdout.endswith(f"> Another.\n{answer.text}\n") or "/continue goes on" in done.stdout
    assert answer.seed == 1


def test_the_first_error_gives_the_exit_code_and_the_rest_is_run(run_ockit: Any) -> None:
    text = "/resume nope\n/nope\nName a colour.\n"
    done = run_ockit("chat", "--script", script(run_ockit, text), env=ENV)
    assert done.code == 3
    assert "error: there is no session 'nope'\n  try: " in done.stdout
    assert "> Name a colour.\n" in done.stdout


@pytest.mark.parametrize(
    ("data", "code", "said"),
    [
        (b"one\n\xff\xfe\n", 2, "not UTF-8"),
        (b'one\n"""\nnever closed\n', 2, "is not closed"),
    ],
)
def test_scripts_that_are_none(data: bytes, code: int, said: str, run_ockit: Any, ockit_home: Path) -> None:
    (run_ockit.cwd / "bad.txt").write_bytes(data)
    done = run_ockit("chat", "--script", "bad.txt", env=ENV)
    error = error_of(done, code)
    assert said in error
    assert "bad.txt:2" in error
    assert saved(ockit_home) == []


def test_a_script_that_is_not_there(run_ockit: Any) -> None:
    assert "there is no such file" in error_of(run_ockit("chat", "--script", "nope.txt", env=ENV), 3)


def test_an_empty_script(run_ockit: Any) -> None:
    done = run_ockit("chat", "--script", script(run_ockit, "\n# nothing\n\n"), env=ENV)
    assert (done.code, done.stdout, done.stderr) == (0, "", "")


def test_two_chats_cannot_go_on_at_once(run_ockit: Any) -> None:
    error_of(run_ockit("chat", "--continue", "--session", "x", env=ENV), 2)
