"""The metadata of a GGUF file: keys, scalars, strings and arrays, read with bounds.

Knows the binary form of a value; not what any key means, but for two: merges must hold a space, and tokens need
not be UTF-8. Long arrays are walked, not kept.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from ockit.formats.bounded import Cursor, damaged, truncated

MAX_KEY = 65_535  # the specification's limit, in bytes
MAX_TEXT = 64 << 20  # of all strings that are kept, in bytes
MAX_STRINGS = 4_000_000  # of all arrays together; the largest tokenizers have about a million
KEPT_ARRAY = 1024  # arrays up to this length are kept; an array with an element a layer is far shorter

STRING, ARRAY = 8, 9
SCALARS = {
    0: ("u8", "B"),
    1: ("i8", "b"),
    2: ("u16", "H"),
    3: ("i16", "h"),
    4: ("u32", "I"),
    5: ("i32", "i"),
    6: ("f32", "f"),
    7: ("bool", "?"),
    10: ("u64", "Q"),
    11: ("i64", "q"),
    12: ("f64", "d"),
}
_FORMATS = {kind: struct.Struct("<" + code) for kind, (_, code) in SCALARS.items()}

Scalar = bool | int | float | str


@dataclass(frozen=True)
class ArraySummary:
    """An array in the metadata.

    Attributes:
        element_type: ``u8 i8 u16 i16 u32 i32 f32 bool str u64 i64 f64``.
        count: how many elements.
        offset: where the elements begin in the file, in bytes.
        values: the elements, or None where there are more than 1,024 of them.
    """

    element_type: str
    count: int
    offset: int
    values: tuple[Scalar, ...] | None = None


Value = Scalar | ArraySummary


class MetadataReader:
    """Reads entries, one after the other, into ``metadata`` and ``types``."""

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        self.path = cursor.path
        self.metadata: dict[str, Value] = {}
        self.types: dict[str, str] = {}
        self.text_left = MAX_TEXT
        self.strings_left = MAX_STRINGS

    def read_entry(self, index: int) -> None:
        """Read one entry. Raises ModelFileError for anything that cannot be."""
        offset = self.cursor.offset
        key = utf8(
            self.path,
            self.cursor.string(f"the key of entry {index}", MAX_KEY),
            offset,
            f"the key of entry {index}",
        )
        if not key:
            raise damaged(self.path, offset, f"the key of entry {index} is empty")
        if key in self.metadata:
            raise damaged(self.path, offset, f"the key {key!r} occurs twice")
        kind = self.cursor.u32(f"the type of {key!r}")
        if kind == ARRAY:
            self.metadata[key] = self._array(key)
        else:
            self.metadata[key] = self._scalar(key, kind)
            self.types[key] = "str" if kind == STRING else SCALARS[kind][0]

    def _scalar(self, what: str, kind: int) -> Scalar:
        offset = self.cursor.offset
        if kind == STRING:
            return self._kept_text(what)
        layout = _FORMATS.get(kind)
        if layout is None:
            raise damaged(self.path, offset - 4, f"{what!r} has the unknown type {kind}")
        value: Scalar = layout.unpack(self.cursor.take(layout.size, f"the value of {what!r}"))[0]
        return value

    def _kept_text(self, what: str) -> str:
        offset = self.cursor.offset
        text = self.cursor.string(f"the text of {what!r}")
        self.text_left -= len(text)
        if self.text_left < 0:
            raise damaged(self.path, offset, f"the metadata hold more than {MAX_TEXT} bytes of text")
        return utf8(self.path, text, offset, f"the text of {what!r}")

    def _array(self, key: str) -> ArraySummary:
        cursor = self.cursor
        offset = cursor.offset
        kind = cursor.u32(f"the element type of {key!r}")
        count = cursor.u64(f"the length of {key!r}")
        if kind == ARRAY:
            raise damaged(self.path, offset, f"{key!r} is an array of arrays, which no known model has")
        layout = _FORMATS.get(kind)
        if layout is None and kind != STRING:
            raise damaged(self.path, offset, f"{key!r} is an array of the unknown type {kind}")
        minimal = layout.size if layout else 8
        if count * minimal > cursor.left:
            raise truncated(self.path, offset + 4, f"the array {key!r} of {count} elements", cursor.size)
        start = cursor.offset
        if layout is None:
            self.strings_left -= count
            if self.strings_left < 0:
                raise damaged(
                    self.path, offset, f"the metadata hold more than {MAX_STRINGS} strings in arrays"
                )
            return ArraySummary("str", count, start, self._string_array(key, count))
        name, code = SCALARS[kind]
        if count > KEPT_ARRAY:
            cursor.skip(count * minimal, f"the array {key!r}")
            return ArraySummary(name, count, start)
        data = cursor.take(count * minimal, f"the array {key!r}")
        return ArraySummary(name, count, start, struct.unpack(f"<{count}{code}", data))

    def _string_array(self, key: str, count: int) -> tuple[Scalar, ...] | None:
        if key == "tokenizer.ggml.merges":
            # a merge is two pieces with a space between; the walk looks at each anyway
            self.cursor.skip_strings(count, "merge", each_has=b" ")
            return None
        if count > KEPT_ARRAY:
            self.cursor.skip_strings(count, f"element of {key!r}")
            return None
        if key == "tokenizer.ggml.tokens":
            # pieces of bytes: not every one need be UTF-8
            offset = self.cursor.offset
            raw = [self.cursor.string(f"token {i}") for i in range(count)]
            self.text_left -= self.cursor.offset - offset
            return tuple(piece.decode("utf-8", "replace") for piece in raw)
        return tuple(self._kept_text(f"{key}[{i}]") for i in range(count))


def utf8(path: Path, data: bytes, offset: int, what: str) -> str:
    """The text of a string that begins (with its length) at ``offset``."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise damaged(path, offset + 8 + error.start, f"{what} is not UTF-8") from error
