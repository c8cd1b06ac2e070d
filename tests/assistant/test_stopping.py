"""A turn is stopped at any moment, from another thread: it ends soon, nothing is lost, the next turn answers."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ockit.errors import InterruptedByUser
from ockit.events import End, Event, Prefill, Token
from ockit.messages import Sampling

Begin = Callable[..., Any]
STORY = "Tell me a very long story about a whale."
LONG = Sampling(temperature=0.0, max_tokens=600)
LOOK_S = 30.0
"""How long a stopped turn may take in these tests: they are of what ends, and not of speed, which is a benchmark."""


class Turn(threading.Thread):
    """A turn in a thread, as a full-screen chat runs it."""

    def __init__(self, chat: Any, events: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self._events = events
        self.seen: list[Event] = []
        self.error: BaseException | None = None
        self.ended = 0.0
        chat.assistant.ready()
        self.start()

    def run(self) -> None:
        try:
            for event in self._events():
                self.seen.append(event)
        except BaseException as error:  # noqa: BLE001 - for `over`
            self.error = error
        self.ended = time.perf_counter()

    def over(self) -> str:
        """How it ended: ``before`` the first word, ``within`` the answer, or ``whole``."""
        self.join(LOOK_S)
        assert not self.is_alive()
        if self.error is not None:
            assert isinstance(self.error, InterruptedByUser), repr(self.error)
            assert not any(isinstance(event, Token) and event.text for event in self.seen)
            return "before"
        end = self.seen[-1]
        assert isinstance(end, End)
        return "within" if end.finish_reason == "interrupted" else "whole"

    def text(self) -> str:
        return "".join(event.text for event in self.seen if isinstance(event, Token))


def stop_at_random(chat: Any, count: int) -> tuple[Counter[str], list[float]]:
    """So many turns of three kinds, each stopped at some instant; how they ended, and how long that took."""
    chance = random.Random(count)
    ends: Counter[str] = Counter()
    took = []
    chat.say("Name a colour.", max_tokens=2)
    for number in range(count):
        if number % 8 == 0:
            chat.assistant.restart(None)
        kind = chance.choice(["reply", "reply", "again", "go_on"])
        answer = chat.assistant.last_answer
        if kind == "go_on" and not (answer and chat.assistant.unanswered is None and answer.can_go_on):
            kind = "reply"
        if kind == "again" and not chat.assistant.questions:
            kind = "reply"
        question = f"{number}: {STORY} " + "word " * chance.choice([0, 0, 300])
        before = chat.assistant.last_answer.text if kind == "go_on" else ""
        turn = Turn(
            chat,
            {
                "reply": lambda asked=question: chat.assistant.reply(asked, LONG),
                "again": lambda: chat.assistant.again(LONG),
                "go_on": lambda: chat.assistant.go_on(LONG),
            }[kind],
        )
        time.sleep(
            chance.choice([0.0, chance.uniform(0, 0.01), chance.uniform(0, 0.4), chance.uniform(0.3, 1.5)])
        )
        begun = time.perf_counter()
        running = chat.assistant.stop()
        how = turn.over()
        took.append(turn.ended - begun)
        assert running or how == "whole"
        assert not chat.assistant.running
        assert chat.assistant.stop() is False
        ends[f"{kind} {how}"] += 1
        if kind == "reply":
            assert chat.assistant.questions[-1] == question
            assert (chat.assistant.unanswered == question) == (how == "before")
            assert question in [m.text for m in chat.saved()]
        if how != "before":
            assert chat.assistant.last_answer.text == before + turn.text()
            saved = next(m for m in chat.saved() if m.id == chat.assistant.answer_id)
            assert saved.text == before + turn.text()
            assert saved.state == ("complete" if how == "whole" else "interrupted")
    assert len(chat.say("Name a colour.", max_tokens=4).text) > 2
    assert chat.assistant.engine.worker.generation == 1
    return ends, took


def test_at_any_instant(talk: Begin) -> None:
    ends, _ = stop_at_random(talk(), 30)
    assert sum(count for how, count in ends.items() if "before" in how) > 2
    assert sum(count for how, count in ends.items() if "within" in how) > 2


@pytest.mark.sweep
def test_at_200_instants(talk: Begin, capsys: pytest.CaptureFixture[str]) -> None:
    ends, took = stop_at_random(talk(), 200)
    with capsys.disabled():
        took.sort()
        print(f"\n{dict(ends)}; median {took[100]:.3f} s, 95 % {took[190]:.3f} s, longest {took[-1]:.3f} s")  # noqa: T201
    assert sum(ends.values()) == 200


def test_while_the_model_loads(talk: Begin) -> None:
    """The load goes on; the next turn waits for it."""
    chat = talk()
    chat.assistant.engine.warm_up()
    worker = chat.assistant.engine.worker.pid
    os.kill(worker, signal.SIGSTOP)
    chat.assistant.load_in_background()
    turn = Turn(chat, lambda: chat.assistant.reply("Name a colour.", LONG))
    time.sleep(0.2)
    assert turn.is_alive()
    assert chat.assistant.running
    assert chat.assistant.stop()
    assert turn.over() == "before"
    assert chat.assistant.unanswered == "Name a colour."
    assert chat.saved()[0].text == "Name a colour."
    os.kill(worker, signal.SIGCONT)
    assert len(chat.say("Name a colour.", max_tokens=4).text) > 2
    assert chat.assistant.engine.worker.pid == worker


def test_another_model_while_the_first_still_loads(talk: Begin) -> None:
    chat = talk()
    chat.assistant.engine.warm_up()
    os.kill(chat.assistant.engine.worker.pid, signal.SIGSTOP)
    chat.assistant.load_in_background()
    model = chat.assistant.model
    chat.assistant.use(replace(model, options=replace(model.options, n_ctx=512)))
    chat.assistant.load_in_background()
    assert chat.assistant.loaded is None
    os.kill(chat.assistant.engine.worker.pid, signal.SIGCONT)
    chat.say("Name a colour.", max_tokens=4)
    assert chat.assistant.loaded.n_ctx == 512


def test_before_the_turn_has_taken_its_first_step(talk: Begin) -> None:
    chat = talk()
    chat.say("Name a colour.", max_tokens=2)
    chat.assistant.ready()
    assert chat.assistant.stop()
    with pytest.raises(InterruptedByUser):
        list(chat.assistant.reply(STORY, LONG))
    assert chat.assistant.unanswered == STORY
    assert [m.text for m in chat.saved()][-1] == STORY
    assert chat.say("Name a fruit.", max_tokens=2).text  # a turn that nobody has announced is not stopped


def test_between_the_first_look_and_the_request(talk: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cancel that the worker reads before the request means nothing to it: the turn sends it once more."""
    chat = talk()
    chat.say("Name a colour.", max_tokens=2)
    worker = chat.assistant.engine.worker
    plain, seen = worker.stream, []

    def late(method: str, **params: Any) -> Any:
        if method == "generate":
            seen.append(chat.assistant.stop())  # its frame goes first
        return plain(method, **params)

    monkeypatch.setattr(worker, "stream", late)
    begin = time.monotonic()
    with pytest.raises(InterruptedByUser):
        list(chat.assistant.reply(STORY + " word" * 400, LONG))
    assert seen == [True]
    assert time.monotonic() - begin < LOOK_S


def test_a_worker_that_does_not_listen(talk: Begin) -> None:
    chat = talk()
    turn = Turn(chat, lambda: chat.assistant.reply(STORY, LONG))
    while sum(isinstance(event, Token) for event in turn.seen) < 5:
        time.sleep(0.01)
    os.kill(chat.assistant.engine.worker.pid, signal.SIGSTOP)
    assert chat.assistant.stop()
    turn.join(0.5)
    assert turn.is_alive()
    assert chat.assistant.stop(hard=True)
    assert turn.over() == "within"
    assert chat.assistant.last_answer.text == turn.text()
    assert chat.saved()[1].state == "interrupted"
    chat.assistant.ready()
    assert chat.assistant.engine.worker.alive
    assert chat.say("Name a colour.", max_tokens=4).text


def test_hard_in_prefill(talk: Begin) -> None:
    chat = talk()
    chat.say("Name a colour.", max_tokens=2)
    with pytest.raises(InterruptedByUser):  # noqa: PT012
        for event in chat.assistant.reply("word " * 700, LONG):
            if isinstance(event, Prefill):
                chat.assistant.stop(hard=True)
    assert chat.say("Name a fruit.", max_tokens=2).end.usage.cached_tokens == 0


def test_by_a_signal_to_the_thread_that_answers(talk: Begin) -> None:
    """As ``ockit ask`` does it."""
    chat = talk()
    chat.say("Name a colour.", max_tokens=2)
    endless = LONG.changed(logit_bias=tuple((token, float("-inf")) for token in chat.assistant.engine.ends()))
    ends: Counter[str] = Counter()
    before = signal.signal(signal.SIGALRM, lambda number, frame: chat.assistant.stop())
    try:
        for number in range(12):
            signal.setitimer(signal.ITIMER_REAL, 0.002 + 0.03 * number)
            try:
                *_, end = chat.assistant.reply(f"{number}: {STORY}", endless)
                ends[end.finish_reason] += 1
            except InterruptedByUser:
                ends["before"] += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert ends["interrupted"] + ends["before"] == 12, ends


def test_memory_of_a_stop_does_not_outlive_its_turn(talk: Begin) -> None:
    chat = talk()
    for event in chat.assistant.reply(STORY, LONG):
        if isinstance(event, Token):
            chat.assistant.stop()
            chat.assistant.stop()
    assert chat.say("Name a colour.", max_tokens=12).end.finish_reason in ("length", "stop")
