"""Which of its sources an answer names (``[2]``, ``[1, 3]``, ``[2][3]``, ``[1-3]``), and how they are listed below it.

What an answer cites is its own claim: nobody has checked that the passage says so. Code is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ockit.messages import Passage
from ockit.sessions.export import place
from ockit.text import one_line

_CODE = re.compile(r"^(```+|~~~+).*?(?:^\1|\Z)|(`+)(?!`).+?(?<!`)\2(?!`)", re.M | re.S)
_CITED = re.compile(r"\[\s*(\d{1,3}(?:\s*(?:[,;]|[-–])\s*\d{1,3})*)\s*\](?!\()")
_SPAN = re.compile(r"(\d+)(?:\s*[-–]\s*(\d+))?")


def cited(answer: str, n: int) -> tuple[int, ...]:
    """The numbers from 1 to `n` that an answer cites, ascending."""
    found: set[int] = set()
    for match in _CITED.finditer(_CODE.sub(" ", answer)):
        for first, last in _SPAN.findall(match.group(1)):
            found.update(range(int(first), int(last or first) + 1))
    return tuple(number for number in sorted(found) if 1 <= number <= n)


def listed(passages: Sequence[Passage], answer: str) -> list[str]:
    """The lines that stand below an answer: a heading, and its sources by number, a ``*`` before those it cites."""
    if not passages:
        return []
    named = cited(answer, len(passages))
    return [
        "Sources (* cited)" if named else "Sources",
        *(
            f"{'*' if number in named else ' '} {entry(number, passage, passages)}"
            for number, passage in enumerate(passages, 1)
        ),
    ]


def entry(number: int, passage: Passage, among: Sequence[Passage]) -> str:
    """One source as a line: number and place, and its index where they come from several."""
    of = f" · {passage.index}" if len({other.index for other in among}) > 1 and passage.index else ""
    return one_line(f"[{number}] {place(passage)}{of}")
