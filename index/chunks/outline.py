"""What stands over each place of a document: its headings, and the definitions of source code.

Knows `Mark` and the rules of `definitions`; cuts nothing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from ockit.documents import Document
from ockit.index.chunks.definitions import definitions
from ockit.index.readers.kinds import CODE_KINDS

SEPARATOR = " › "
_LONGEST = 240  # characters of a trail; the outermost titles go first
_LONGEST_TITLE = 100


@dataclass(frozen=True)
class Section:
    """A heading or definition: where it begins and ends in the text, its depth from 0, what it is called."""

    start: int
    end: int
    depth: int
    title: str
    name: str  # of a definition; empty for a heading


@dataclass(frozen=True)
class Outline:
    """The sections of a document, by ascending start. `top` stands over everything: a title."""

    sections: tuple[Section, ...]
    starts: tuple[int, ...]
    parents: tuple[int, ...]
    top: str
    is_code: bool

    @property
    def depths(self) -> dict[int, int]:
        """Depth of the outermost section that begins at an offset, by offset."""
        found: dict[int, int] = {}
        for section in self.sections:
            found.setdefault(section.start, section.depth)
        return found

    def heading(self, start: int, end: int) -> str:
        """The titles over a chunk, outermost first: of what is open at its beginning or begins there."""
        titles: list[str] = []
        number = bisect_right(self.starts, start) - 1
        while number >= 0:
            section = self.sections[number]
            if section.end > start:
                titles.append(section.title)
            number = self.parents[number]
        if self.top:
            titles.append(self.top)
        kept: list[str] = []
        room = _LONGEST
        for title in titles:  # innermost first
            if len(title) > room and kept:
                break
            if not kept or kept[-1] != title:
                kept.append(title)
            room -= len(title)
        return SEPARATOR.join(reversed(kept))

    def defines(self, start: int, end: int) -> str:
        """The names that are defined in a chunk."""
        first, last = bisect_left(self.starts, start), bisect_left(self.starts, end)
        return " ".join(dict.fromkeys(s.name for s in self.sections[first:last] if s.name))


def outline_of(document: Document) -> Outline:
    """The outline of a document, from its marks, and of source code from its lines."""
    is_code = document.kind in CODE_KINDS
    sections = _of_code(document) if is_code and not document.marks else _of_marks(document)
    parents: list[int] = []
    open_: list[int] = []
    for number, section in enumerate(sections):
        while open_ and sections[open_[-1]].end <= section.start:
            open_.pop()
        parents.append(open_[-1] if open_ else -1)
        open_.append(number)
    return Outline(
        tuple(sections), tuple(s.start for s in sections), tuple(parents), _top(document, sections), is_code
    )


def _of_marks(document: Document) -> list[Section]:
    found: list[Section] = []
    ends = [len(document.text)] * len(document.marks)
    depths = [0] * len(document.marks)
    open_: list[int] = []
    for number, mark in enumerate(document.marks):
        while open_ and document.marks[open_[-1]].level >= mark.level:
            ends[open_.pop()] = mark.start
        depths[number] = len(open_)
        open_.append(number)
    for number, mark in enumerate(document.marks):
        title = _short(mark.title, _LONGEST_TITLE)
        name = mark.title if mark.kind == "definition" else ""
        found.append(Section(mark.start, ends[number], depths[number], title, name))
    return found


def _of_code(document: Document) -> list[Section]:
    lines = document.text.split("\n")
    offsets = [0]
    for line in lines:
        offsets.append(offsets[-1] + len(line) + 1)
    return [
        Section(offsets[d.lead], min(offsets[d.end], len(document.text)), d.depth, d.title, d.name)
        for d in definitions(lines, document.kind)
    ]


def _top(document: Document, sections: list[Section]) -> str:
    title = " ".join(document.title.split())
    if not title or (sections and sections[0].title == title):
        return ""
    return _short(title, _LONGEST_TITLE)


def _short(text: str, longest: int) -> str:
    text = " ".join(text[: 2 * longest].split())
    return text if len(text) <= longest else text[: longest - 1] + "…"
