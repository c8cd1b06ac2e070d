"""OpenDocument texts (OASIS OpenDocument 1.3, part 3): paragraphs, headings, lists, tables."""

from __future__ import annotations

from ockit.index.readers.archive import Archive
from ockit.index.readers.composing import Composer
from ockit.index.readers.flow import Flow
from ockit.index.readers.office_package import element_text
from ockit.index.readers.package_reader import PackageReader
from ockit.index.readers.reading import ReadingFailed
from ockit.index.readers.xml_events import XmlEvent, xml_events

_LEFT_OUT = frozenset({"annotation", "tracked-changes", "table-of-content", "forms", "note-citation"})
_MOST_BLANKS = 1000


class OdtReader(PackageReader):
    """Reads odt files."""

    kinds = ("odt",)

    def write(self, archive: Archive, composer: Composer) -> tuple[str, tuple[str, ...]]:
        """The document's text; its lines are paragraphs."""
        if "META-INF/manifest.xml" in archive:
            for event in xml_events(archive.pieces("META-INF/manifest.xml")):
                if event.name == "encryption-data":
                    raise ReadingFailed("encrypted", "it has a password")
        title = _body(archive, composer)
        return element_text(archive, "meta.xml", "title") or title, ()


def _body(archive: Archive, composer: Composer) -> str:
    """Write the text; gives its first heading of the first level."""
    flow = Flow(composer)
    levels: list[int | None] = []  # of the open paragraphs: a heading's, or None
    left_out = lists = 0
    in_body = False
    title = ""
    for event in xml_events(archive.pieces("content.xml")):
        name, begins = event.name, event.what == "start"
        if event.what == "text":
            if in_body and not left_out:
                flow.add(" ".join(name.split("\n")))
        elif name == "body":
            in_body = begins
        elif name in _LEFT_OUT:
            left_out += 1 if begins else -1
        elif left_out or not in_body:
            continue
        elif name in ("p", "h"):
            if begins:
                flow.begin_paragraph()
                levels.append(_level(event) if name == "h" else None)
            else:
                level = levels.pop()
                text = flow.end_paragraph(level=level, item=lists > 0)
                title = title or (text if level == 1 else "")
        elif name == "list":
            lists += 1 if begins else -1
        elif name == "table-row":
            flow.begin_row() if begins else flow.end_row()
        elif begins:
            _inside(event, flow)
    return title


def _level(event: XmlEvent) -> int:
    value = event.attributes.get("outline-level", "1")
    return int(value) if value.isdigit() and len(value) < 3 else 1


def _inside(event: XmlEvent, flow: Flow) -> None:
    if event.name == "table-cell":
        flow.begin_cell()
    elif event.name == "tab":
        flow.add("\t")
    elif event.name == "line-break":
        flow.add("\n")
    elif event.name == "s":
        count = event.attributes.get("c", "1")
        flow.add(" " * min(_MOST_BLANKS, int(count) if count.isdigit() and len(count) < 9 else 1))
