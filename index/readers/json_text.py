"""JSON and JSON lines: the file's own lines; a file without lines is laid out. Knows no schema."""

from __future__ import annotations

import json

from ockit.documents import Document
from ockit.index.readers.decoding import clean, decode

_LONG_LINE = 2000
"""Characters a line has on average in a file that nobody could read as it stands."""


class JsonReader:
    """Reads JSON.

    Args:
        kind: ``json`` or ``jsonl``.
    """

    kinds = ("json", "jsonl")

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def read(self, data: bytes, name: str) -> Document:
        """The text. JSON that is damaged or nests too deep is text all the same."""
        decoded = decode(data)
        text = decoded.text
        if self._kind == "json" and len(text) > _LONG_LINE * text.count("\n"):
            try:
                laid_out = json.dumps(json.loads(text), indent=1, ensure_ascii=False)
            except (ValueError, RecursionError) as error:
                said = " ".join(str(error).split())[:100]
                notice = f"it could not be laid out and was read as plain text: {said}"
                return Document(text, self._kind, notices=(*decoded.notices, notice))
            return Document(clean(laid_out) + "\n", self._kind, has_lines=False, notices=decoded.notices)
        return Document(text, self._kind, notices=decoded.notices)
