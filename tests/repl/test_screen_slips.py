"""Slips of the hand in the drawn chat: nothing is lost, nothing is done that was not meant, and the chat lives."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from asking import QUICK, saved
from drawn_chat import bar, enter, leave, rests, send, started
from terminal import Terminal, terminal

ENV = {**QUICK, "OCKIT_TEMPERATURE": "0", "OCKIT_MAX_TOKENS": "4", "NO_COLOR": "1"}


def flat(text: str) -> str:
    return " ".join(text.split())


def questions(home: Path) -> list[str]:
    return [message.text for session in saved(home) for message in session if message.role == "user"]


def line_is(text: str) -> Any:
    return lambda screen: screen.rows[screen.cursor[0]] == text


@pytest.fixture
def screen(run_ockit: Any) -> Any:
    with terminal(run_ockit, "chat", env=ENV) as opened:
        started(opened)
        yield opened


def test_what_is_typed_before_the_prompt_is_there(run_ockit: Any, ockit_home: Path) -> None:
    """The terminal itself takes it then, and its Enter comes as a line end."""
    with terminal(run_ockit, "chat", env=ENV) as screen:
        screen.send("Name a colour.\r")
        screen.until(lambda s: rests(s) and len(questions(ockit_home)) == 1, "the answer")
        screen.until(line_is(">"))
        enter(screen, "/raw")
        leave(screen)
    assert questions(ockit_home) == ["Name a colour."]


def test_commands_that_take_nothing(screen: Terminal, ockit_home: Path) -> None:
    enter(screen, "Name a colour.")
    for number, text in enumerate(["/undo now", "/stats\nHow are you?", "/quit it", "/new chat"], 1):
        shown = flat(enter(screen, text))
        assert shown.count("takes nothing behind it, and was not done") == number, text
    leave(screen)
    assert questions(ockit_home) == ["Name a colour."]


NONSENSE = [
    "/file ~nosuchuser/x",
    "/export ~nosuchuser/x.md",
    f"/export {'x' * 300}.md",
    f"/edit {'9' * 400}",
    f"/pin {'9' * 400}",
    f"/regen {'9' * 400}",
    "/file /dev/zero",
    "/file /",
    "/export sub/dir/x.md",
    "/resume ''",
    "/set top_k nan",
    "/set grammar x",
    "/model ''",
]


def test_nonsense_is_one_error(screen: Terminal) -> None:
    enter(screen, "Name a colour.")
    for text in NONSENSE:
        enter(screen, "/clear")
        shown = enter(screen, text)
        assert shown.count("error: ") == 1, text
        assert "internal error" not in shown, text
    leave(screen)


def test_a_pipe_that_nobody_writes_into(screen: Terminal, run_ockit: Any) -> None:
    os.mkfifo(run_ockit.cwd / "pipe")
    assert "this is no plain file" in flat(enter(screen, "/file pipe"))
    enter(screen, "What is in @pipe today?")
    leave(screen)


def test_a_file_that_can_be_read_once(run_ockit: Any, ockit_home: Path) -> None:
    """As a shell's <(...) gives it to -f."""
    variables = run_ockit.variables({**ENV, "TERM": "xterm-256color", "LANG": "C.UTF-8"})
    command = f"{run_ockit.command()[0]} chat -f <(echo MAGICWORD)"
    with_shell = Terminal(["bash", "-c", command], variables, run_ockit.cwd)
    try:
        started(with_shell)
        enter(with_shell, "What is it?")
        leave(with_shell)
    finally:
        with_shell.close()
    assert "MAGICWORD" in questions(ockit_home)[0]


def test_an_edit_that_is_left_leaves_everything(screen: Terminal, ockit_home: Path) -> None:
    enter(screen, "Name a colour.")
    enter(screen, "Name a fruit.")
    enter(screen, "/edit 1")
    screen.until(line_is("> Name a colour."))
    assert "editing question 1" in bar(screen)
    screen.interrupt()
    screen.until(line_is(">"))
    enter(screen, "Name a whale.")
    shown = enter(screen, "/context")
    assert "question 3" in shown
    leave(screen)


def test_an_edit_that_does_not_fit_leaves_everything(screen: Terminal, run_ockit: Any) -> None:
    (run_ockit.cwd / "long.txt").write_text("word " * 3000)
    enter(screen, "Name a colour.")
    enter(screen, "/edit Now read @long.txt to me.")
    assert "error: the prompt has" in screen.screen
    assert "Name a colour." in enter(screen, "/raw")
    assert "question 1" in enter(screen, "/context")
    leave(screen)


def test_an_edit_gives_back_what_was_typed(screen: Terminal, run_ockit: Any, ockit_home: Path) -> None:
    (run_ockit.cwd / "notes.md").write_text("The word is heron.\n" * 20)
    enter(screen, "//exit means what?")
    enter(screen, "/edit")
    screen.until(line_is("> //exit means what?"))
    screen.interrupt()
    screen.until(line_is(">"))
    enter(screen, "/file notes.md")
    enter(screen, "What is the word?")
    enter(screen, "/edit")
    screen.until(line_is("> What is the word?"))
    enter(screen, "")
    assert "the edit is taken back; the question is again: What is the word?" in flat(enter(screen, "/undo"))
    leave(screen)
    assert questions(ockit_home)[1] == questions(ockit_home)[2]
    with terminal(run_ockit, "chat", "--continue", env=ENV) as again:
        started(again)
        again.until(lambda s: "> What is the word?" in s.screen)
        assert "heron" not in again.screen.partition("> What is the word?")[0]
        leave(again)


def test_an_at_in_a_paste_reads_no_file(screen: Terminal, run_ockit: Any, ockit_home: Path) -> None:
    (run_ockit.cwd / "secret.txt").write_text("TOPSECRET")
    screen.send(b"\x1b[200~please look at\n@secret.txt today\x1b[201~")
    screen.until(lambda s: "today" in s.screen)
    enter(screen, "")
    leave(screen)
    assert questions(ockit_home) == ["please look at\n@secret.txt today"]


def test_an_at_on_a_pipe_reads_no_file(run_ockit: Any, ockit_home: Path) -> None:
    (run_ockit.cwd / "secret.txt").write_text("TOPSECRET")
    assert run_ockit("chat", input=b"see @secret.txt ok\n", env=ENV).code == 0
    assert questions(ockit_home) == ["see @secret.txt ok"]


def test_a_block_is_always_a_question(screen: Terminal, ockit_home: Path) -> None:
    screen.send('"""\r/etc/passwd is a file\r')
    enter(screen, '"""')
    leave(screen)
    assert questions(ockit_home) == ["/etc/passwd is a file"]


def test_a_chat_is_named_after_what_was_pasted(screen: Terminal, ockit_home: Path) -> None:
    screen.send(b"\x1b[200~" + b"".join(b"line %d of it\n" % n for n in range(25)) + b"\x1b[201~")
    screen.until(lambda s: "[pasted 1" in s.screen)
    enter(screen, "")
    assert "line 0 of it" in bar(screen)
    leave(screen)


def test_a_stopped_question_takes_its_file_along(run_ockit: Any, ockit_home: Path) -> None:
    (run_ockit.cwd / "notes.md").write_text("The word is heron.")
    with terminal(run_ockit, "chat", "-f", "notes.md", env=ENV) as screen:
        started(screen)
        screen.until(lambda s: "0/1024 tokens" in bar(s), "the loaded model")
        worker = screen.worker()
        worker.suspend()
        send(screen, "What is the word?")
        screen.until(lambda s: len(questions(ockit_home)) == 1)
        screen.interrupt()
        screen.until(rests)
        worker.resume()
        enter(screen, "Name a colour.")
        leave(screen)
    assert "heron" in questions(ockit_home)[0]
    assert questions(ockit_home)[1] == "Name a colour."


def test_a_second_ctrl_c_in_a_command_kills_nothing(run_ockit: Any) -> None:
    with terminal(run_ockit, "chat", env=ENV) as screen:
        worker = screen.worker()
        worker.suspend()
        screen.until(lambda s: "/help lists" in s.screen)
        send(screen, "/context")
        screen.interrupt()
        screen.until(lambda s: "this runs to its end" in bar(s))
        time.sleep(1.2)
        screen.interrupt()
        screen.look(0.3)
        worker.resume()
        screen.until(rests)
        assert "kept for the answer" in screen.screen
        assert screen.worker().pid == worker.pid
        leave(screen)


def test_without_log_no_saved_chat_goes_on(run_ockit: Any, ockit_home: Path) -> None:
    run_ockit("chat", input=b"Name a colour.\n", env=ENV)
    with terminal(run_ockit, "chat", "--no-log", env=ENV) as screen:
        started(screen)
        assert "begun with --no-log" in flat(enter(screen, "/resume last"))
        leave(screen)
    done = run_ockit("chat", "--no-log", "--continue", env=ENV)
    assert done.code == 2
    assert "--no-log saves nothing" in done.stderr
    first = run_ockit("chat", "--continue", env={**ENV, "OCKIT_HOME": str(ockit_home / "other")})
    assert first.code == 3
    assert "no chat has been kept yet" in first.stderr


def test_what_was_not_sent_is_told_at_the_end(run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "chat", "--max-tokens", "900", env=ENV) as screen:
        started(screen)
        send(screen, "Tell me a very long story about a whale.")
        screen.until(lambda s: "writing" in bar(s))
        screen.send("Name a colour.\rName a fruit.\r")
        screen.until(lambda s: "next: Name a fruit." in s.screen)
        screen.send("\x04")
        assert screen.end() == 0
        assert "not sent: Name a colour." in screen.screen
        assert "not sent: Name a fruit." in screen.screen
    assert len(questions(ockit_home)) == 1


def test_menus_close_and_lines_stay(screen: Terminal) -> None:
    screen.send("/mod")
    screen.until(lambda s: "list the models" in s.screen, "the menu")
    screen.send("\x1b")
    screen.until(lambda s: "list the models" not in s.screen, "the end of the menu")
    assert screen.rows[screen.cursor[0]] == "> /mod"
    screen.interrupt()
    screen.until(line_is(">"))
    leave(screen)
