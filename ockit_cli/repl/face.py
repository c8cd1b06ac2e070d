"""Where a chat is shown, as the chat needs it. Knows no terminal: each face does (`ockit.repl.screen`, `.plain`,
`.script`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from ockit.assistant.branch import Turn
from ockit.events import End, Event
from ockit.settings import Settings


class Face(Protocol):
    """Where a chat is shown: the full screen, plain lines, a script's transcript."""

    @property
    def steady(self) -> bool:
        """Whether what is shown must be the same at every run: no times, no ids."""

    def answer(self, events: Iterator[Event], before: str = "") -> End | None:
        """Show a turn as it comes; gives its end. `before` is the answer so far, where it goes on."""

    def earlier(self, turn: Turn) -> None:
        """Show a turn of a chat that goes on."""

    def offer(self, text: str) -> None:
        """Put a text before the person, to be changed and sent."""

    def clear(self) -> None:
        """Empty the screen."""

    def emit(self, sequence: str) -> None:
        """Send a control sequence of ours to the terminal. Raises UsageError where there is none."""

    def restyle(self, settings: Settings) -> None:
        """Take on another theme, other keys."""
