"""The model's process dies or hangs in mid-answer: one error, the part that came is saved, the next turn answers."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable
from typing import Any

import pytest

from ockit.errors import DoesNotFit, ModelFileError, OckitError, WorkerError
from ockit.events import Prefill, Token
from ockit.messages import Sampling

Begin = Callable[..., Any]
LONG = Sampling(temperature=0.0, max_tokens=600)


def until_it_fails(
    chat: Any, question: str, after: int, harm: Callable[[int], None]
) -> tuple[str, OckitError]:
    """Answer, do harm to the worker after some tokens; the text that came and the error."""
    said: list[str] = []
    with pytest.raises(OckitError) as caught:  # noqa: PT012 - the error comes out of the loop
        for event in chat.assistant.reply(question, LONG):
            if isinstance(event, Token):
                said.append(event.text)
                if len(said) == after:
                    harm(chat.assistant.engine.worker.pid)
    return "".join(said), caught.value


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT, signal.SIGSEGV, signal.SIGSTOP])
def test_a_signal_in_mid_answer(number: int, talk: Begin) -> None:
    chat = talk(settings={"stall_seconds": "1"})
    one = chat.say("Name a colour.", max_tokens=8)
    text, error = until_it_fails(chat, "Tell me a very long story.", 12, lambda pid: os.kill(pid, number))
    assert isinstance(error, WorkerError)
    name = "no sign of life" if number == signal.SIGSTOP else signal.Signals(number).name
    assert name in error.what
    assert error.hint
    failed = chat.saved()[3]
    assert (failed.state, failed.finish_reason) == ("failed", "error")
    assert failed.text == text
    assert len(text) > 12
    assert name in str(failed.error)

    two = chat.say("Another colour?", max_tokens=8)
    assert two.end.usage.cached_tokens == 0
    assert two.end.timings.load_s > 0
    assert chat.assistant.engine.worker.generation == 2
    assert chat.path() == [
        ("user", "complete", "Name a colour."),
        ("assistant", "complete", one.text),
        ("user", "complete", "Another colour?"),
        ("assistant", "complete", two.text),
    ]
    assert "Tell me a very long story." in [message.text for message in chat.saved()]


def limited(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    monkeypatch.setattr("ockit.engines.hosted.whole_memory", lambda: limit)


def test_out_of_memory_in_mid_answer(talk: Begin) -> None:
    """Memory runs out when the first token is to be chosen."""
    chat = talk()
    digits = Sampling(temperature=0.0, max_tokens=600, grammar='root ::= ([0-9] " ")+')
    with pytest.raises(WorkerError) as caught:  # noqa: PT012 - the error comes out of the loop
        for event in chat.assistant.reply("Count.", digits):
            if isinstance(event, Prefill) and event.done == event.total:
                resource.prlimit(chat.assistant.engine.worker.pid, resource.RLIMIT_DATA, (1 << 20, 1 << 20))
    assert "memory" in caught.value.what
    assert chat.saved()[1].state == "failed"
    assert len(chat.say("Name a colour.", max_tokens=4).text) > 2


@pytest.mark.parametrize("limit", [20 << 20, 40 << 20, 64 << 20])
def test_too_little_memory(limit: int, talk: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """For the model, for its cache, for its computations: an error each time, and a new try with more succeeds."""
    with monkeypatch.context() as less:
        limited(less, limit)
        chat = talk()
    for _ in range(2):
        with pytest.raises(OckitError) as caught:
            chat.say("Name a colour.")
        assert isinstance(caught.value, WorkerError | DoesNotFit | ModelFileError)
        assert caught.value.hint
    assert "Name a colour." in [message.text for message in chat.saved()]
    assert len(talk().say("Name a colour.", max_tokens=4).text) > 2


def test_killed_while_it_loads(talk: Begin) -> None:
    chat = talk()
    chat.assistant.engine.warm_up()
    os.kill(chat.assistant.engine.worker.pid, signal.SIGSTOP)
    chat.assistant.load_in_background()
    os.kill(chat.assistant.engine.worker.pid, signal.SIGKILL)
    with pytest.raises(WorkerError, match="SIGKILL"):
        chat.say("Name a colour.")
    assert len(chat.say("Name a colour.", max_tokens=4).text) > 2
    assert chat.assistant.engine.worker.generation == 2


def test_killed_between_turns(talk: Begin) -> None:
    """Nobody waits for an answer then: the next turn starts a new one and says nothing."""
    chat = talk()
    chat.say("Name a colour.", max_tokens=4)
    process = chat.assistant.engine.worker
    os.kill(process.pid, signal.SIGKILL)
    while process.alive:
        pass
    assert chat.say("Another?", max_tokens=4).end.usage.cached_tokens == 0
