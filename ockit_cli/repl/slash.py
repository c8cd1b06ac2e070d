"""What a command inside the chat is: its name, how it is typed, what it says of itself, what it does."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ockit.errors import UsageError
from ockit.repl.mentions import unquoted
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
        turn: whether it asks the model, so that Ctrl-C stops it.
        candidates: what can be completed behind it.
    """

    name: str
    usage: str
    summary: str
    run: Callable[[Talk, str], None]
    aliases: tuple[str, ...] = ()
    turn: bool = False
    candidates: Candidates | None = None

    @property
    def spelling(self) -> str:
        """How it is typed: ``/model [NAME]``."""
        return f"/{self.name} {self.usage}".rstrip()


def number_of(word: str, what: str) -> int:
    """A number that was typed. Raises UsageError."""
    if not word.isdecimal() or len(word) > 9:
        raise UsageError(f"{word[:40]} is no number of {what}", hint="/help NAME says what a command takes")
    return int(word)


def path_of(text: str) -> Path:
    """A path that was typed, with or without quotes; ``~`` is the home."""
    return Path(os.path.expanduser(unquoted(text)))
