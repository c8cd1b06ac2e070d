"""An answer on its way to the screen: events in; finished blocks, the open end and the figures out.

Runs in the thread that runs the turn. Knows blocks and what goes on at the bottom; draws nothing itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from ockit.assistant.vetting import BUSY
from ockit.console import Console
from ockit.events import End, Event, Notice, Prefill, Token
from ockit.repl.blocks import Block, BlockStream
from ockit.repl.live import Live
from ockit.repl.markdown import MarkdownRenderer
from ockit.repl.refusal import STOPPED, show
from ockit.repl.themes import Theme
from ockit.text import StreamSanitizer, sanitize

FLOW_S = 0.1
"""Finished blocks are gathered for so long before they are printed: a program's lines come in handfuls."""


def stream(
    events: Iterator[Event], console: Console, live: Live, theme: Theme, colour: bool, before: str = ""
) -> End | None:
    """Show a turn; gives its end. Whatever the turn raises is raised once all that came is printed.

    Args:
        before: the answer so far, where it goes on: the block in which it was cut is shown again, and goes on as what
            it is.
    """
    printer = _Printer(console, live, MarkdownRenderer(console.columns, theme, colour))
    printer.skip(before)
    end, begun, count = None, 0.0, 0
    try:
        for event in events:
            if isinstance(event, Token):
                if not begun:
                    begun = time.monotonic()
                    live.do("writing, Ctrl-C stops")
                count += len(event.ids)
                live.used = (live.used or 0) + len(event.ids)
                if count > 8:
                    live.rate = count / max(time.monotonic() - begun, 1e-6)
                printer.add(event.text)
            elif isinstance(event, Prefill):
                done = f"{event.done} of " if 0 < event.done < event.total else ""
                live.do(f"reading {done}{event.total} tokens")
                live.used = event.total
            elif isinstance(event, Notice) and event.kind == BUSY:
                live.do(event.text)
            elif isinstance(event, Notice):
                if event.kind in STOPPED:
                    printer.close()  # what came of the answer is all there will be
                else:
                    printer.print()
                show(console, event)
            elif isinstance(event, End):
                end = event
    finally:
        printer.close()
        live.rest()
    if end is not None and end.timings.decode_s > 0 and end.usage.completion_tokens > 1:
        live.rate = end.usage.completion_tokens / end.timings.decode_s
        live.used = end.usage.prompt_tokens + end.usage.completion_tokens
    return end


def warm(theme: Theme, colour: bool) -> None:
    """Import now what the first block will need."""
    MarkdownRenderer(80, theme, colour).warm()


def whole(text: str, columns: int, theme: Theme, colour: bool) -> str:
    """A finished answer as it would have been printed."""
    blocks = BlockStream()
    found = blocks.feed(sanitize(text)) + blocks.close()
    return MarkdownRenderer(columns, theme, colour).render_all(found)


class _Printer:
    """Prints the blocks of one answer as they are finished."""

    def __init__(self, console: Console, live: Live, renderer: MarkdownRenderer) -> None:
        self._console = console
        self._live = live
        self._renderer = renderer
        self._sanitizer = StreamSanitizer()
        self._blocks = BlockStream()
        self._finished: list[Block] = []
        self._printed_at = 0.0

    def skip(self, text: str) -> None:
        """Text that is on the screen already: only its last block is still open."""
        finished = self._blocks.feed(self._sanitizer.feed(text))
        self._renderer.render_all(finished)
        self._live.tail = self._blocks.tail

    def add(self, text: str) -> None:
        """Take in text of the answer."""
        self._finish(self._blocks.feed(self._sanitizer.feed(text)))
        if not self._finished:
            self._live.tail = self._blocks.tail
        elif time.monotonic() - self._printed_at >= FLOW_S:
            self.print()

    def print(self) -> None:
        """Print what is finished; the tail is what is not."""
        if self._finished:
            self._renderer.columns = self._console.columns
            text = self._renderer.render_all(self._finished)
            self._finished = []
            # the tail first: what is printed must not stand below itself
            self._live.tail = self._blocks.tail
            if text:
                self._console.styled(text)
        self._printed_at = time.monotonic()

    def close(self) -> None:
        """Print the rest."""
        self._finish(self._blocks.feed(self._sanitizer.flush()))
        self._finish(self._blocks.close())
        self.print()
        self._live.tail = ""

    def _finish(self, blocks: Iterable[Block]) -> None:
        self._finished += blocks
