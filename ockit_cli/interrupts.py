"""Ctrl-C while something runs: the first time a request, the second time the end. SIGTERM and a terminal that
hangs up are the end at once, in an orderly way: what was under way is saved."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def interruptible(stop: Callable[[], bool]) -> Iterator[None]:
    """Within the block, Ctrl-C calls `stop`. Where that says it could stop nothing, and at the second Ctrl-C,
    KeyboardInterrupt is raised as usual. SIGTERM and SIGHUP, unless they are ignored, raise SystemExit with the exit
    code that a shell gives them."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals
        return
    asked = False

    def handle(signum: int, frame: Any) -> None:
        nonlocal asked
        if asked or not stop():
            raise KeyboardInterrupt
        asked = True

    def end(signum: int, frame: Any) -> None:
        raise SystemExit(128 + signum)

    before: dict[int, Any] = {signal.SIGINT: signal.signal(signal.SIGINT, handle)}
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        if signal.getsignal(number) is signal.SIG_DFL:
            before[number] = signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
