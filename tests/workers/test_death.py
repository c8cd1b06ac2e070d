"""A child that dies, hangs or talks nonsense: one error, and the next call starts a new one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from ockit.errors import WorkerError
from ockit.workers.pipe import FrameReader
from ockit.workers.worker import Worker

Start = Callable[..., Worker]


def recovers(worker: Worker, generation: int = 2) -> None:
    assert worker.call("echo", again=True) == {"again": True}
    assert worker.generation == generation


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM, signal.SIGABRT])
def test_killed_in_a_call(number: int, start: Start) -> None:
    worker = start()
    stream = worker.stream("count", to=10**6, every_s=0.01)
    next(stream)
    assert worker.pid is not None
    os.kill(worker.pid, number)
    with pytest.raises(WorkerError, match=signal.Signals(number).name) as caught:
        list(stream)
    assert caught.value.hint
    assert not worker.alive
    recovers(worker)


def test_killed_between_calls(start: Start) -> None:
    worker = start()
    pid = worker.call("pid")
    os.kill(pid, signal.SIGKILL)
    while worker.alive:
        time.sleep(0.01)
    recovers(worker)


def test_killed_while_it_starts(start: Start) -> None:
    worker = start()
    worker.start()
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    with suppress(WorkerError):  # it may be dead already, and then the call starts another
        worker.call("echo")
    recovers(worker)


def test_ended_by_another_thread_while_it_starts(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who types /exit before the first answer does this: the chat's thread starts the child, the screen's ends it."""
    worker = start()
    half_started = threading.Event()

    def reader(descriptor: int) -> FrameReader:
        half_started.set()
        time.sleep(0.2)
        return FrameReader(descriptor)

    monkeypatch.setattr("ockit.workers.worker.FrameReader", reader)
    starting = threading.Thread(target=worker.start)
    starting.start()
    assert half_started.wait(10)
    worker.stop()
    starting.join()
    assert worker.pid is None
    recovers(worker)


@pytest.mark.parametrize(
    ("method", "params", "said"),
    [("exit", {"status": 7}, "status 7.*famous last words"), ("abort", {}, "SIGABRT")],
    ids=["exit", "abort"],
)
def test_it_ends_itself(method: str, params: dict[str, int], said: str, start: Start) -> None:
    worker = start()
    with pytest.raises(WorkerError, match=said):
        worker.call(method, **params)
    recovers(worker)


def test_it_hangs(start: Start) -> None:
    worker = start(stall_seconds=0.5)
    begin = time.monotonic()
    with pytest.raises(WorkerError, match="no sign of life"):
        worker.call("hang")
    assert time.monotonic() - begin < 5
    recovers(worker)


def test_it_is_stopped(start: Start) -> None:
    worker = start(stall_seconds=0.5)
    os.kill(worker.call("pid"), signal.SIGSTOP)
    with pytest.raises(WorkerError, match="no sign of life"):
        worker.call("echo")
    recovers(worker)


def test_it_is_stopped_and_the_question_fills_the_pipe(start: Start) -> None:
    worker = start(stall_seconds=0.5)
    os.kill(worker.call("pid"), signal.SIGSTOP)
    with pytest.raises(WorkerError, match="no sign of life"):
        worker.call("echo", text="x" * 1_000_000)
    recovers(worker)


def test_silent_work_is_no_hang(start: Start) -> None:
    worker = start(stall_seconds=0.5)
    assert worker.call("work", seconds=3.0) == "done"
    assert worker.generation == 1


def test_out_of_memory(start: Start) -> None:
    worker = start(memory_limit=512 << 20)
    with pytest.raises(WorkerError, match="ran out of memory"):
        worker.call("eat")
    recovers(worker)


GARBAGE = {
    "text": b"hello there\n",
    "no object": b"[1, 2, 3]\n",
    "half a frame": b'{"id": 1, "event": ',
    "bytes": bytes(range(256)) * 20 + b"\n",
    "deep": b"[" * 200_000 + b"\n",
    "no number": b'{"result": 1}\n',
    "an odd error": b'{"id": 1, "error": {"type": "SystemExit", "what": "x"}}\n',
    "nothing": b"",
}


@pytest.mark.parametrize("name", GARBAGE)
@pytest.mark.parametrize("ends", [True, False], ids=["and ends", "and stays"])
def test_it_writes_garbage(name: str, ends: bool, start: Start) -> None:
    stay = "" if ends else "import time\ntime.sleep(60)\n"
    source = f"import os, sys\nsys.stdin.buffer.readline()\nos.write(1, {GARBAGE[name]!r})\n{stay}"
    worker = start(source, stall_seconds=0.5)
    with pytest.raises(WorkerError):
        worker.call("echo")
    if name != "an odd error":  # which is a frame
        assert not worker.alive


def test_it_never_ends_a_line(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    from ockit.workers import pipe

    monkeypatch.setattr(pipe, "MAX_FRAME", 1 << 20)
    worker = start("import os\nwhile True:\n    os.write(1, b'x' * 65536)\n", stall_seconds=5.0)
    with pytest.raises(WorkerError, match="more than 1048576 bytes"):
        worker.call("echo")
    assert not worker.alive


def test_it_cannot_be_started(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = start()
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    with pytest.raises(WorkerError, match="cannot be started") as caught:
        worker.call("echo")
    assert caught.value.where == "/nonexistent/python"
    assert not worker.alive


def test_ended_from_another_thread_in_mid_call(start: Start) -> None:
    """As when the command ends while the model still loads."""
    worker = start()
    worker.call("echo")
    caught: list[Exception] = []

    def call() -> None:
        try:
            worker.call("hang")
        except Exception as error:  # noqa: BLE001  # whatever it is, the test looks at it
            caught.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    time.sleep(0.2)
    worker.stop()
    thread.join(timeout=10)
    assert not thread.is_alive()
    assert [type(error) for error in caught] == [WorkerError]


def test_stop_ends_a_child_that_will_not(start: Start) -> None:
    worker = start("import signal, time\nsignal.signal(15, signal.SIG_IGN)\ntime.sleep(3600)\n")
    worker.start()
    pid = worker.pid
    assert pid is not None
    worker.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


PARENT = """
import os, sys, threading, time
from ockit.workers.worker import Worker
worker = Worker("ockit.engines.service:EngineService", os.environ)
if "thread" in sys.argv:
    beside = threading.Thread(target=worker.start)  # it ends at once: the child must not end with it
    beside.start()
    beside.join()
    worker.call("system")
else:
    worker.start()
if "deaf" in sys.argv:
    worker.call("system")
    os.kill(worker.pid, 19)  # stopped, it hears of nothing
print(worker.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("child", ["listening", "deaf", "listening thread", "deaf thread"])
def test_the_parent_is_killed_and_the_child_ends(child: str) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-P", "-c", PARENT, *child.split()], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    time.sleep(0.3)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":  # whoever adopted it has not looked yet
            return
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("the child outlives its parent")
