"""A limit on how long a judge may take: first it is asked to stop, then its process is ended."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

from ockit.errors import OckitError
from ockit.moderation.judges.judge import JudgeTimeout

GRACE = 1.0
"""Seconds from the request to stop to the end of a process that does not listen."""


class TimeLimit:
    """``with TimeLimit(...)``: what is called in it, by the same thread, ends after so many seconds.

    Args:
        seconds: the limit.
        cancel: asks the running call to stop, from another thread.
        kill: ends what does not stop.
        name: the judge, for the error.

    Raises:
        JudgeTimeout: on leaving, in place of the error that the end of the call caused.
    """

    def __init__(
        self, seconds: float, cancel: Callable[[], None], kill: Callable[[], None], name: str
    ) -> None:
        self._seconds = seconds
        self._cancel = cancel
        self._kill = kill
        self._name = name
        self._over = threading.Event()
        self._passed = threading.Event()
        self._watch = threading.Thread(target=self._wait, daemon=True)

    def __enter__(self) -> TimeLimit:
        self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._watch.join()  # a late request to stop must not meet the next call
        if isinstance(error, OckitError) and self._passed.is_set():
            raise JudgeTimeout(
                f"{self._name} took longer than {self._seconds:g} seconds and was stopped",
                hint=f"give it more: seconds = {self._seconds * 4:g} in moderation.toml; or use a smaller model",
            ) from error

    def _wait(self) -> None:
        if self._over.wait(self._seconds):
            return
        self._passed.set()
        self._cancel()
        if not self._over.wait(GRACE):
            self._kill()
