"""A long text without the runs in it that say nothing: rules of ``=``, columns of digits, one letter a thousand times.
They cost the encoder a token a sign, and what else stands in the text would not be read for them.

Knows characters only, and where those that stay stand in the original.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

SHORTEST = 2_000
"""Characters; a shorter text is read in whole, whatever stands in it."""
KEPT = 16
"""Characters of a run that stay at either end: a number or a sign beside words may belong to them."""
MOST_SECTIONS = 16
"""Sections of a text that count by themselves."""
# no letters; or the first ones of one sign: all of them would cost `re` 80 bytes of memory each
_RUN, _REST = (
    re.compile(rf"[\s!-@\[-`{{-~\u2500-\u259f]{{{least},}}|(.)\1{{{least - 1}}}", re.DOTALL)
    for least in (4 * KEPT, 2 * KEPT)
)

Breaks = Sequence[tuple[int, int]]
"""Each with a place in the collapsed text and the characters that were left out before it, rising."""


@dataclass(frozen=True)
class Collapsed:
    """A text without its runs."""

    text: str
    breaks: Breaks


def collapsed(text: str) -> Collapsed:
    """The text with every run of 64 or more signs cut down to its two ends. A run is of blanks, digits and ASCII
    punctuation, or of one sign; signs of other scripts and invisible ones stay, for letters may be written in them."""
    if len(text) < SHORTEST:
        return Collapsed(text, ())
    parts, breaks = [], []
    at = left_out = 0
    for start, end in _runs(_RUN, text):
        stop = start + KEPT
        parts.append(text[at:stop])
        at = end - KEPT
        left_out += at - stop
        breaks.append((at - left_out, left_out))
    return Collapsed("".join((*parts, text[at:])), breaks)


def sections(text: str) -> list[tuple[int, int]]:
    """Start and end of what stands between the rests of runs in a collapsed text: words that a run's ends would drown.
    None where there are more than `MOST_SECTIONS`: such a text is a table."""
    found = []
    at = 0
    for start, end in _runs(_REST, text):
        found.append((at, start + text.startswith((".", "!", "?"), start)))
        at = end
    spans = [(start, end) for start, end in (*found, (at, len(text))) if text[start:end].strip()]
    return spans if found and len(spans) <= MOST_SECTIONS else []


def place(breaks: Breaks, start: int, end: int) -> tuple[int, int]:
    """Start and end in the original of a part of the collapsed text, the runs inside it included."""
    if start >= end:
        return _origin(breaks, start), _origin(breaks, start)
    return _origin(breaks, start), _origin(breaks, end - 1) + 1


def _runs(kind: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each run."""
    at = 0
    while run := kind.search(text, at):
        at = run.end()
        if sign := run[1]:
            other = re.compile(f"[^{re.escape(sign)}]").search(text, at)
            at = other.start() if other else len(text)
        yield run.start(), at


def _origin(breaks: Breaks, at: int) -> int:
    number = bisect_right(breaks, at, key=lambda found: found[0])
    return at + (breaks[number - 1][1] if number else 0)
