"""What a command inside the chat is: its name, how it is typed, what it says of itself, what it does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ockit.repl.talk import Talk

Candidates = Callable[[Talk], Iterable[tuple[str, str]]]
"""What may stand behind a command: (text, what it is), for the completion."""


@dataclass(frozen=True)
class Slash:
    """One command.

    Attributes:
        name: without the slash.
        usage: what may stand behind it, ``[NAME]``.
        summary: one line for the help.
        run: is called with what stands behind the name, white space around it taken off.
        aliases: other names, without the slash.
        candidates: what can be completed behind it.
    """

    name: str
    usage: str
    summary: str
    run: Callable[[Talk, str], None]
    aliases: tuple[str, ...] = ()
    candidates: Candidates | None = None

    @property
    def spelling(self) -> str:
        """How it is typed: ``/model [NAME]``."""
        return f"/{self.name} {self.usage}".rstrip()
