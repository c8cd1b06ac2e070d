"""What changes at the bottom while something runs: the open end of an answer, a line on what is going on, the figures.

The thread that runs a turn writes it, the screen reads it. Knows words and widths, no terminal.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import wcwidth

from ockit.text import one_line, shorten, width

TAIL_LINES = 4
"""Lines of an open block that are shown at most."""

RUNNING = "●"
"""Stands in front of the model's name while something runs."""

DELAY_S = 0.3
"""What is faster than this needs no word."""


@dataclass
class Live:
    """The bottom of the screen.

    Attributes:
        tail: sanitized text of the block that is being written.
        doing: what is going on, or empty.
        mode: what the next input will be, where that is no plain question.
        hint: a word to the person, until `hint_until` (`time.monotonic`).
        used: tokens in the context, None where that is not known; n_ctx: how many it holds.
        rate: tokens a second of the last answer, or of the one that is being written.
        queued: what was typed ahead.
        running: whether something runs.
        stopping: whether the person has asked for its end.
    """

    tail: str = ""
    doing: str = ""
    doing_since: float = 0.0
    mode: str = ""
    hint: str = ""
    hint_until: float = 0.0
    used: int | None = None
    n_ctx: int | None = None
    rate: float | None = None
    queued: list[str] = field(default_factory=list)
    running: bool = False
    stopping: bool = False

    def do(self, what: str) -> None:
        """Say what is going on from now on."""
        if not self.doing:
            self.doing_since = time.monotonic()
        self.doing = what

    def rest(self) -> None:
        """Nothing is going on any more."""
        self.doing, self.tail = "", ""

    def say(self, hint: str, seconds: float = 3.0) -> None:
        """A word to the person that goes away by itself."""
        self.hint, self.hint_until = hint, time.monotonic() + seconds

    def status(self) -> str:
        """What is going on, once that lasts, or a hint."""
        now = time.monotonic()
        if now < self.hint_until:
            return self.hint
        if self.stopping:
            return "stopping"
        return self.doing if self.doing and now - self.doing_since > DELAY_S else self.mode

    def tail_lines(self, columns: int, most: int = TAIL_LINES) -> list[str]:
        """The last lines of the tail, wrapped as they would be printed, at most `most` of them."""
        enough = self.tail[-(columns * (most + 1)) :] if columns > 0 else ""
        lines: list[str] = []
        for line in enough.splitlines()[-most:]:
            lines += _wrapped(line.replace("\t", "    "), columns)
        return lines[-most:]

    def queued_lines(self, columns: int) -> list[str]:
        """What waits to be sent, a line each."""
        shown = [shorten(f"next: {one_line(' '.join(text.split()))}", columns) for text in self.queued[:3]]
        more = len(self.queued) - len(shown)
        return [*shown, f"and {more} more"] if more > 0 else shown


def _wrapped(line: str, columns: int) -> list[str]:
    if width(line) <= columns:
        return [line]
    rows, row, used = [], "", 0
    for grapheme in wcwidth.iter_graphemes(line):
        size = width(grapheme)
        if used + size > columns and row:
            rows.append(row)
            row, used = "", 0
        row += grapheme
        used += size
    return [*rows, row]


def bar(
    live: Live,
    *,
    model: str,
    indexes: Sequence[str] = (),
    title: str | None,
    unsaved: bool,
    columns: int,
) -> list[tuple[str, str]]:
    """The bottom bar as (style, text): model, indexes in use, context, speed, then what is going on or the
    chat's name; as much of it as fits, what comes first being the last to go."""
    parts: list[tuple[str, str]] = []
    if unsaved:
        parts.append(("class:banner", " NOT SAVED "))
    name = shorten(one_line(model), max(4, columns // 2))
    parts.append(("class:bottom-toolbar.model", f"{RUNNING if live.running else ' '}{name} "))
    status = live.status()
    figures = [f"{'?' if live.used is None else live.used}/{live.n_ctx} tokens"] if live.n_ctx else []
    if indexes:
        figures.insert(0, shorten(one_line("+".join(indexes)), max(8, columns // 4)))
    if live.rate:
        figures.append(f"{live.rate:.0f} tok/s")
    said = status or (one_line(title) if title else "")
    left = columns - sum(width(text) for _, text in parts)
    if said and status:  # what happens now is worth more than figures
        while figures and sum(width(text) + 3 for text in figures) + width(said) + 3 > left:
            figures.pop()
    for text in [*figures, *([said] if said else [])]:
        shown = shorten(text, left - 3) if text is said else text
        if left < 6 or width(shown) + 3 > left:
            break
        parts.append(("class:bottom-toolbar.text", f"· {shown} "))
        left -= width(shown) + 3
    return parts
