"""reStructuredText: its text as it stands, with section titles as marks (docutils' specification, "Sections")."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from ockit.documents import Document, Mark
from ockit.index.readers.composing import one_line
from ockit.index.readers.decoding import decode

_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1*[ \t]*$")
_ROLE = re.compile(r":[\w:.+-]+:`([^`<]*?)(?:\s*<[^`>]*>)?`")
_QUOTED = re.compile(r"(``|`|\*\*|\*)(?=\S)(.+?)(?<=\S)\1_{0,2}")


class RstReader:
    """Reads reStructuredText."""

    kinds = ("rst",)

    def read(self, data: bytes, name: str) -> Document:
        """The text with its sections. Nothing is damaged reStructuredText."""
        decoded = decode(data)
        marks = tuple(sections(decoded.text))
        return Document(decoded.text, "rst", marks[0].title if marks else "", marks, notices=decoded.notices)


def sections(text: str) -> Iterator[Mark]:
    """The section titles. Their levels are in the order in which the ways of underlining first appear."""
    styles: list[tuple[str, bool]] = []
    above, before, before_start = "", "", 0  # the line over the title, and the title
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        line = text[start:end]
        here, start = start, end + 1
        if _ADORNMENT.match(line) and before.strip() and not _ADORNMENT.match(before):
            mark, width = line[0], len(line.rstrip())
            over = above[:1] == mark and above.rstrip() == line.rstrip()
            fits = width >= _columns(before.strip()) or (over and width >= 4)
            if fits and (over or (not above.strip() and not before[0].isspace())):
                style = (mark, over)
                if style not in styles:
                    styles.append(style)
                if title := _words(before):
                    yield Mark(before_start, styles.index(style) + 1, title)
                above, before = "", ""
                continue
        above, before, before_start = before, line, here


def _columns(title: str) -> int:
    return len(title) + sum(unicodedata.east_asian_width(character) in "WF" for character in title[:1000])


def _words(title: str) -> str:
    title = _ROLE.sub(r"\1", title[:400])
    return one_line(_QUOTED.sub(r"\2", title))
