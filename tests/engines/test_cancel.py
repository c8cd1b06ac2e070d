"""Stopping an answer: soon, in prefill and in decode, and the next answer is as if nothing had been."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ockit.events import End, Event, Prefill, Token
from ockit.messages import Sampling

GREEDY = Sampling(temperature=0.0, max_tokens=2000)
LIMIT_S = 0.5


@pytest.fixture(scope="module")
def fresh(start_engine: Callable[..., Any], embedded_model: Path) -> Any:
    """A second engine, whose cache never saw a cancel."""
    return start_engine(embedded_model)


def cancelled(asking: Any, ids: Sequence[int], when: Callable[[Event], bool]) -> tuple[list[Event], float]:
    """All events of an answer that is cancelled at the first event that fits, and the seconds it took to end."""
    events: list[Event] = []
    at = None
    for event in asking.engine.generate(list(ids), GREEDY):
        events.append(event)
        if at is None and when(event):
            asking.engine.cancel()
            at = time.perf_counter()
    assert at is not None
    return events, time.perf_counter() - at


def test_in_prefill(embedded: Any, fresh: Any) -> None:
    embedded.generate([0], max_tokens=1)
    ids = embedded.ids("word " * 1900)
    assert len(ids) > 1900
    events, seconds = cancelled(embedded, ids, lambda event: isinstance(event, Prefill))
    assert seconds < LIMIT_S
    end = events[-1]
    assert isinstance(end, End)
    assert end.finish_reason == "interrupted"
    assert end.usage.completion_tokens == 0
    assert not any(isinstance(event, Token) for event in events)
    assert max(event.done for event in events if isinstance(event, Prefill)) < len(ids)

    nearby = [*ids[:530], *embedded.ids("What now?")]
    assert embedded.generate(nearby, max_tokens=24).ids == fresh.generate(nearby, max_tokens=24).ids


def test_in_the_middle_of_a_batch(embedded: Any, fresh: Any) -> None:
    """Not between two batches: llama.cpp gives up a computation that runs."""
    embedded.generate([0], max_tokens=1)
    ids = embedded.ids("another " * 600)[:512]
    stream = embedded.engine.generate(ids, GREEDY)
    assert next(stream) == Prefill(0, 512)
    timer = threading.Timer(0.05, embedded.engine.cancel)
    timer.start()
    begin = time.perf_counter()
    events = list(stream)
    assert time.perf_counter() - begin < LIMIT_S
    assert isinstance(events[-1], End)
    assert events[-1].finish_reason == "interrupted"
    assert embedded.generate(ids, max_tokens=16).ids == fresh.generate(ids, max_tokens=16).ids


def test_in_decode(embedded: Any, fresh: Any) -> None:
    ids = embedded.ids("Tell me a very long story about a whale.")
    produced = 0

    def tenth(event: Event) -> bool:
        nonlocal produced
        produced += isinstance(event, Token)
        return produced == 10

    embedded.generate([0], max_tokens=1)
    events, seconds = cancelled(embedded, ids, tenth)
    assert seconds < LIMIT_S
    end = events[-1]
    assert isinstance(end, End)
    assert end.finish_reason == "interrupted"
    said = [i for event in events if isinstance(event, Token) for i in event.ids]
    assert 10 <= len(said) == end.usage.completion_tokens < 100

    embedded.generate([0], max_tokens=1)
    fresh.generate([0], max_tokens=1)
    whole = fresh.generate(ids, max_tokens=60)
    assert said == whole.ids[: len(said)]
    on = [*ids, *said[:-1]]
    again = embedded.generate(ids, max_tokens=60)
    assert again.ids == whole.ids
    assert embedded.generate(on, max_tokens=8).end.usage.cached_tokens == len(on) - 1


def test_a_cancel_that_comes_before_the_first_event_counts(embedded: Any) -> None:
    ids = embedded.ids("Tell me a very long story about a ship.")
    stream = embedded.engine.generate(ids, GREEDY.changed(max_tokens=100))
    threading.Timer(0.0, embedded.engine.cancel).start()
    events = list(stream)
    assert isinstance(events[-1], End)
    assert events[-1].finish_reason in ("interrupted", "length", "stop")
    assert embedded.generate(ids, max_tokens=4).end.finish_reason == "length"


def test_an_answer_that_nobody_reads_on_ends(embedded: Any, fresh: Any) -> None:
    ids = embedded.ids("Tell me a very long story about a mountain.")
    for _ in range(3):
        stream = embedded.engine.generate(ids, GREEDY)
        while not isinstance(next(stream), Token):
            pass
        stream.close()
        begin = time.perf_counter()
        short = embedded.generate(embedded.ids("Hi"), max_tokens=2)
        assert time.perf_counter() - begin < 3 * LIMIT_S
        assert len(short.ids) == 2
    fresh.generate([0], max_tokens=1)
    embedded.generate([0], max_tokens=1)
    assert embedded.generate(ids, max_tokens=32).ids == fresh.generate(ids, max_tokens=32).ids
