"""Starts child processes from a thread that ends with this process and not before it.

Linux ends a child that asked for it (`ockit.workers.limits.die_with_parent`) with the thread that has started it. A
thread of some chat ends long before the process does; the main thread and the one here do not. Knows no child.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")

_Job = tuple[Callable[[], object], "Future[object]"]


class Starter:
    """The thread and what waits for it; begun with the first job."""

    def __init__(self) -> None:
        self._beginning = threading.Lock()
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def do(self, start: Callable[[], T]) -> T:
        """Run it there, or here where this is the main thread, and give what it gives. Raises what it raises."""
        if threading.current_thread() is threading.main_thread():
            return start()  # not there: a Ctrl-C in the wait would leave a child that nobody knows
        with self._beginning:
            if self._thread is None or not self._thread.is_alive():  # after a fork it is not
                self._thread = threading.Thread(target=self._run, name="starter", daemon=True)
                self._thread.start()
        done: Future[T] = Future()
        self._jobs.put((start, done))  # type: ignore[arg-type]
        return done.result()

    def _run(self) -> None:
        while True:
            start, done = self._jobs.get()
            try:
                done.set_result(start())
            except BaseException as error:  # noqa: BLE001 - for whoever waits; this thread must go on
                done.set_exception(error)


STARTER = Starter()
"""The one of this process."""
