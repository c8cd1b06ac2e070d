"""Workbooks (ECMA-376 part 1, SpreadsheetML): a sheet is a heading, a row a line, its cells as a person sees them.

The XML is read as a stream, which costs a tenth of what a library costs that makes objects of cells; formulas appear
with their last results, and a date is told from a number by its format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ockit.index.readers.archive import Archive
from ockit.index.readers.cell_values import DateStyles, number_text
from ockit.index.readers.columns import header_title
from ockit.index.readers.composing import Composer
from ockit.index.readers.office_package import core_title, main_member, relationships
from ockit.index.readers.package_reader import PackageReader
from ockit.index.readers.xml_events import xml_events

_COLUMN = re.compile(r"([A-Z]{1,3})\d")
_WIDEST_GAP = 100
"""Empty cells between two others that are shown; a row may have its cells 16,000 columns apart."""


class XlsxReader(PackageReader):
    """Reads xlsx files."""

    kinds = ("xlsx",)

    def write(self, archive: Archive, composer: Composer) -> tuple[str, tuple[str, ...]]:
        """The sheets' rows, cells parted by bars."""
        main = main_member(archive, "xl/workbook.xml")
        parts = relationships(archive, main)
        by_type = {part.type: part.target for part in parts.values() if part.target in archive}
        strings = _shared_strings(archive, by_type.get("sharedStrings"))
        styles = DateStyles.read(archive, by_type.get("styles"))
        sheets: list[tuple[str, str]] = []
        for event in xml_events(archive.pieces(main)):
            if event.what == "start" and event.name == "sheet":
                part = parts[event.attributes["rel:id"]]
                if part.type == "worksheet":  # the others are charts
                    sheets.append((event.attributes.get("name", ""), part.target))
            elif event.what == "start" and event.name == "workbookPr":
                styles.since_1904 = event.attributes.get("date1904") in ("1", "true")
        for title, member in sheets:
            _sheet(_rows(archive, member, strings, styles, composer), title, composer)
        return core_title(archive), ()


def _sheet(rows: Iterator[list[str]], title: str, composer: Composer) -> None:
    composer.heading(1, title)
    first = True
    for row in rows:
        if first:
            composer.mark(2, header_title(row))
            first = False
        composer.line(" | ".join(" ".join(cell.split()) for cell in row))
    composer.gap()


def _shared_strings(archive: Archive, member: str | None) -> list[str]:
    strings: list[str] = []
    words: list[str] = []
    in_text = phonetic = False
    if member is None:
        return strings
    for event in xml_events(archive.pieces(member)):
        if event.what == "text":
            if in_text and not phonetic:
                words.append(event.name)
        elif event.name == "t":
            in_text = event.what == "start"
        elif event.name == "rPh":
            phonetic = event.what == "start"
        elif event.name == "si" and event.what == "end":
            strings.append("".join(words))
            words.clear()
    return strings


def _rows(
    archive: Archive, member: str, strings: list[str], styles: DateStyles, composer: Composer
) -> Iterator[list[str]]:
    """The rows that have anything in them."""
    row: list[str] = []
    length = 0
    kind = style = ""
    value: list[str] = []
    wanted = False
    column = 0
    for event in xml_events(archive.pieces(member)):
        name, begins = event.name, event.what == "start"
        if event.what == "text":
            if wanted:
                value.append(name)
        elif name in ("v", "t"):
            wanted = begins
        elif name == "c":
            if begins:
                kind, style = event.attributes.get("t", "n"), event.attributes.get("s", "0")
                column = _column(event.attributes.get("r", ""), len(row))
                value.clear()
            elif value:
                text = _cell(kind, style, "".join(value), strings, styles)
                gap = min(max(0, column - len(row)), _WIDEST_GAP)
                row += [""] * gap
                row.append(text)
                length += len(text) + gap + 3
                composer.fits(length)  # one long string may stand in every cell
        elif name == "row" and not begins:
            if any(row):
                yield row
            row, length = [], 0
        elif name == "sheetData" and not begins:
            return  # what follows is about printing


def _column(reference: str, otherwise: int) -> int:
    """The column of ``AB12``, from 0."""
    found = _COLUMN.match(reference)
    if found is None:
        return otherwise
    number = 0
    for letter in found[1]:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _cell(kind: str, style: str, value: str, strings: list[str], styles: DateStyles) -> str:
    if kind == "s":
        return strings[int(value)]
    if kind == "b":
        return "TRUE" if value == "1" else "FALSE"
    if kind == "n":
        return styles.date_text(style, value) or number_text(value)
    return value
