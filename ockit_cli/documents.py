"""The nouns of reading documents: what a reader gives, and the pieces that are searched. Frozen, standard library only.

Knows no file format, no database and no model.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Mark:
    """A heading, or a definition in source code, from which on a text is about something.

    Attributes:
        start: offset of the first character of its line in `Document.text`.
        level: depth, from 1; a mark ends those before it of its own and of deeper levels.
        title: what it says or defines, as one line.
        kind: a heading, or a definition (class, function ...).
    """

    start: int
    level: int
    title: str
    kind: Literal["heading", "definition"] = "heading"


@dataclass(frozen=True)
class Document:
    """A file as text that can be cited.

    Attributes:
        text: the text; its lines end with ``\\n``.
        kind: what it is, in one word: ``text``, ``markdown``, ``python``, ``html``, ``pdf``, ``docx`` ...
        title: what the document calls itself, or nothing.
        marks: headings, by ascending `Mark.start`.
        line_numbers: where the lines of `text` are not those of the file (HTML, notebooks): for each line of `text` the
            line of the file it comes from, from 1. None: they are the same.
        has_lines: whether an editor shows those line numbers; false for PDF, docx and the like, where they count the
            lines of `text`.
        page_starts: for each page or slide, from page 1, the offset of its first character in `text`.
        notices: what the reader had to leave out, in sentences.
    """

    text: str
    kind: str
    title: str = ""
    marks: tuple[Mark, ...] = ()
    line_numbers: tuple[int, ...] | None = None
    has_lines: bool = True
    page_starts: tuple[int, ...] = ()
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chunk:
    """A piece of a document that is embedded and found as one. The chunks of a document tile its text: each begins
    where the one before it ends, so that what lies between two of them can be put together again.

    Attributes:
        start: offset of its first character in the document's text.
        text: exactly ``document.text[start : start + len(text)]``.
        start_line: line of the file it begins in, from 1.
        end_line: line of the file its last visible character stands in.
        page: page or slide it begins on, from 1, or None.
        heading: the headings and definitions it stands under, outermost first, with `` › `` between them.
        defines: names of what is defined in it, with blanks between them.
    """

    start: int
    text: str
    start_line: int
    end_line: int
    page: int | None = None
    heading: str = ""
    defines: str = ""

    @property
    def embedded(self) -> str:
        """What the embedder is given. Not the path: a file that moves keeps its vectors."""
        body = self.text.strip("\n")
        return f"{self.heading}\n{body}" if self.heading else body

    @property
    def key(self) -> bytes:
        """16 bytes that stand for `embedded`, under which its vector is kept."""
        return hashlib.blake2b(self.embedded.encode("utf-8", "surrogatepass"), digest_size=16).digest()
