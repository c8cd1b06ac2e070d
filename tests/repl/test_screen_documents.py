"""Documents in the drawn chat, on a pseudo-terminal with a real index: /index, the bar, the list, the way out."""

from __future__ import annotations

import re
from typing import Any

import psutil
import pytest

from asking import QUICK
from drawn_chat import bar, enter, leave, rests, started
from indexed_rivers import indexed
from terminal import Terminal, terminal

ENV = {
    **QUICK, "OCKIT_TEMPERATURE": "0", "OCKIT_MAX_TOKENS": "16", "OCKIT_CTX_SIZE": "2048", "NO_COLOR": "1",
}  # fmt: skip
RHINE = "How long is the river Rhine in kilometres?"


@pytest.fixture
def screen(run_ockit: Any) -> Any:
    indexed(run_ockit, ENV)
    with terminal(run_ockit, "chat", env=ENV, size=(60, 100)) as opened:
        started(opened)
        yield opened


def test_an_index_is_chosen_used_and_left(screen: Terminal) -> None:
    assert re.search(r"^\s+rivers$", enter(screen, "/index"), re.M)
    assert "answers come from rivers" in enter(screen, "/index rivers")
    screen.until(lambda s: "rivers" in bar(s), "the index in the bar")
    shown = enter(screen, RHINE)
    assert shown.count("Sources") == 1
    assert re.search(r"^[ *] \[1\] rivers/rivers\.md:\d", shown, re.M)
    assert shown.index("1233") < shown.index("Sources")
    whole = enter(screen, "/sources 1")
    assert "rivers.md" in whole
    assert "North Sea near Rotterdam." in " ".join(whole.split())  # more than a line: broken at a word
    assert "[1] rivers/dogs/terrier.md:" in enter(screen, "/search a small dog that hunts rats")
    assert "answers come from the model alone" in enter(screen, "/index off")
    screen.until(lambda s: "rivers" not in bar(s), "a bar without it")
    assert "did you mean rivers?" in enter(screen, "/index river")
    leave(screen)


def test_what_a_document_says_is_never_sent_raw(screen: Terminal) -> None:
    enter(screen, "/index rivers")
    before = len(screen.raw)
    enter(screen, "How often does the frobnicator 3.2 blink?")
    shown = enter(screen, "/search frobnicator release notes")
    assert "planted.md" in shown
    sent = screen.raw[before:]
    assert b"\x1b]0;owned" not in sent
    assert "\u202e".encode() not in sent
    leave(screen)


def test_names_of_indexes_are_completed(screen: Terminal) -> None:
    screen.send("/index riv")
    screen.until(lambda s: re.search(r"^\s+rivers", s.screen, re.M) is not None, "what is offered")
    screen.send("\t")
    screen.until(lambda s: "> /index rivers" in s.screen, "the completion")
    screen.send("\x03")
    screen.until(rests, "an empty line")
    leave(screen)


def test_no_process_is_left_behind(screen: Terminal) -> None:
    enter(screen, "/index rivers")
    enter(screen, RHINE)
    children = psutil.Process(screen.pid).children(recursive=True)
    assert len(children) >= 2  # the model's and the embedder's
    leave(screen)
    assert psutil.wait_procs(children, timeout=5)[1] == []
