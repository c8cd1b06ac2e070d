"""Styled text broken into lines of a terminal, by the width of graphemes.

Knows spans (text and a style string of rich) and columns; knows no Markdown. What is wider than the line is broken
inside: a word anywhere, wide characters (Chinese, Japanese, emoji) between any two. A wide character is never halved:
in a single column it stands alone and sticks out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby

from ockit.text import width

Span = tuple[str, str]
"""Text, and its style: words as rich knows them, empty for none."""

_PIECES = re.compile(r"\n| +|[^\n ]+")
_TAB = "    "
_NON_JOINER = "\u200c"
# Marks that do not begin a line: they stay with the character in front of them.
_CLOSING = frozenset("、。，．！？：；）」』】》〉〕］｝…—ー々%!?,.:;)]}’”")


def wrap(spans: Iterable[Span], columns: int) -> list[list[Span]]:
    """The lines, none of them wider than `columns` nor ending in a space. A newline in the text ends a line."""
    lines = _Lines(max(1, columns))
    for text, style in spans:
        for piece in _PIECES.findall(text.replace("\t", _TAB)):
            if piece == "\n":
                lines.end()
            elif piece[0] == " ":
                lines.space(piece, style)
            elif piece.isascii():
                lines.narrow(piece, style, len(piece))
            else:
                _spread(lines, piece, style)
    lines.end()
    return lines.done


def _spread(lines: _Lines, piece: str, style: str) -> None:
    """A piece without spaces in which there may be wide characters."""
    import wcwidth

    if width(piece) == len(piece):
        lines.narrow(piece, style, len(piece))
        return
    for grapheme in wcwidth.iter_graphemes(piece):
        columns = width(grapheme)
        if columns > 1 and grapheme not in _CLOSING:
            lines.wide(grapheme, style, columns)
        else:
            lines.narrow(grapheme, style, columns)


class _Lines:
    def __init__(self, columns: int) -> None:
        self._columns = columns
        self.done: list[list[Span]] = []
        self._line: list[Span] = []
        self._used = 0
        self._space: Span = ("", "")  # stands in front of the word, if on the same line
        self._word: list[Span] = []
        self._size = 0
        self._wide = False

    def space(self, text: str, style: str) -> None:
        """Where a line may end."""
        self._put()
        self._space = (self._space[0] + text, style)

    def narrow(self, text: str, style: str, columns: int) -> None:
        """More of a word."""
        if self._wide and text[0] not in _CLOSING:
            self._put()
        self._word.append((text, style))
        self._size += columns

    def wide(self, text: str, style: str, columns: int) -> None:
        """A character that is a word by itself."""
        self._put()
        self.narrow(text, style, columns)
        self._wide = True

    def end(self) -> None:
        """The line ends here."""
        self._put()
        self._break()
        self._space = ("", "")

    def _break(self) -> None:
        self.done.append(self._line)
        self._line, self._used = [], 0

    def _put(self) -> None:
        """Set the word."""
        if not self._word:
            return
        word, size = self._word, self._size
        self._word, self._size, self._wide = [], 0, False
        gap, style = self._space
        self._space = ("", "")
        if self._used + len(gap) + size <= self._columns:
            if gap:
                self._line.append((gap, style))
            self._line += word
            self._used += len(gap) + size
            return
        if self._used:
            self._break()
        if size <= self._columns:
            self._line += word
            self._used = size
        else:
            self._halve(word)

    def _halve(self, word: list[Span]) -> None:
        import wcwidth

        for text, style in word:
            for grapheme in wcwidth.iter_graphemes(text):
                size = width(grapheme)
                if self._used and self._used + size > self._columns:
                    before, its = self._line[-1]
                    self._line[-1] = (before.rstrip(_NON_JOINER), its)  # it parts letters, and they are apart
                    self._break()
                self._line.append((grapheme, style))
                self._used += size


def columns_of(spans: Iterable[Span]) -> int:
    """Columns that a line takes."""
    return sum(width(text) for text, _ in spans)


def paint(spans: Iterable[Span], colour: bool) -> str:
    """The line with its SGR sequences; without `colour` there are none. Colours beyond sixteen are of the 256."""
    if not colour:
        return "".join(text for text, _ in spans)
    out = []
    for style, group in groupby(spans, key=lambda span: span[1]):
        text = "".join(text for text, _ in group)
        start = _start(style)
        out.append(f"{start}{text}\x1b[0m" if start else text)
    return "".join(out)


_STARTS: dict[str, str] = {}


def _start(style: str) -> str:
    """The sequence that starts a style; a later colour in it goes over an earlier one."""
    if style not in _STARTS:
        from rich.color import ColorSystem
        from rich.style import Style

        rendered = (
            Style.parse(style).render("x", color_system=ColorSystem.EIGHT_BIT)
            if style not in ("", "default")
            else ""
        )
        _STARTS[style] = rendered.partition("x")[0]
    return _STARTS[style]
