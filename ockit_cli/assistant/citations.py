"""Which of its sources an answer names: ``[2]``, ``[1, 3]``, ``[2][3]``, ``[1-3]``. Code is not looked at.

What an answer cites is its own claim: nobody has checked that the passage says so.
"""

from __future__ import annotations

import re

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
