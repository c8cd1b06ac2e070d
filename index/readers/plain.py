"""Plain text and source code: the text of the file as it stands. Definitions are the chunker's to find."""

from __future__ import annotations

import re

from ockit.documents import Document
from ockit.index.readers.decoding import decode
from ockit.index.readers.kinds import CODE_KINDS

# PEP 263: a comment in the first two lines; XML 1.0, 2.8: the declaration
_CODING = re.compile(rb"^(?:[^\n]*\n)?[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_XML = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([-\w.]+)["']""")


class PlainReader:
    """Reads one kind whose text is the file's."""

    kinds = ("text", *sorted(CODE_KINDS))

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def read(self, data: bytes, name: str) -> Document:
        """The text. Nothing is a damaged text file."""
        decoded = decode(data, _declared(data[:400]))
        return Document(decoded.text, self._kind, notices=decoded.notices)


def _declared(head: bytes) -> str | None:
    found = _CODING.match(head) or _XML.match(head)
    return found[1].decode("ascii", "replace") if found else None
