"""Word documents (ECMA-376 part 1, WordprocessingML): paragraphs, headings by style, lists, tables, notes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ockit.index.readers.archive import Archive
from ockit.index.readers.composing import Composer
from ockit.index.readers.flow import Flow
from ockit.index.readers.office_package import core_title, main_member, relationships
from ockit.index.readers.package_reader import PackageReader
from ockit.index.readers.xml_events import xml_events

_HEADING = re.compile(r"heading\s*([1-9])$", re.I)
_TITLES = ("title",)
_REPLACED = frozenset({"Fallback", "del", "moveFrom"})
"""What is there twice (for older programs), or is not any more (tracked changes)."""

_BREAKS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}


@dataclass
class _Paragraph:
    style: str = ""
    outline: int | None = None
    item: bool = False
    settings: bool = (
        False  # inside the element that holds its settings, where `tab` is a stop and no character
    )


class DocxReader(PackageReader):
    """Reads docx files."""

    kinds = ("docx",)

    def write(self, archive: Archive, composer: Composer) -> tuple[str, tuple[str, ...]]:
        """The document's text; its lines are paragraphs."""
        main = main_member(archive, "word/document.xml")
        used = relationships(archive, main).values()
        levels: dict[str, int] = {}
        for relationship in used:
            if relationship.type == "styles" and relationship.target in archive:
                levels = _heading_levels(archive, relationship.target)
        title = _story(archive, main, levels, composer)
        for relationship in used:
            if relationship.type in ("footnotes", "endnotes") and relationship.target in archive:
                composer.gap()
                _story(archive, relationship.target, levels, composer)
        return core_title(archive) or title, ()


def _heading_levels(archive: Archive, member: str) -> dict[str, int]:
    """The level of each style that is a heading, or is based on one."""
    levels: dict[str, int] = {}
    bases: dict[str, str] = {}
    style = ""
    for event in xml_events(archive.pieces(member)):
        if event.what != "start":
            continue
        value = event.attributes.get("val", "")
        if event.name == "style":
            style = event.attributes.get("styleId", "")
        elif event.name == "basedOn":
            bases[style] = value
        elif event.name == "outlineLvl" and value.isdigit() and int(value) < 9:
            levels.setdefault(style, int(value) + 1)
        elif event.name == "name" and (found := _HEADING.match(value)):
            levels[style] = int(found[1])
        elif event.name == "name" and value.lower() in _TITLES:
            levels[style] = 1
    for derived in bases:
        base, steps = derived, 0
        while base not in levels and base in bases and steps < 20:
            base, steps = bases[base], steps + 1
        if base in levels:
            levels.setdefault(derived, levels[base])
    return levels


def _story(  # noqa: PLR0912 - a branch an element
    archive: Archive, member: str, levels: dict[str, int], composer: Composer
) -> str:
    """Write the text of a member; gives its first heading of the first level."""
    flow = Flow(composer)
    paragraphs: list[_Paragraph] = []
    gone = 0
    in_text = False
    title = ""
    for event in xml_events(archive.pieces(member)):
        name = event.name
        if event.what == "text":
            if in_text and not gone:
                flow.add(name)
            continue
        begins = event.what == "start"
        if name in _REPLACED:
            gone += 1 if begins else -1
        elif gone:
            continue
        elif name == "t":
            in_text = begins
        elif name == "p":
            if begins:
                paragraphs.append(_Paragraph())
                flow.begin_paragraph()
            else:
                done = paragraphs.pop()
                level = levels.get(done.style) if done.outline is None else done.outline + 1
                text = flow.end_paragraph(level=level, item=done.item)
                title = title or (text if level == 1 else "")
        elif name == "tr":
            flow.begin_row() if begins else flow.end_row()
        elif name == "tc" and begins:
            flow.begin_cell()
        elif paragraphs and name == "pPr":
            paragraphs[-1].settings = begins
        elif paragraphs and begins:
            _inside(paragraphs[-1], name, event.attributes.get("val", ""), flow)
    return title


def _inside(paragraph: _Paragraph, name: str, value: str, flow: Flow) -> None:
    if not paragraph.settings:
        if name in _BREAKS:
            flow.add(_BREAKS[name])
    elif name == "pStyle":
        paragraph.style = value
    elif name == "outlineLvl" and value.isdigit() and int(value) < 9:
        paragraph.outline = int(value)
    elif name == "numPr":
        paragraph.item = True
