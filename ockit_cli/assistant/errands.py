"""A thread that runs what it is handed, one thing after the other, for somebody who may stop waiting.

Things that must be opened, used and closed in one and the same thread live there: a database's connection, a child
process (Linux ends one with the thread that has started it). Knows nothing of what it runs.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from ockit.assistant.waiting import Stop

T = TypeVar("T")

_GLANCE_S = 0.02
"""How often who waits looks whether it is to stop."""


class Errand(Generic[T]):
    """One piece of work: done, or on its way."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._done = threading.Event()
        self._result: T
        self._error: BaseException | None = None

    def run(self) -> None:
        """Do it; what it raises is kept for `wait`."""
        try:
            self._result = self._work()
        except BaseException as error:  # noqa: BLE001 - for `wait`, in the thread that can show it
            self._error = error
        self._done.set()

    def wait(self, stop: Stop | None = None) -> T:
        """What the work gives, or the error that it raised.

        Raises:
            InterruptedByUser: `stop` was asked; the work goes on.
        """
        while not self._done.wait(_GLANCE_S):
            if stop is not None:
                stop.check()
        if self._error is not None:
            raise self._error
        return self._result

    def settled(self, seconds: float) -> bool:
        """Whether it is done, at the latest after so many seconds."""
        return self._done.wait(seconds)


class Errands:
    """The thread and what waits for it. It is begun with the first errand and ends with the process at the latest."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._waiting: queue.SimpleQueue[Errand[object] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def do(self, work: Callable[[], T]) -> Errand[T]:
        """Have something done after everything before it."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        errand = Errand(work)
        self._waiting.put(errand)  # type: ignore[arg-type]
        return errand

    def end(self, work: Callable[[], None], seconds: float) -> bool:
        """Do a last thing, if anything was done before it; whether it was done within so many seconds. A thread that
        hangs is left alone."""
        if self._thread is None:
            return True
        last = self.do(work)
        self._waiting.put(None)
        self._thread = None
        return last.settled(seconds)

    def _run(self) -> None:
        while (errand := self._waiting.get()) is not None:
            errand.run()
