"""What was sent, entered one after the other in the chat's other thread. Knows no keys and no screen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ockit.repl.backstage import Backstage
from ockit.repl.live import Live


class Runner:
    """The texts that wait, and the one that runs.

    Attributes:
        busy: whether something runs in the other thread now.
    """

    def __init__(self, live: Live, redraw: Callable[[], None]) -> None:
        self._live = live
        self._redraw = redraw
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._backstage = Backstage()
        self._on = True
        self.busy = False

    def end(self) -> None:
        """What runs is the last."""
        self._on = False

    def put(self, text: str) -> None:
        """Enter a text once everything before it is done."""
        if self._live.running:
            self._live.queued = [*self._live.queued, text]
        self._live.running = True
        self._queue.put_nowait(text)

    def take_back(self) -> list[str]:
        """Everything that waits, which is not entered any more."""
        waiting = []
        while not self._queue.empty():
            waiting.append(self._queue.get_nowait())
        self._live.queued, self._live.running = [], self.busy
        return waiting

    async def run(
        self, begin: Callable[[], None], lead_in: Callable[[str], bool], enter: Callable[[str], bool]
    ) -> None:
        """Run `begin`, then enter what was sent until `enter` says that it was the last.

        Args:
            lead_in: is called in the loop's thread before each text; False passes over it.
            enter: runs in the other thread.

        Raises:
            Exception: whatever `begin` raises.
        """
        await self._behind(begin)
        while self._on:
            text = await self._queue.get()
            self._live.queued = self._live.queued[1:]
            if not lead_in(text):
                self._live.running = not self._queue.empty()
                continue

            def entered(text: str = text) -> None:
                if not enter(text):
                    self._on = False

            await self._behind(entered)

    async def _behind(self, what: Callable[[], None]) -> None:
        self.busy = self._live.running = True
        try:
            await self._backstage.do(what)
        finally:
            self.busy, self._live.running = False, not self._queue.empty()
            self._live.stopping = False
            self._live.rest()
            self._redraw()
