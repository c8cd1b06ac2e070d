"""Ctrl-C while something runs: the first time a request, the second time the end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def interruptible(stop: Callable[[], bool]) -> Iterator[None]:
    """Within the block, Ctrl-C calls `stop`. Where that says it could stop nothing, and at the second Ctrl-C,
    KeyboardInterrupt is raised as usual."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals
        return
    asked = False

    def handle(signum: int, frame: Any) -> None:
        nonlocal asked
        if asked or not stop():
            raise KeyboardInterrupt
        asked = True

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
