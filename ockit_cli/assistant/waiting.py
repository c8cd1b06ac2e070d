"""Work that somebody waits for, and may stop waiting for: it goes on in its own thread, one after the other.

Loading a model cannot be broken off, and need not be: the next turn wants it too. Knows no model.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from ockit.errors import InterruptedByUser

T = TypeVar("T")

_GLANCE_S = 0.02
"""How often a waiting turn looks whether it is to stop. An event would be faster, but setting one in a signal handler
may wait for the very thread that the signal came to."""


class Stop:
    """Whether the running turn is to end. `ask` may come from any thread or a signal handler.

    Attributes:
        asked: somebody wants the running turn to end.
        hard: ... at any price.
    """

    def __init__(self) -> None:
        self._armed = self.running = False
        self.asked = self.hard = False

    def arm(self) -> None:
        """A turn comes: what is asked from now on means it."""
        self.asked = self.hard = False
        self._armed = True

    def begin(self) -> None:
        """The turn is here."""
        if not self._armed:
            self.asked = self.hard = False
        self.running = True
        self._armed = False

    def end(self) -> None:
        """The turn is over."""
        self.running = False

    def ask(self, *, hard: bool = False) -> bool:
        """Stop the turn; whether there is one."""
        if not (self.running or self._armed):
            return False
        self.hard |= hard
        self.asked = True
        return True

    def check(self) -> None:
        """Raise InterruptedByUser where the turn is to end."""
        if self.asked:
            raise stopped()


def stopped() -> InterruptedByUser:
    """What a turn ends with that was stopped before a word of it came."""
    return InterruptedByUser("stopped before the answer began", hint="/regen answers the question after all")


class Job(Generic[T]):
    """One piece of work in a thread of its own, begun when the job before it is done.

    Args:
        work: what to do.
        after: the job that must be over first, however it ended.
    """

    def __init__(self, work: Callable[[], T], after: Job[object] | None = None) -> None:
        self._work = work
        self._after = after
        self._result: T
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        """Whether it is done."""
        return not self._thread.is_alive()

    def wait(self, stop: Stop | None = None) -> T:
        """What the work gives, or the error that it raised.

        Raises:
            InterruptedByUser: `stop` was asked; the work goes on.
        """
        while self._thread.is_alive():
            self._thread.join(_GLANCE_S)
            if stop is not None:
                stop.check()
        if self._error is not None:
            raise self._error
        return self._result

    def settle(self, seconds: float) -> None:
        """Wait for the work to be over, but not for long."""
        self._thread.join(seconds)

    def _run(self) -> None:
        if self._after is not None:
            self._after._thread.join()
            self._after = None
        try:
            self._result = self._work()
        except BaseException as error:  # noqa: BLE001 - for `wait`, in the thread that can show it
            self._error = error
