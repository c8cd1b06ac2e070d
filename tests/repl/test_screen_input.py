"""Typing in the drawn chat: lines, pastes, history, completion, the editor, what is no text."""

from __future__ import annotations

import os
import signal
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from asking import QUICK, saved
from drawn_chat import bar, enter, leave, rests, send, started
from terminal import terminal

ENV = {**QUICK, "OCKIT_TEMPERATURE": "0", "OCKIT_MAX_TOKENS": "3", "NO_COLOR": "1"}


def questions(home: Path) -> list[str]:
    return [message.text for session in saved(home) for message in session if message.role == "user"]


def pasted(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return b"\x1b[200~" + data + b"\x1b[201~"


@pytest.mark.parametrize("newline", ["\n", "\x1b\r"], ids=["ctrl-j", "alt-enter"])
def test_several_lines(newline: str, run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "chat", env=ENV) as screen:
        started(screen)
        enter(screen, f"one{newline}two{newline}three")
        leave(screen)
    assert questions(ockit_home) == ["one\ntwo\nthree"]


def test_fences(run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "chat", env=ENV) as screen:
        started(screen)
        screen.send('"""\rdef f():\r    return 1\r\r/exit\r')
        screen.until(lambda s: "/exit" in s.screen)
        enter(screen, '"""')
        enter(screen, '"""all on one line"""')
        leave(screen)
    assert questions(ockit_home) == ["def f():\n    return 1\n\n/exit", "all on one line"]


def test_blank_lines_are_not_sent(run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "chat", env=ENV) as screen:
        started(screen)
        screen.send("\r   \r\t\r")
        enter(screen, "Hi")
        leave(screen)
    assert questions(ockit_home) == ["Hi"]


def test_a_paste_keeps_its_lines(run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "chat", env=ENV) as screen:
        started(screen)
        screen.send(pasted("one\r\ntwo\rthree\n\tfour"))
        screen.until(lambda s: "four" in s.screen)
        enter(screen, "")
        leave(screen)
    assert questions(ockit_home) == ["one\ntwo\nthree\n\tfour"]


def test_a_megabyte_is_pasted(run_ockit: Any, ockit_home: Path) -> None:
    text = "".join(f"line {number} of a very long paste\n" for number in range(32_000))
    assert len(text) > 1_000_000
    with terminal(run_ockit, "chat", env=ENV) as screen:
        started(screen)
        begin = time.monotonic()
        screen.send(pasted(text))
        screen.until(lambda s: "[pasted 1" in s.screen, "the paste's name")
        assert time.monotonic() - begin < 15
        shown = enter(screen, "")
        assert "error: the prompt has" in shown
        enter(screen, "Hi")
        leave(screen)
    assert questions(ockit_home) == [text.strip(), "Hi"]


def test_control_characters_and_half_characters(run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "chat", env=ENV) as screen:
        started(screen)
        screen.send(pasted(b"a\x00b\x07c\x1b[31mred\x7f\xc2\x9bend"))
        screen.until(lambda s: "left out" in bar(s))
        enter(screen, "")
        screen.send(b"half \xe2\x82 a character")
        screen.look(0.3)
        enter(screen, "")
        screen.send(b"typed \x00 nul")
        screen.look(0.3)
        enter(screen, "")
        leave(screen)
    first, second, third = questions(ockit_home)
    assert first == "abc[31mredend"
    assert second.startswith("half ")
    assert second.endswith("a character")
    assert "\0" not in third
    assert "\x1b[31m" not in screen.raw.decode("utf-8", "replace")


def test_history_of_this_chat_and_the_last(run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "chat", env=ENV) as screen:
        started(screen)
        enter(screen, "Name a colour.")
        enter(screen, "first\nsecond")
        screen.send("\x1b[A")
        screen.until(lambda s: s.rows[s.cursor[0]].endswith("second"))
        leave_line(screen)
        leave(screen)
    path = ockit_home / "state" / "history"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with terminal(run_ockit, "chat", env=ENV) as screen:
        started(screen)
        screen.send("\x12colo")
        screen.until(lambda s: "Name a colour." in s.screen, "the line that was searched for")
        screen.send("\r")
        screen.look(0.3)
        if not questions(ockit_home)[2:]:
            screen.send("\r")
        screen.until(lambda s: len(questions(ockit_home)) == 3 and rests(s))
        leave(screen)
    assert questions(ockit_home) == ["Name a colour.", "first\nsecond", "Name a colour."]


def leave_line(screen: Any) -> None:
    screen.interrupt()
    screen.until(lambda s: s.rows[s.cursor[0]] == ">")


def test_a_broken_history_file_is_one_warning(run_ockit: Any, ockit_home: Path) -> None:
    path = ockit_home / "state" / "history"
    path.parent.mkdir(parents=True)
    path.write_bytes(os.urandom(3000) + b'\n"an old question"\n"half an ent')
    with terminal(run_ockit, "chat", env=ENV) as screen:
        started(screen)
        screen.send("\x1b[A")
        screen.look(0.5)
        assert screen.screen.count("warning:") <= 1
        leave_line(screen)
        enter(screen, "Hi")
        leave(screen)
    assert b'"Hi"' in path.read_bytes()


def test_completion_of_commands_models_and_files(run_ockit: Any, ockit_home: Path) -> None:
    (run_ockit.cwd / "a note.md").write_text("The word is heron.")
    (run_ockit.cwd / "nothing.md").write_text("Nothing.")
    with terminal(run_ockit, "chat", env=ENV) as screen:
        started(screen)
        screen.send("/mod")
        screen.until(lambda s: "/models" in s.screen and "list the models" in s.screen, "the menu")
        screen.send("\t")
        screen.until(lambda s: s.rows[s.cursor[0]].startswith("> /model"))
        leave_line(screen)
        screen.send("/model smo")
        screen.until(lambda s: s.screen.count("smollm2-135m-instruct") == 2, "the menu")
        screen.send("\t")
        screen.until(lambda s: s.rows[s.cursor[0]] == "> /model smollm2-135m-instruct")
        leave_line(screen)
        screen.send("/set tempe")
        screen.until(lambda s: "temperature" in s.screen, "the menu")
        screen.send("\t")
        screen.until(lambda s: s.rows[s.cursor[0]].startswith("> /set temperature"))
        leave_line(screen)
        screen.send("what is in @a")
        screen.until(lambda s: "a note.md" in s.screen, "the menu")
        screen.send("\t")
        screen.until(lambda s: '@"a note.md"' in s.rows[s.cursor[0]])
        enter(screen, "")
        leave(screen)
    assert "The word is heron." in questions(ockit_home)[0]


def test_the_editor(run_ockit: Any, ockit_home: Path, tmp_path: Path) -> None:
    script = tmp_path / "editor.sh"
    script.write_text('#!/bin/sh\nprintf "%s, edited" "$(cat "$1")" > "$1"\n')
    script.chmod(0o755)
    with terminal(run_ockit, "chat", env={**ENV, "EDITOR": str(script)}) as screen:
        started(screen)
        screen.send("a line\x18\x05")
        screen.until(lambda s: s.rows[s.cursor[0]] == "> a line, edited")
        enter(screen, "")
        leave(screen)
    assert questions(ockit_home) == ["a line, edited"]


@pytest.mark.parametrize("command", ["false", "no-such-editor --wait"])
def test_an_editor_that_fails(command: str, run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "chat", env={**ENV, "EDITOR": command}) as screen:
        started(screen)
        screen.send("a line\x18\x05")
        screen.until(lambda s: "error:" in s.screen)
        screen.until(lambda s: s.rows[s.cursor[0]] == "> a line", "the line as it was")
        enter(screen, "")
        leave(screen)
    assert questions(ockit_home) == ["a line"]


def test_vi_keys(run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "chat", env={**ENV, "OCKIT_EDIT_MODE": "vi"}) as screen:
        started(screen)
        screen.send("Name b colour.")
        screen.look(0.2)
        screen.send("\x1b")
        screen.look(0.8)  # an escape alone is known by the silence behind it
        screen.send("0wrai")
        screen.look(0.2)
        screen.send("\x1b")
        screen.look(0.8)
        send(screen, "")
        screen.until(rests)
        leave_vi(screen)
    assert questions(ockit_home) == ["Name a colour."]


def leave_vi(screen: Any) -> None:
    screen.send("/exit\r")
    assert screen.end() == 0


@pytest.mark.parametrize("theme", ["ansi", "dark", "light", "mono"])
def test_themes(theme: str, run_ockit: Any) -> None:
    with terminal(run_ockit, "chat", env={**ENV, "NO_COLOR": None, "OCKIT_THEME": theme}) as screen:
        started(screen)
        enter(screen, "/set theme light")
        enter(screen, "Name a colour.")
        leave(screen)
        coloured = b"\x1b[0;36;1m" in screen.raw or b"38;5;" in screen.raw or b";3" in screen.raw
        assert coloured


def test_no_colour(run_ockit: Any) -> None:
    with terminal(run_ockit, "chat", env=ENV) as screen:
        started(screen)
        enter(screen, "Name a colour.")
        leave(screen)
    import re

    assert re.findall(rb"\x1b\[[\d;]*(?:3[0-7]|38;|9[0-7])[\d;]*m", screen.raw) == []


def test_stopped_and_continued(run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "chat", "--max-tokens", "40", env=ENV) as screen:
        started(screen)
        send(screen, "Tell me a long story.")
        os.kill(screen.pid, signal.SIGSTOP)
        screen.look(0.5)
        os.kill(screen.pid, signal.SIGCONT)
        screen.until(rests)
        enter(screen, "Hi")
        leave(screen)
    assert [m.state for m in saved(ockit_home)[0]] == ["complete"] * 4
