"""What one line of Markdown starts: a cursor that counts columns, and the recognisers of CommonMark's blocks.

Knows single lines and the rules of CommonMark 0.31 and of GitHub's tables; knows no block that is open and no
screen. Two things are ours: mathematics between ``$$`` or ``\\[`` lines is a block, and reference definitions are
none (they stay in the text).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

INDENTED = 4  # columns of indentation that make code of a line
_TAB = 4

_HEADING = re.compile(r"(#{1,6})(?:[ \t]+|$)")
_HEADING_END = re.compile(r"(?:^|[ \t]+)#+[ \t]*$")
_UNDERLINE = re.compile(r"(=+|-+)[ \t]*$")
_RULE = re.compile(r"(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
_FENCE = re.compile(r"(`{3,})([^`]*)$|(~{3,})(.*)$")
_FENCE_END = re.compile(r"(`{3,}|~{3,})[ \t]*$")
_BULLET = re.compile(r"([*+-])(?=[ \t]|$)")
_NUMBER = re.compile(r"([0-9]{1,9})([.)])(?=[ \t]|$)")
_DELIMITERS = re.compile(r"(?!-[ \t])\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_PIPE = re.compile(r"(?<!\\)\|")
_MATH = {"$$": "$$", "\\[": "\\]"}


class Cursor:
    """A place in a line, in characters and in columns: a tab reaches to the next multiple of four."""

    def __init__(self, line: str) -> None:
        self._line = line
        self._at = 0
        self._column = 0
        self._spare = 0  # columns of a tab that is half consumed

    @property
    def indent(self) -> int:
        """Columns of blank space from here on."""
        at, column = self._at, self._column + self._spare
        while at < len(self._line) and self._line[at] in " \t":
            column += 1 if self._line[at] == " " else _TAB - column % _TAB
            at += 1
        return column - self._column

    @property
    def text(self) -> str:
        """What follows the blank space."""
        return self._line[self._at :].lstrip(" \t")

    @property
    def rest(self) -> str:
        """What follows, its blank space included."""
        return " " * self._spare + self._line[self._at :]

    @property
    def blank(self) -> bool:
        """Whether nothing but blank space follows."""
        return not self.text

    def skip_indent(self, columns: int) -> None:
        """Go on by blank space, `columns` at most."""
        while columns > 0 and (self._spare or self._line[self._at : self._at + 1] in (" ", "\t")):
            if not self._spare:
                self._spare = 1 if self._line[self._at] == " " else _TAB - self._column % _TAB
                self._at += 1
            step = min(columns, self._spare)
            self._spare -= step
            self._column += step
            columns -= step

    def skip(self, characters: int) -> None:
        """Go on by the blank space and as many characters behind it."""
        self.skip_indent(len(self._line) * _TAB)
        self._at += characters
        self._column += characters


@dataclass(frozen=True)
class Marker:
    """The mark in front of a list's item: ``-``, ``*``, ``+`` or a number with ``.`` or ``)``."""

    text: str
    number: int | None

    @property
    def may_interrupt(self) -> bool:
        """Whether it makes an item of a line in the middle of a paragraph."""
        return self.number in (None, 1)


@dataclass(frozen=True)
class Fence:
    """The line that opens code: its marks, what is written behind them, and how far it is indented."""

    marks: str
    info: str
    indent: int

    def closed_by(self, cursor: Cursor) -> bool:
        """Whether the line at the cursor ends the code."""
        end = _FENCE_END.match(cursor.text) if cursor.indent < INDENTED else None
        return end is not None and end[1].startswith(self.marks)


def heading(text: str) -> tuple[int, str] | None:
    """Level and content of a heading that starts with ``#``."""
    found = _HEADING.match(text)
    return (len(found[1]), _HEADING_END.sub("", text[found.end() :]).strip()) if found else None


def underline(text: str) -> int | None:
    """The level of the heading that this line makes of the paragraph above it."""
    found = _UNDERLINE.match(text)
    return (1 if found[1][0] == "=" else 2) if found else None


def rule(text: str) -> bool:
    """Whether the line is a thematic break."""
    return _RULE.match(text) is not None


def fence(cursor: Cursor) -> Fence | None:
    """The fence that opens code at the cursor."""
    found = _FENCE.match(cursor.text)
    return Fence(found[1] or found[3], (found[2] or found[4] or "").strip(), cursor.indent) if found else None


def marker(text: str) -> Marker | None:
    """The marker of a list's item that the line starts with."""
    if bullet := _BULLET.match(text):
        return Marker(bullet[1], None)
    number = _NUMBER.match(text)
    return Marker(number[0], int(number[1])) if number else None


@cache
def _html_sequences() -> list[tuple[re.Pattern[str], re.Pattern[str], bool]]:
    from markdown_it.rules_block.html_block import HTML_SEQUENCES

    return HTML_SEQUENCES


def html(text: str, *, interrupts: bool) -> re.Pattern[str] | None:
    """What ends the HTML that starts here; `interrupts` where it stands in the middle of a paragraph."""
    if not text.startswith("<"):
        return None
    for start, end, may_interrupt in _html_sequences():
        if start.search(text):
            return end if may_interrupt or not interrupts else None
    return None


def mathematics(text: str) -> re.Pattern[str] | None:
    """What ends the block of mathematics that starts here: its closing mark, or a blank line."""
    for opening, closing in _MATH.items():
        if text.startswith(opening):
            before, closed, behind = text[len(opening) :].partition(closing)
            if closed and (behind.strip(" \t.,;") or not before.strip()):
                return None
            return re.compile(rf"{re.escape(closing)}|^$")
    return None


def delimiters(text: str) -> int:
    """How many columns the delimiter row of a table has; 0 where the line is none."""
    return len(cells(text)) if _DELIMITERS.match(text) else 0


def cells(row: str) -> list[str]:
    """The cells of a table's row, as written but for the escape of ``|``."""
    found = _PIPE.split(row.strip())
    if found and not found[0].strip():
        del found[0]
    if found and not found[-1].strip():
        del found[-1]
    return [cell.strip().replace("\\|", "|") for cell in found]
