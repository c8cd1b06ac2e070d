"""A turn whose check stands still: the built-in policy, and the process that reads texts under it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import psutil

from ockit.assistant.checking import checking
from ockit.assistant.vetting import BANNER
from ockit.assistant.watching import LAST_CLAUSES_S
from ockit.events import Notice, Token

Begin = Callable[..., Any]


def test_an_answer_that_was_shown_does_not_wait_for_a_check_that_hangs(talk: Begin) -> None:
    others = {child.pid for child in psutil.Process().children()}
    chat = talk()
    chat.assistant.checking = checking(chat.environment, chat.settings)
    chat.say("Name a colour.")
    children = {child.pid for child in psutil.Process().children()} - others
    (reader,) = children - {chat.assistant.engine.worker.pid}
    events, last = [], 0.0
    for event in chat.assistant.reply("Name a fruit.", chat.greedy):
        if isinstance(event, Token) and not any(isinstance(before, Token) for before in events):
            os.kill(reader, signal.SIGSTOP)
        events.append(event)
        last = time.monotonic() if isinstance(event, Token) else last
    assert time.monotonic() - last < LAST_CLAUSES_S + 3.0  # its own time limit is 20 s
    assert events[-1].finish_reason in ("stop", "length")
    answer = chat.saved()[-1]
    assert answer.text.strip() == "".join(e.text for e in events if isinstance(e, Token)).strip()
    assert [each.verdict.status for each in answer.verdicts] == ["timeout"]
    [banner] = [event for event in events if isinstance(event, Notice) and event.kind == BANNER]
    assert "not checked in time" in banner.text
