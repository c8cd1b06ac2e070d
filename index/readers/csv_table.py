"""CSV and TSV: the lines of the file as they stand, under a heading that names the columns (RFC 4180)."""

from __future__ import annotations

import csv
from io import StringIO

from ockit.documents import Document, Mark
from ockit.index.readers.columns import header_title
from ockit.index.readers.composing import one_line
from ockit.index.readers.decoding import decode

_DELIMITERS = ",;\t|"
_HEAD = 1 << 16


class TableReader:
    """Reads tables whose rows are lines.

    Args:
        kind: ``csv`` or ``tsv``.
    """

    kinds = ("csv", "tsv")

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def read(self, data: bytes, name: str) -> Document:
        """The text; rows that quotes spread over lines stay so. Nothing is a damaged table."""
        decoded = decode(data)
        title = header_title(_first_row(decoded.text[:_HEAD], self._kind))
        marks = (Mark(0, 1, one_line(title)),) if title else ()
        return Document(decoded.text, self._kind, marks=marks, notices=decoded.notices)


def _first_row(head: str, kind: str) -> list[str]:
    line = head.partition("\n")[0]
    delimiter = "\t" if kind == "tsv" else max(_DELIMITERS, key=line.count)
    try:
        return next(csv.reader(StringIO(head, newline=""), delimiter=delimiter), [])
    except csv.Error:  # a cell longer than the module reads: no header
        return []
