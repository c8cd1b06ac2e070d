"""Presentations (ECMA-376 part 1, PresentationML): a slide is a page, its title a heading; notes stand below it."""

from __future__ import annotations

from collections.abc import Iterator

from ockit.index.readers.archive import Archive
from ockit.index.readers.composing import Composer, one_line
from ockit.index.readers.office_package import core_title, main_member, relationships
from ockit.index.readers.package_reader import PackageReader
from ockit.index.readers.xml_events import xml_events

_TITLES = frozenset({"title", "ctrTitle"})
_FURNITURE = frozenset({"sldNum", "dt", "ftr", "hdr", "sldImg"})


class PptxReader(PackageReader):
    """Reads pptx files."""

    kinds = ("pptx",)

    def write(self, archive: Archive, composer: Composer) -> tuple[str, tuple[str, ...]]:
        """The slides' text, in the order they are shown."""
        main = main_member(archive, "ppt/presentation.xml")
        parts = relationships(archive, main)
        first_title = ""
        for event in xml_events(archive.pieces(main)):
            if event.what == "start" and event.name == "sldId":
                title = _slide(archive, parts[event.attributes["rel:id"]].target, composer)
                first_title = first_title or title
        return core_title(archive) or first_title, ()


def _slide(archive: Archive, member: str, composer: Composer) -> str:
    """Write one slide; gives its title."""
    shapes = list(_shapes(archive, member))
    title = next((one_line(" ".join(lines)) for role, lines in shapes if role in _TITLES), "")
    composer.page()
    composer.heading(1, title)
    for role, lines in shapes:
        if role not in _TITLES and role not in _FURNITURE:
            _block(lines, composer)
    for relationship in relationships(archive, member).values():
        if relationship.type == "notesSlide" and relationship.target in archive:
            for role, lines in _shapes(archive, relationship.target):
                if role not in _FURNITURE:
                    _block([f"Notes: {lines[0]}", *lines[1:]], composer)
    return title


def _block(lines: list[str], composer: Composer) -> None:
    composer.gap()
    for line in lines:
        composer.text(line)
    composer.gap()


def _shapes(  # noqa: PLR0912 - a branch an element
    archive: Archive, member: str
) -> Iterator[tuple[str, list[str]]]:
    """The shapes of a slide that have words: the kind of placeholder, and the lines."""
    role, lines = "", list[str]()
    words: list[str] = []
    row: list[str] | None = None
    in_text = False
    for event in xml_events(archive.pieces(member)):
        name, begins = event.name, event.what == "start"
        if event.what == "text":
            if in_text:
                words.append(name)
        elif name == "t":
            in_text = begins
        elif name in ("br", "tab") and begins:
            words.append("\n" if name == "br" else "\t")
        elif name == "ph" and begins:
            role = event.attributes.get("type", "body")
        elif name == "tr":
            if begins:
                row = []
            else:
                lines.append(" | ".join(row or []))
                row = None
        elif name == "tc" and begins and row is not None:
            row.append("")
        elif name == "p" and not begins:
            text, words = "".join(words), []
            if row:
                row[-1] = f"{row[-1]} {' '.join(text.split())}".strip()
            elif text.strip():
                lines.append(text.strip())
        elif name in ("sp", "graphicFrame"):
            if not begins and lines:
                yield role, lines
            role, lines = "", []
