"""The chat's other thread: runs one thing after the other, and is left alone where it does not end.

A pool of Python's own would be waited for when the process ends, also for a file that never can be read.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable


class Backstage:
    """A thread that runs what it is handed, in order."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[tuple[Callable[[], None], asyncio.Future[None]]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="chat", daemon=True)

    async def do(self, what: Callable[[], None]) -> None:
        """Run something there, and wait for its end. Raises whatever it raises."""
        if not self._thread.is_alive():
            self._thread.start()
        done = asyncio.get_running_loop().create_future()
        self._work.put((what, done))
        await done

    def _run(self) -> None:
        while True:
            what, done = self._work.get()
            error: BaseException | None = None
            try:
                what()
            except BaseException as raised:  # noqa: BLE001 - it is raised where it is waited for
                error = raised
            loop = done.get_loop()
            if loop.is_closed():  # nobody waits any more
                return
            loop.call_soon_threadsafe(_settle, done, error)


def _settle(done: asyncio.Future[None], error: BaseException | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
