"""The drawn chat on a pseudo-terminal: turns, typing ahead, Ctrl-C and Ctrl-D."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from asking import QUICK, saved
from drawn_chat import bar, enter, leave, rests, send, started
from terminal import gone, terminal

ENV = {**QUICK, "OCKIT_TEMPERATURE": "0", "OCKIT_MAX_TOKENS": "16"}
LONG = ("--max-tokens", "900")
STORY = "Tell me a very long story about a whale."


def questions(home: Path) -> list[str]:
    return [message.text for session in saved(home) for message in session if message.role == "user"]


def words(text: str) -> str:
    return " ".join(text.split())


def test_a_conversation(run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "chat", env=ENV) as screen:
        started(screen)
        enter(screen, "Name a colour.")
        shown = words(enter(screen, "Another one?"))
        assert re.search(r"\d+/1024 tokens", bar(screen))
        assert "Name a colour." in bar(screen)  # the chat's name
        leave(screen)
    ((one, first, two, second),) = saved(ockit_home)
    assert (one.text, two.text) == ("Name a colour.", "Another one?")
    assert "> Name a colour." in shown
    assert "> Another one?" in shown
    assert words(first.text)[:30] in shown
    assert words(second.text)[:30] in shown
    assert first.usage is not None
    assert second.usage is not None
    known = first.usage.prompt_tokens + first.usage.completion_tokens - (first.finish_reason == "length")
    assert second.usage.cached_tokens == known


def test_ockit_alone_is_the_drawn_chat(run_ockit: Any) -> None:
    with terminal(run_ockit, env=ENV) as screen:
        started(screen)
        leave(screen)


def test_leaving_wipes_the_prompt_away_and_nothing_else(run_ockit: Any) -> None:
    with terminal(run_ockit, "chat", env=ENV) as screen:
        started(screen)
        enter(screen, "Name a colour.")
        leave(screen)
        assert "> Name a colour." in screen.screen
        assert "/1024 tokens" not in screen.screen
        assert not screen.screen.rstrip().endswith(">")


def test_the_prompt_is_there_and_takes_a_question_while_the_model_loads(
    run_ockit: Any, ockit_home: Path
) -> None:
    with terminal(run_ockit, "chat", env=ENV) as screen:
        worker = screen.worker()
        worker.suspend()
        screen.until(lambda s: s.rows[s.cursor[0]].startswith(">"), "the prompt")
        send(screen, "Name a colour.")
        screen.until(lambda s: "loading the model" in bar(s), "a word on what is going on")
        assert questions(ockit_home) == ["Name a colour."]
        worker.resume()
        screen.until(rests)
        leave(screen)
    ((_, answer),) = saved(ockit_home)
    assert answer.state == "complete"


def test_typing_ahead_is_seen_and_sent_in_its_turn(run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "chat", "--max-tokens", "60", env=ENV) as screen:
        started(screen)
        send(screen, STORY)
        screen.until(lambda s: "writing" in bar(s), "the answer")
        screen.send("Name a col")
        screen.until(lambda s: "> Name a col" in s.screen, "what is typed")
        screen.send("our.\r")
        screen.until(lambda s: "next: Name a colour." in s.screen, "what waits")
        screen.send("half a li")
        screen.until(
            lambda s: rests(s) and s.screen.count("Name a colour.") >= 1 and len(questions(ockit_home)) == 2
        )
        assert screen.rows[screen.cursor[0]] == "> half a li"
    assert questions(ockit_home) == [STORY, "Name a colour."]


def test_ctrl_c_stops_an_answer_and_keeps_the_part(run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "chat", *LONG, env=ENV) as screen:
        worker = screen.worker()
        started(screen)
        send(screen, STORY)
        screen.until(lambda s: "writing" in bar(s), "the answer")
        screen.interrupt()
        screen.until(rests)
        assert "stopped; what came so far is kept" in words(screen.screen)
        assert screen.worker().pid == worker.pid
        leave(screen)
    ((_, answer),) = saved(ockit_home)
    assert answer.state == "interrupted"
    assert len(answer.text) > 5
    assert words(answer.text)[:20] in words(screen.screen)


def test_ctrl_c_gives_back_what_was_typed_ahead(run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "chat", *LONG, env=ENV) as screen:
        started(screen)
        send(screen, STORY)
        screen.until(lambda s: "writing" in bar(s))
        screen.send("Name a colour.\r")
        screen.until(lambda s: "next: Name a colour." in s.screen)
        screen.interrupt()
        screen.until(rests)
        assert screen.rows[screen.cursor[0]] == "> Name a colour."
        screen.interrupt()  # clears the line
        screen.until(lambda s: s.rows[s.cursor[0]] == ">")
        leave(screen)
    assert questions(ockit_home) == [STORY]


def test_ctrl_c_clears_the_line_and_never_leaves(run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "chat", env=ENV) as screen:
        started(screen)
        screen.send("half a quest")
        screen.until(lambda s: "> half a quest" in s.screen)
        screen.interrupt()
        screen.until(lambda s: s.rows[s.cursor[0]] == ">")
        for _ in range(5):
            screen.interrupt()
        screen.until(lambda s: "Ctrl-D or /exit leaves" in bar(s))
        enter(screen, "Name a colour.")
        leave(screen)
    assert questions(ockit_home) == ["Name a colour."]


def test_ctrl_d_leaves_in_mid_answer_and_keeps_the_part(run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "chat", *LONG, env=ENV) as screen:
        worker = screen.worker()
        started(screen)
        send(screen, STORY)
        screen.until(lambda s: "writing" in bar(s))
        leave(screen)
        assert gone(worker.pid)
    ((_, answer),) = saved(ockit_home)
    assert answer.state == "interrupted"
    assert answer.text


def test_exit_is_heard_while_an_answer_is_written(run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "chat", *LONG, env=ENV) as screen:
        started(screen)
        send(screen, STORY)
        screen.until(lambda s: "writing" in bar(s))
        screen.send("/exit\r")
        assert screen.end() == 0
    assert saved(ockit_home)[0][1].state == "interrupted"


def test_ctrl_c_in_a_long_prefill(run_ockit: Any, ockit_home: Path) -> None:
    env = {**ENV, "OCKIT_CTX_SIZE": "8192"}
    with terminal(run_ockit, "chat", env=env) as screen:
        started(screen)
        screen.send(b"\x1b[200~" + b"seven words in a row make this " * 500 + b"\x1b[201~")
        screen.until(lambda s: "[pasted 1" in s.screen, "the paste's name")
        send(screen, "")
        screen.until(lambda s: "reading" in bar(s), "the prefill")
        begin = time.monotonic()
        screen.interrupt()
        screen.until(rests)
        assert time.monotonic() - begin < 5
        assert "stopped before a word came; /regen asks again" in words(screen.screen)
        enter(screen, "/undo")
        enter(screen, "Name a colour.")
        leave(screen)
    assert [message.state for message in saved(ockit_home)[0]][-1] == "complete"


def test_a_dead_worker_is_one_message_and_the_chat_lives(run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "chat", *LONG, env=ENV) as screen:
        worker = screen.worker()
        started(screen)
        send(screen, STORY)
        screen.until(lambda s: "writing" in bar(s))
        worker.kill()
        screen.until(rests)
        assert screen.screen.count("error: the model's process died") == 1
        enter(screen, "/set max_tokens 4")
        enter(screen, "Hi")
        assert screen.worker().pid != worker.pid
        leave(screen)
    assert [message.state for message in saved(ockit_home)[0]][:2] == ["complete", "failed"]


def test_a_question_that_does_not_fit(run_ockit: Any, ockit_home: Path) -> None:
    env = {**ENV, "OCKIT_CTX_SIZE": "256", "OCKIT_MAX_TOKENS": "4"}
    with terminal(run_ockit, "chat", env=env) as screen:
        started(screen)
        screen.send(b"\x1b[200~" + b"word " * 600 + b"\x1b[201~")
        shown = words(enter(screen, ""))
        assert re.search(r"error: the prompt has \d+ tokens", shown)
        enter(screen, "Name a colour.")
        leave(screen)
    assert saved(ockit_home)[0][-1].state == "complete"


def test_plain_lines_where_they_are_asked_for(run_ockit: Any) -> None:
    """Nothing is drawn over: no cursor moves, no erasing."""
    for plain in ({"ACCESSIBLE": "1"}, {"TERM": "dumb"}):
        with terminal(run_ockit, "chat", env={**ENV, **plain, "NO_COLOR": "1"}) as screen:
            screen.wait_for("> ")
            screen.line("Name a colour.")
            screen.wait_for(r"colour\.\r\n.*?\w+.*?\n> ")
            screen.send("\x04")
            assert screen.end() == 0
            assert re.search(rb"\x1b\[\d*[ABCDHJ]", screen.without_readline(screen.raw)) is None
