"""Which of its sources an answer names (``[2]``, ``[1, 3]``, ``[2][3]``, ``[1-3]``), and how they are listed below it.

What an answer cites is its own claim: nobody has checked that the passage says so. Code is not looked at.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

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


def listed(passages: Sequence[Passage], answer: str, cwd: Path | None = None) -> list[str]:
    """The lines that stand below an answer: a heading, and its sources by number, a ``*`` before those it cites.

    Args:
        cwd: where one stands, so that paths are those that can be opened from there; None: below the indexed folder.
    """
    if not passages:
        return []
    named = cited(answer, len(passages))
    return [
        "Sources (* cited)" if named else "Sources",
        *(
            f"{'*' if number in named else ' '} {entry(number, passage, passages, cwd)}"
            for number, passage in enumerate(passages, 1)
        ),
    ]


def entry(number: int, passage: Passage, among: Sequence[Passage], cwd: Path | None = None) -> str:
    """One source as a line: number and place, and its index where they come from several; `cwd` as in `listed`."""
    of = f" · {passage.index}" if len({other.index for other in among}) > 1 and passage.index else ""
    shown = passage if cwd is None else replace(passage, path=opened_path(passage, cwd))
    return one_line(f"[{number}] {place(shown)}{of}")


def opened_path(passage: Passage, cwd: Path) -> str:
    """The path of a passage's file as it is opened from `cwd`: relative where it lies below, else absolute; an address
    as it is."""
    if not passage.file or "://" in passage.file:
        return passage.file or passage.path
    below = os.path.relpath(passage.file, cwd)
    return passage.file if below.split(os.sep)[0] == os.pardir else below
