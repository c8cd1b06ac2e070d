"""Jupyter notebooks (nbformat 3 and 4): cells in their order, code and prose, outputs as far as they are text.

The lines are those of the JSON file, where a notebook's own lines stand one by one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ockit.documents import Document
from ockit.index.readers.composing import Composer
from ockit.index.readers.decoding import decode
from ockit.index.readers.limits import ReadingLimits
from ockit.index.readers.markdown import headings

_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\],:\n]|[^\s{}\[\],:"]+')
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_MOST_OUTPUT = 10_000
"""Characters of one cell's output that are read: more is a log or a table of data."""

_DEEPEST = 8
_Path = tuple[str | int, ...]


@dataclass
class _Cell:
    kind: str = "code"
    source: list[tuple[str, int]] = field(default_factory=list)
    outputs: list[tuple[str, int]] = field(default_factory=list)


class NotebookReader:
    """Reads ipynb files."""

    kinds = ("notebook",)

    def __init__(self, limits: ReadingLimits) -> None:
        self._limits = limits

    def read(self, data: bytes, name: str) -> Document:
        """The cells, with the lines of the file they stand in.

        Raises:
            ReadingFailed: its text is too long.
            ValueError: it is no JSON, or no notebook.
        """
        decoded = decode(data)
        whole = json.loads(decoded.text)
        if not isinstance(whole, dict) or not ("cells" in whole or "worksheets" in whole):
            raise ValueError("its JSON is no notebook's: there are no cells")
        del whole
        composer = Composer(self._limits.characters)
        cut = 0
        title = ""
        for cell in _cells(decoded.text):
            composer.gap()
            start = composer.length
            text = "".join(piece for piece, _ in cell.source)
            _write(cell.source, composer)
            if cell.kind in ("markdown", "heading"):
                for mark in headings(text + "\n"):
                    composer.mark(mark.level, mark.title, start + mark.start)
                    title = title or (mark.title if mark.level == 1 else "")
            shown, length = [], 0
            for piece, line in cell.outputs:
                length += len(piece)
                if length > _MOST_OUTPUT:
                    cut += 1
                    break
                # the file has a cell's outputs above its source; a passage's lines must ascend
                shown.append(
                    (_ESCAPES.sub("", piece), max(line, cell.source[-1][1] if cell.source else line))
                )
            if shown:
                composer.gap()
                _write(shown, composer)
        notices = (f"long outputs of {cut} cells were cut at {_MOST_OUTPUT} characters",) if cut else ()
        return composer.document("notebook", title=title, numbered=True, notices=(*decoded.notices, *notices))


def _write(pieces: list[tuple[str, int]], composer: Composer) -> None:
    """Write pieces of text, each from one line of the file, that together are lines."""
    words: list[str] = []
    number = 0
    for piece, line in pieces:
        *ended, rest = piece.split("\n")
        for text in ended:
            composer.line("".join(words) + text, number if words else line)
            words.clear()
        if rest:
            number = number if words else line
            words.append(rest)
    if words:
        composer.line("".join(words), number)


def _cells(text: str) -> Iterator[_Cell]:
    """The cells of a notebook that is known to be JSON."""
    cell, current = _Cell(), None
    for path, written, line in _strings(text):
        inner = path[2:] if path[0] == "worksheets" else path  # version 3
        if len(inner) < 3 or inner[0] != "cells":
            continue
        if inner[1] != current:
            if current is not None:
                yield cell
            cell, current = _Cell(), inner[1]
        what = inner[2:]
        if what == ("cell_type",):
            cell.kind = _value(written)
        elif what[0] in ("source", "input"):
            cell.source.append((_value(written), line))
        elif what[0] == "outputs" and _is_text(what[2:]):
            value = _value(written)
            cell.outputs.append((f"{value}\n" if what[-1] == "evalue" else value, line))
    if current is not None:
        yield cell


def _is_text(place: _Path) -> bool:
    if place[:1] == ("data",):
        return place[1:2] == ("text/plain",)
    return place[:1] in (("text",), ("evalue",))


def _value(written: str) -> str:
    value: str = json.loads(written, strict=False)
    return value


def _strings(text: str) -> Iterator[tuple[_Path, str, int]]:
    """The strings that are values: the keys and indexes that lead there, the string as written, its line."""
    path: list[str | int] = []
    in_list: list[bool] = []
    key_next = False
    line = 1
    for found in _TOKEN.finditer(text):
        written = found[0]
        if written == "\n":
            line += 1
        elif written in ("{", "["):
            in_list.append(written == "[")
            path.append(0 if written == "[" else "")
            key_next = written == "{"
        elif written in ("}", "]"):
            in_list.pop()
            path.pop()
            key_next = False
        elif written == ",":
            last = path[-1]
            if isinstance(last, int):
                path[-1] = last + 1
            key_next = not in_list[-1]
        elif written == ":":
            key_next = False
        elif written[0] == '"':
            if key_next:
                path[-1] = _value(written) if len(written) < 100 else written
            elif len(path) <= _DEEPEST:
                yield tuple(path), written, line
