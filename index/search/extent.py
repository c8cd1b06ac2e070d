"""How much of a document a hit shows: its chunk, grown on both sides to what a reader takes in at a glance.

Knows text and offsets; no score, no store. Code is measured in lines, prose in characters. Prose grows by whole lines
and sentences: filling the room that is left with half sentences finds 1.3 points more of what is asked, and reads ill.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable

LINES = 25  # of code
CODE_CHARACTERS = 2_000  # of code with long lines
CHARACTERS = 800  # of prose

_LONG_LINE = 240  # characters; what is shorter is shown whole
_SENTENCE_END = re.compile(r"(?<=[.!?。！？])[\"'”’)\]]*\s+")


def code_extent(
    text: str, start: int, end: int, low: int, high: int, matches: Callable[[str], float]
) -> tuple[int, int]:
    """Where a hit in source code begins and ends.

    Args:
        text: what `low` and the others are offsets in.
        start, end: the hit.
        low, high: what it may grow to.
        matches: how much a line has of the question; of a hit that is too large the best lines are kept.
    """
    start = max(low, _line_start(text, start))
    lines = _line_spans(text, low, high)
    inside = [number for number, (a, b) in enumerate(lines) if b > start and a < end and text[a:b].strip()]
    if not inside:
        return start, min(end, start + CODE_CHARACTERS)
    first, last = inside[0], inside[-1]
    if last - first >= LINES:
        first, last = _best_lines(text, lines, first, last, matches)
    while lines[last][1] - lines[first][0] > CODE_CHARACTERS and last > first:
        last -= 1
    if lines[last][1] - lines[first][0] > CODE_CHARACTERS:  # one endless line
        return prose_extent(text, max(start, lines[first][0]), min(end, lines[first][1]), *lines[first])
    up = down = True
    while (up or down) and last - first + 1 < LINES:
        if up:
            up = first > 0 and lines[last][1] - lines[first - 1][0] <= CODE_CHARACTERS
            first -= up
        if down and last - first + 1 < LINES:
            down = last + 1 < len(lines) and lines[last + 1][1] - lines[first][0] <= CODE_CHARACTERS
            last += down
    return lines[first][0], lines[last][1]


def prose_extent(text: str, start: int, end: int, low: int, high: int) -> tuple[int, int]:
    """Where a hit in prose begins and ends; as in `code_extent`. It grows by lines, in long lines by sentences, one
    side after the other, while there is room."""
    end = min(end, start + CHARACTERS)
    borders = _borders(text, max(low, start - CHARACTERS), min(high, end + CHARACTERS))
    at = bisect_right(borders, start) - 1
    if end - borders[at] > CHARACTERS and borders[at + 1] < end:
        at += 1  # no room for the whole of its first line: it begins with the next
    first = start if end - borders[at] > CHARACTERS else borders[at]
    last = bisect_left(borders, end)
    if borders[last] - first > CHARACTERS and borders[last - 1] > first:
        last -= 1
    stop = end if borders[last] - first > CHARACTERS else borders[last]
    up = down = True
    while up or down:
        up = at > 0 and stop - borders[at - 1] <= CHARACTERS
        if up:
            at -= 1
            first = borders[at]
        down = last + 1 < len(borders) and borders[last + 1] - first <= CHARACTERS
        if down:
            last += 1
            stop = borders[last]
    return first, stop


def _borders(text: str, low: int, high: int) -> list[int]:
    """Offsets at which a passage may begin or end: `low`, `high`, and between them the ends of lines; in a line so long
    that it is none to an eye, those of sentences too."""
    found = [low]
    for start, end in _line_spans(text, low, high):
        if end - start > _LONG_LINE:
            found += [
                match.end() for match in _SENTENCE_END.finditer(text, start, end) if start < match.end() < end
            ]
        found.append(end)
    return found


def _best_lines(
    text: str, lines: list[tuple[int, int]], first: int, last: int, matches: Callable[[str], float]
) -> tuple[int, int]:
    """The `LINES` lines, of those from `first` to `last`, that have most of the question; of equals the first."""
    worth = [matches(text[a:b]) for a, b in lines[first : last + 1]]
    total = best = sum(worth[:LINES])
    at = 0
    for number in range(1, len(worth) - LINES + 1):
        total += worth[number + LINES - 1] - worth[number - 1]
        if total > best + 1e-9:
            best, at = total, number
    return first + at, first + at + LINES - 1


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _line_spans(text: str, low: int, high: int) -> list[tuple[int, int]]:
    found = []
    while low < high:
        end = text.find("\n", low, high) + 1 or high
        found.append((low, end))
        low = end
    return found
