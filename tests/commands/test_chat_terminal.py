"""``ockit chat`` in plain lines on a terminal, as ACCESSIBLE=1 asks for: what a person types and sees."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from asking import QUICK, saved
from terminal import Terminal, gone, terminal

ENV = {**QUICK, "OCKIT_TEMPERATURE": "0", "OCKIT_MAX_TOKENS": "16", "NO_COLOR": "1", "ACCESSIBLE": "1"}


def prompted(screen: Terminal) -> None:
    """The prompt stands alone on the last line."""
    screen.wait_for(r"(?:(?<=[\r\nhl])|^)> \Z")


def questions(home: Path) -> list[str]:
    return [message.text for session in saved(home) for message in session if message.role == "user"]


def test_a_conversation(run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "chat", env=ENV) as screen:
        screen.wait_for("smollm2-135m-instruct.*?/help lists the commands, Ctrl-D leaves")
        prompted(screen)
        screen.line("Name a colour.")
        prompted(screen)
        screen.line("Another one?")
        prompted(screen)
        screen.line("/exit")
        assert screen.end() == 0
        shown = screen.screen
        assert b"Traceback" not in screen.raw
    ((one, first, two, second),) = saved(ockit_home)
    assert (one.text, two.text) == ("Name a colour.", "Another one?")
    assert " ".join(first.text.split())[:40] in " ".join(shown.split())
    assert " ".join(second.text.split())[:40] in " ".join(shown.split())
    assert first.usage is not None
    assert second.usage is not None
    known = first.usage.prompt_tokens + first.usage.completion_tokens - (first.finish_reason == "length")
    assert second.usage.cached_tokens == known


def test_ockit_alone_is_chat(run_ockit: Any) -> None:
    with terminal(run_ockit, env=ENV) as screen:
        prompted(screen)
        screen.send("\x04")
        assert screen.end() == 0


def test_the_prompt_is_there_while_the_model_loads(run_ockit: Any, ockit_home: Path) -> None:
    """The model's process stands still before it has loaded anything; the prompt comes all the same, takes a
    question, and the answer comes once the model is there."""
    with terminal(run_ockit, "chat", env=ENV) as screen:
        worker = screen.worker()
        worker.suspend()
        assert not any(path.path.endswith(".gguf") for path in worker.memory_maps())
        prompted(screen)
        screen.line("Name a colour.")
        screen.wait_for("loading the model")
        assert questions(ockit_home) == ["Name a colour."]
        worker.resume()
        prompted(screen)
        screen.send("\x04")
        assert screen.end() == 0
    ((_, answer),) = saved(ockit_home)
    assert answer.state == "complete"


def test_answers_stream(run_ockit: Any) -> None:
    """The first words are on the screen while later ones are still to come."""
    with terminal(run_ockit, "chat", "--max-tokens", "300", env=ENV) as screen:
        prompted(screen)
        screen.line("Tell me a very long story about a whale.")
        screen.wait_for(r"whale\.\r\n.*?\w+ \w+ \w+")
        early = len(screen.raw)
        screen.wait_for(r"\w+ \w+ \w+ \w+ \w+ \w+ \w+ \w+ \w+ \w+")
        assert len(screen.raw) > early
        assert not screen.screen.rstrip().endswith(">")
        screen.interrupt()
        prompted(screen)


def test_ctrl_c_in_an_answer_keeps_the_chat_and_the_part(run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "chat", "--max-tokens", "900", env=ENV) as screen:
        worker = screen.worker()
        prompted(screen)
        screen.line("Tell me a very long story about a whale.")
        screen.wait_for(r"whale\.\r\n.*?\w+ \w+ \w+ \w+ \w+")
        begin = time.monotonic()
        screen.interrupt()
        screen.wait_for("stopped; what came so far is kept")
        assert time.monotonic() - begin < 2
        prompted(screen)
        screen.line("/system You are terse.")
        prompted(screen)
        screen.line("Hi")
        screen.wait_for(r"Hi\r\n.*?\w+")
        screen.interrupt()
        prompted(screen)
        assert screen.worker().pid == worker.pid
        screen.send("\x04")
        assert screen.end() == 0
        assert gone(worker.pid)
        assert b"Traceback" not in screen.raw
    ((_, answer, _, _),) = saved(ockit_home)
    assert answer.state == "interrupted"
    assert len(answer.text) > 10


def test_ctrl_c_at_the_prompt_does_not_leave(run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "chat", env=ENV) as screen:
        prompted(screen)
        screen.send("half a quest")
        screen.wait_for("half a quest")
        time.sleep(0.3)  # Python's readline hears no signal while it takes in what was typed
        screen.interrupt()
        screen.wait_for("Ctrl-D or /exit leaves")
        prompted(screen)
        screen.send("\x04")
        assert screen.end() == 0
    assert questions(ockit_home) == []


def test_commands(run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "chat", "--max-tokens", "3", env=ENV) as screen:
        prompted(screen)
        screen.line("/help")
        for name in ("/help", "/system", "/raw", "/new", "/exit"):
            screen.wait_for(name)
        prompted(screen)
        screen.line("/system")
        screen.wait_for("none: the template's own")
        prompted(screen)
        screen.line("/system You are terse.")
        screen.wait_for("system text is set")
        prompted(screen)
        screen.line("/system")
        screen.wait_for(r"You are terse\.\r\n")
        prompted(screen)
        screen.line("Name a colour.")
        prompted(screen)
        screen.line("/raw")
        screen.wait_for(r"⟦<\|im_start\|>⟧system\r\nYou are terse\.⟦<\|im_end\|>⟧")
        screen.wait_for(r"⟦<\|im_start\|>⟧user\r\nName a colour\.⟦<\|im_end\|>⟧")
        prompted(screen)
        screen.line("/new")
        screen.wait_for("a new conversation")
        prompted(screen)
        screen.line("Name a fruit.")
        prompted(screen)
        screen.line("/exit")
        assert screen.end() == 0
    assert [[message.text for message in session][:1] for session in saved(ockit_home)] == [
        ["Name a colour."],
        ["Name a fruit."],
    ]


def test_what_is_no_command_is_never_sent(run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "chat", "--max-tokens", "3", env=ENV) as screen:
        prompted(screen)
        screen.line("/sytem You are terse.")
        screen.wait_for("there is no command /sytem.*?try: /system")
        prompted(screen)
        screen.line("/")
        screen.wait_for("there is no command /")
        prompted(screen)
        screen.line("/etc/passwd is a file")
        screen.wait_for("there is no command /etc/passwd")
        prompted(screen)
        screen.line("//etc/passwd is a file")
        prompted(screen)
        screen.send("\x04")
        assert screen.end() == 0
    assert questions(ockit_home) == ["/etc/passwd is a file"]


def test_blocks_and_blank_lines(run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "chat", "--max-tokens", "3", env=ENV) as screen:
        prompted(screen)
        for line in ("", "   ", '"""'):
            screen.line(line)
        for line in ("def f():", "    return 1", "", "/exit", '"""'):
            screen.wait_for(r"(?<=[\r\nhl])\. \Z")
            screen.line(line)
        prompted(screen)
        screen.line('"""all on one line"""')
        prompted(screen)
        screen.line('"""first')
        screen.wait_for(r"(?<=[\r\nhl])\. \Z")
        screen.line('last"""')
        prompted(screen)
        screen.send("\x04")
        assert screen.end() == 0
    assert questions(ockit_home) == ["def f():\n    return 1\n\n/exit", "all on one line", "first\nlast"]


def test_bytes_that_are_no_text(run_ockit: Any, ockit_home: Path) -> None:
    """As a terminal with another encoding sends them: an error, and the chat lives."""
    with terminal(run_ockit, "chat", "--max-tokens", "3", env=ENV) as screen:
        prompted(screen)
        screen.send(b"a\xffb\xfec\r")
        screen.wait_for("not UTF-8")
        prompted(screen)
        screen.line("Name a colour.")
        prompted(screen)
        screen.send("\x04")
        assert screen.end() == 0
        assert b"Traceback" not in screen.raw
    assert questions(ockit_home) == ["Name a colour."]


def test_a_line_can_be_edited(run_ockit: Any, ockit_home: Path) -> None:
    pytest.importorskip("readline")
    with terminal(run_ockit, "chat", "--max-tokens", "3", env=ENV) as screen:
        prompted(screen)
        screen.line("Nme a colour.\x01\x1b[Ca")
        prompted(screen)
        screen.line("\x1b[A\x7f!")  # the last line again, its full stop exchanged
        prompted(screen)
        screen.send("\x04")
        assert screen.end() == 0
    assert questions(ockit_home) == ["Name a colour.", "Name a colour!"]


def test_a_question_that_does_not_fit(run_ockit: Any, ockit_home: Path) -> None:
    env = {**ENV, "OCKIT_CTX_SIZE": "256", "OCKIT_MAX_TOKENS": "4"}
    with terminal(run_ockit, "chat", env=env) as screen:
        prompted(screen)
        screen.line('"""')
        for _ in range(10):
            screen.wait_for(r"(?<=[\r\nhl])\. \Z")
            screen.line("word " * 60)
        screen.line('"""')
        screen.wait_for(r"error: the prompt has \d+ tokens")
        screen.wait_for("try:")
        prompted(screen)
        screen.line("Name a colour.")
        prompted(screen)
        screen.send("\x04")
        assert screen.end() == 0
    assert saved(ockit_home)[0][-1].state == "complete"


def test_the_oldest_turns_go_with_a_notice(run_ockit: Any) -> None:
    env = {**ENV, "OCKIT_CTX_SIZE": "256", "OCKIT_MAX_TOKENS": "4"}
    with terminal(run_ockit, "chat", env=env) as screen:
        for number in range(4):
            prompted(screen)
            screen.line(f"{number}: " + "word " * 60)
        screen.wait_for("the oldest .*? longer part of the prompt")
        prompted(screen)


def test_a_dead_worker_is_one_message_and_the_chat_lives(run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "chat", "--max-tokens", "900", env=ENV) as screen:
        worker = screen.worker()
        prompted(screen)
        screen.line("Tell me a very long story about a whale.")
        screen.wait_for(r"whale\.\r\n.*?\w+ \w+ \w+ \w+ \w+")
        worker.kill()
        screen.wait_for(r"error: the model's process died \(SIGKILL")
        screen.wait_for("try: ask again")
        prompted(screen)
        screen.line("Hi")
        screen.wait_for(r"Hi\r\n.*?\w+")
        screen.interrupt()
        prompted(screen)
        assert screen.raw.count(b"error:") == 1
        assert screen.worker().pid != worker.pid
        screen.send("\x04")
        assert screen.end() == 0
    assert [message.state for message in saved(ockit_home)[0]][:2] == ["complete", "failed"]


@pytest.mark.parametrize("how", ["hangup", "killed"])
def test_the_terminal_goes_away_and_no_worker_is_left(how: str, run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "chat", "--max-tokens", "900", env=ENV) as screen:
        worker = screen.worker()
        prompted(screen)
        screen.line("Tell me a very long story about a whale.")
        screen.wait_for(r"whale\.\r\n.*?\w+ \w+ \w+ \w+ \w+")
        pid = screen.pid
        screen.hang_up() if how == "hangup" else screen.close()
        assert gone(pid)
        assert gone(worker.pid)
    ((_, answer),) = saved(ockit_home)
    assert answer.state == "interrupted"
