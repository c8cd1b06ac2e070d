"""The metadata of a GGUF file: keys, scalars, strings and arrays, read with bounds.

Knows the binary form of a value; not what any key means, but for two arrays that are looked at while they are
walked: merges must hold a space, and tokens should differ. Long arrays are not kept.
"""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ockit.formats.bounded import MAX_TEXT, Cursor, damaged, quoted, truncated

MAX_KEY = 65_535  # the specification's limit, in bytes
MAX_STRINGS = 4_000_000  # of all arrays together; the largest tokenizers have about a million
MAX_TOKENS = 1 << 20  # the largest vocabularies have 260,000
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
        values: the elements, or None: where there are more than 1,024 of them, and for tokens and merges.
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
        self.doubled_token: str | None = None

    def read_entry(self, index: int) -> None:
        """Read one entry. Raises ModelFileError for anything that cannot be."""
        offset = self.cursor.offset
        key = utf8(
            self.path,
            self.cursor.string(f"the key of entry {index}", MAX_KEY),
            offset,
            f"the key of entry {index}",
        )
        self.text_left -= len(key)
        if not key:
            raise damaged(self.path, offset, f"the key of entry {index} is empty")
        if key in self.metadata:
            raise damaged(self.path, offset, f"the key {quoted(key)} occurs twice")
        kind = self.cursor.u32(f"the type of {quoted(key)}")
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
            raise damaged(self.path, offset - 4, f"{quoted(what)} has the unknown type {kind}")
        value: Scalar = layout.unpack(self.cursor.take(layout.size, f"the value of {quoted(what)}"))[0]
        return value

    def _kept_text(self, what: str) -> str:
        offset = self.cursor.offset
        text = self.cursor.string(f"the text of {quoted(what)}")
        self.text_left -= len(text)
        if self.text_left < 0:
            raise damaged(self.path, offset, f"the metadata hold more than {MAX_TEXT} bytes of text")
        return utf8(self.path, text, offset, f"the text of {quoted(what)}")

    def _array(self, key: str) -> ArraySummary:
        cursor = self.cursor
        offset = cursor.offset
        kind = cursor.u32(f"the element type of {quoted(key)}")
        count = cursor.u64(f"the length of {quoted(key)}")
        if kind == ARRAY:
            raise damaged(self.path, offset, f"{quoted(key)} is an array of arrays, which no known model has")
        layout = _FORMATS.get(kind)
        if layout is None and kind != STRING:
            raise damaged(self.path, offset, f"{quoted(key)} is an array of the unknown type {kind}")
        minimal = layout.size if layout else 8
        if count * minimal > cursor.left:
            raise truncated(
                self.path, offset + 4, f"the array {quoted(key)} of {count} elements", cursor.size
            )
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
            cursor.skip(count * minimal, f"the array {quoted(key)}")
            return ArraySummary(name, count, start)
        data = cursor.take(count * minimal, f"the array {quoted(key)}")
        return ArraySummary(name, count, start, struct.unpack(f"<{count}{code}", data))

    def _string_array(self, key: str, count: int) -> tuple[Scalar, ...] | None:
        if key == "tokenizer.ggml.tokens":
            self._tokens(count)
            return None
        if key == "tokenizer.ggml.merges":
            # a merge is two pieces with a space between; the walk looks at each anyway
            self.cursor.skip_strings(count, "merge", each_has=b" ")
            return None
        if count > KEPT_ARRAY:
            self.cursor.skip_strings(count, f"element of {quoted(key)}")
            return None
        return tuple(self._kept_text(f"{key}[{i}]") for i in range(count))

    def _tokens(self, count: int) -> None:
        offset = self.cursor.offset
        if count > MAX_TOKENS:
            raise damaged(self.path, offset, f"the vocabulary has {count} tokens; the limit is {MAX_TOKENS}")
        seen: set[bytes] = set()
        self.cursor.skip_strings(count, "token", seen=seen)
        if len(seen) == count:
            return
        end = self.cursor.offset
        self.cursor.seek(offset, "the vocabulary")
        tokens = Counter(self.cursor.string(f"token {i}") for i in range(count))
        self.cursor.seek(end, "the vocabulary")
        del tokens[b""]  # llama.cpp gives empty ones a name of their own
        text, times = tokens.most_common(1)[0] if tokens else (b"", 1)
        if times > 1:
            self.doubled_token = text.decode("utf-8", "replace")


def utf8(path: Path, data: bytes, offset: int, what: str) -> str:
    """The text of a string that begins (with its length) at ``offset``."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise damaged(path, offset + 8 + error.start, f"{what} is not UTF-8") from error
