"""Calls to a worker: events, results, errors, cancels."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from typing import Any

import pytest

from ockit.errors import NotFound, WorkerError
from ockit.workers.pipe import encode_frame
from ockit.workers.worker import Worker

Start = Callable[..., Worker]


def drain(stream: Generator[dict[str, Any], None, Any]) -> tuple[list[int], Any]:
    """The numbers of a count, and its result."""
    numbers = []
    while True:
        try:
            numbers.append(next(stream)["number"])
        except StopIteration as end:
            return numbers, end.value


def test_a_call_gives_its_result(start: Start) -> None:
    worker = start()
    assert not worker.alive
    assert worker.call("echo", text="a\nb\u2028\x00🌍", nested=[{"a": None}, 1.5]) == {
        "text": "a\nb\u2028\x00🌍",
        "nested": [{"a": None}, 1.5],
    }
    assert worker.alive
    assert worker.generation == 1


def test_events_come_in_order_and_then_the_result(start: Start) -> None:
    assert drain(start().stream("count", to=1000)) == (list(range(1000)), {"stopped_at": None})


def test_a_frame_larger_than_every_buffer(start: Start) -> None:
    text = "\x01" * 3_000_000
    assert start().call("echo", text=text) == {"text": text}


def test_an_error_is_of_the_very_class_with_all_it_says(start: Start) -> None:
    worker = start()
    with pytest.raises(NotFound) as caught:
        worker.call("not_found")
    error = caught.value
    assert (error.what, error.where, error.hint) == ("there is no such thing", "here:7", "look elsewhere")
    assert worker.call("echo", still=1) == {"still": 1}
    assert worker.generation == 1


@pytest.mark.parametrize(
    ("method", "said"), [("bug", "a bug"), ("no_json", "not JSON"), ("missing", "missing")]
)
def test_a_bug_in_the_child_is_one_error_and_the_child_lives(method: str, said: str, start: Start) -> None:
    worker = start()
    with pytest.raises(WorkerError, match=said):
        worker.call(method)
    assert worker.call("echo") == {}
    assert worker.generation == 1


def test_what_a_library_prints_disturbs_nothing(start: Start) -> None:
    worker = start()
    assert worker.call("chatter") == "done"
    assert worker.call("echo", a=1) == {"a": 1}


def test_cancel_from_another_thread(start: Start) -> None:
    worker = start()
    stream = worker.stream("count", to=10**6, every_s=0.01)
    assert next(stream) == {"number": 0}
    threading.Timer(0.2, worker.cancel).start()
    begin = time.monotonic()
    _, result = drain(stream)
    assert 0 < result["stopped_at"] < 100
    assert time.monotonic() - begin < 5
    assert drain(worker.stream("count", to=3)) == ([0, 1, 2], {"stopped_at": None})


def test_a_cancel_between_calls_stops_nothing(start: Start) -> None:
    worker = start()
    worker.cancel()
    worker.call("echo")
    worker.cancel()
    assert drain(worker.stream("count", to=50, every_s=0.002))[1] == {"stopped_at": None}


def test_a_call_that_its_reader_leaves_is_cancelled(start: Start) -> None:
    """The next call does not wait for it to end by itself, nor does it un-cancel it."""
    worker = start()
    for _ in range(20):
        stream = worker.stream("count", to=10**6, every_s=0.005)
        next(stream)
        stream.close()
        begin = time.monotonic()
        assert worker.call("echo", a=1) == {"a": 1}
        assert time.monotonic() - begin < 2
    assert worker.generation == 1


def test_a_cancel_in_the_middle_of_a_large_frame_waits_for_its_end(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a signal handler may do it: between two pieces of one frame."""
    import os

    from ockit.workers import pipe

    worker = start()
    worker.call("echo")
    real, calls = os.write, []

    def write(descriptor: int, data: Any) -> int:
        calls.append(len(data))
        if len(calls) == 2:
            worker.cancel()
        return real(descriptor, data)

    monkeypatch.setattr(pipe.os, "write", write)
    numbers, result = drain(worker.stream("count", to=10**6, every_s=0.01, filler="x" * 500_000))
    assert len(calls) > 3
    assert result["stopped_at"] < 1000
    assert numbers == list(range(result["stopped_at"]))
    assert worker.call("echo", a=1) == {"a": 1}


def test_more_than_a_frame_may_hold_is_refused_before_it_is_sent(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ockit.workers import pipe

    worker = start()
    monkeypatch.setattr(pipe, "MAX_FRAME", 1000)
    with pytest.raises(WorkerError, match="too many"):
        worker.call("echo", text="x" * 1000)
    assert worker.call("echo", a=1) == {"a": 1}
    assert worker.generation == 1


def test_a_frame_is_one_line_of_ascii() -> None:
    data = encode_frame({"a": "line\nline\u2028\x85 🌍", "b": [1, None]})
    assert data.isascii()
    assert data.count(b"\n") == 1
    assert len(data.splitlines()) == 1
