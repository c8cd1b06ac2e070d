"""What goes into a question besides its words: texts under the names they go by, and files as such texts."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ockit.errors import ContextOverflow, UsageError
from ockit.files import explained

LARGEST_INPUT = 16 * 1024 * 1024
"""Bytes of one attachment. No context is that long; more need not be read to know that it does not fit."""

GAP = "\n\n"
"""What stands between the parts of a question."""


@dataclass(frozen=True)
class Document:
    """An attached text and the name it goes by; piped text that is itself the question has none."""

    name: str
    text: str


@dataclass(frozen=True)
class Place:
    """Where an attachment stands in a question's text, its name included: characters `start` to `end` (excluded)."""

    name: str
    start: int
    end: int


@dataclass(frozen=True)
class Piece:
    """A part of a question's text that begins at character `start`; `name` is its attachment's, or empty for the
    person's own words."""

    text: str
    start: int
    name: str = ""


def pieces(text: str, places: Sequence[Place]) -> list[Piece]:
    """A question in its parts: the words first, then every attachment. Parts without a visible character are none."""
    found, words, last = [], [], 0
    for place in places:
        words.append((text[last : place.start], last))
        found.append(Piece(text[place.start : place.end], place.start, place.name))
        last = place.end
    words.append((text[last:], last))
    own = [Piece(part.lstrip(), at + len(part) - len(part.lstrip())) for part, at in words]
    return [piece for piece in (*own, *found) if piece.text.strip()]


@dataclass(frozen=True)
class Question:
    """A prompt with its attachments."""

    prompt: str
    documents: tuple[Document, ...] = ()

    @property
    def text(self) -> str:
        """What the model is told: the attachments under their names, then the prompt."""
        parts = [_laid_out(document) for document in self.documents]
        return GAP.join([*parts, self.prompt] if self.prompt else parts)

    @property
    def places(self) -> tuple[Place, ...]:
        """Where the attachments stand in `text`; piped text that is itself the question is none."""
        found, start = [], 0
        for document in self.documents:
            end = start + len(_laid_out(document))
            if document.name:
                found.append(Place(document.name, start, end))
            start = end + len(GAP)
        return tuple(found)

    @property
    def attached(self) -> int:
        """Characters of all attachments."""
        return sum(len(document.text) for document in self.documents)

    def cut(self, length: int) -> Question:
        """The same question with only the first `length` characters of its attachments."""
        kept = []
        for document in self.documents:
            kept.append(replace(document, text=document.text[:length]))
            length = max(0, length - len(document.text))
        return replace(self, documents=tuple(kept))


def _laid_out(document: Document) -> str:
    text = document.text.strip()
    return f"{document.name}:\n\n{text}" if document.name else text


def read_document(path: Path, cwd: Path, *, truncate: bool = False, regular: bool = False) -> Document:
    """A file as an attachment, under its own name.

    Args:
        path: as the person gave it; relative to `cwd`.
        truncate: take the beginning of a file that is too large, instead of refusing it.
        regular: refuse what is no plain file: a pipe or a device may have nothing to read for ever.

    Raises:
        UsageError: it is no text.
        ContextOverflow: it is larger than any context.
        NotFound: it is not there.
        OckitError: it cannot be read.
    """
    place = cwd / path
    try:
        with open(place, "rb", opener=_at_once if regular else None) as file:
            if regular and not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise UsageError("this is no plain file", where=str(path), hint="attach text files only")
            data = file.read(LARGEST_INPUT + 1) or b""
    except OSError as error:
        raise explained(error, place, "read the file") from error
    return Document(path.name, text_of(data, "the file", str(path), truncate=truncate))


def _at_once(path: str, flags: int) -> int:
    """Open without waiting for anybody who would write."""
    return os.open(path, flags | os.O_NONBLOCK)


def text_of(data: bytes, what: str, where: str, *, truncate: bool = False) -> str:
    """The text of an attachment, of which at most one byte more than `LARGEST_INPUT` was read.

    Raises:
        UsageError: it is no text; the error names the line.
        ContextOverflow: it is larger than any context, and may not be cut.
    """
    return _text(_bounded(data, what, where, truncate=truncate), where)


def _bounded(data: bytes, what: str, where: str, *, truncate: bool) -> bytes:
    """As much as is taken of an attachment. Raises ContextOverflow, unless it may be cut."""
    if len(data) <= LARGEST_INPUT:
        return data
    if not truncate:
        raise ContextOverflow(
            f"{what} is larger than {LARGEST_INPUT // 2**20} MiB, which fits no context",
            where=where if where != what else None,
            hint="attach less, or let --truncate take its beginning",
        )
    data = data[:LARGEST_INPUT]
    while data and data[-1] & 0xC0 == 0x80:  # not in the middle of a character
        data = data[:-1]
    return data[:-1] if data and data[-1] >= 0xC0 else data


def _text(data: bytes, where: str) -> str:
    """Bytes as text. Raises UsageError with the line of the first byte that is none."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"this is not UTF-8 text: byte 0x{data[error.start]:02x} at offset {error.start}",
            where=f"{where}:{line}",
            hint="iconv -f latin1 -t utf-8 turns old text into UTF-8",
        ) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise UsageError(
            "this is not text: it holds a NUL byte", where=f"{where}:{line}", hint="attach text files only"
        )
    return text
