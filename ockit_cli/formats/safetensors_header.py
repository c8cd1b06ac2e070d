"""The header of a safetensors file, read with bounds: names, types, shapes and places of tensors, not their numbers.

The format (github.com/huggingface/safetensors, README, "Format"): the header's length as an unsigned 64-bit
little-endian integer, the header as JSON, then the numbers of all tensors without holes or overlaps up to the end of
the file. Nothing the file says is believed before it is compared with the file's size. Knows no model.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ockit.errors import ModelFileError
from ockit.formats.bounded import Cursor, damaged, open_regular, quoted, truncated

MAX_HEADER = 16 << 20
"""Bytes of the JSON; models of hundreds of billions of parameters have less than 4 MiB."""
MAX_TENSORS = 1 << 18
MAX_DIMENSIONS = 8

BITS = {
    "BOOL": 8,
    "U8": 8,
    "I8": 8,
    "F8_E4M3": 8,
    "F8_E5M2": 8,
    "F8_E8M0": 8,
    "U16": 16,
    "I16": 16,
    "F16": 16,
    "BF16": 16,
    "U32": 32,
    "I32": 32,
    "F32": 32,
    "U64": 64,
    "I64": 64,
    "F64": 64,
    "C64": 64,
}
"""Bits of one number of each type."""


@dataclass(frozen=True)
class SafeTensor:
    """One tensor: rows first, as the file has it; `start` and `end` are bytes from the start of the file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


@dataclass(frozen=True)
class SafetensorsHeader:
    """Everything a safetensors file says before its numbers; tensors by name."""

    path: Path
    file_size: int
    tensors: dict[str, SafeTensor]
    metadata: dict[str, str]


class _Doubled(ValueError):
    """A name that stands twice in one object."""


def read_safetensors(path: Path) -> SafetensorsHeader:
    """The header of a file, every place in it checked.

    Raises:
        NotFound: nothing is there.
        ModelFileError: it is no plain file, no safetensors file, ends too early or contradicts itself.
    """
    with open_regular(path) as (descriptor, size):
        cursor = Cursor(path, descriptor, size)
        length = cursor.u64("the header's length")
        if length > size - 8:
            if cursor.left and cursor.take(1, "the header") != b"{":
                raise damaged(path, 0, "this is no safetensors file", hint="name a .safetensors file")
            raise truncated(path, 8, f"the header of {length} bytes", size)
        if length > MAX_HEADER:
            raise damaged(path, 0, f"the header claims {length} bytes; the limit is {MAX_HEADER}")
        text = cursor.take(length, "the header")
    if not text.startswith(b"{"):
        raise damaged(path, 8, "the header does not begin with {")
    entries = _parsed(path, text)
    metadata = entries.pop("__metadata__", {})
    if not isinstance(metadata, dict) or any(not isinstance(value, str) for value in metadata.values()):
        raise damaged(path, 8, "__metadata__ is not made of texts")
    if len(entries) > MAX_TENSORS:
        raise damaged(path, 8, f"the header lists {len(entries)} tensors; the limit is {MAX_TENSORS}")
    first = 8 + length
    tensors = [_tensor(path, name, entry, first, size) for name, entry in entries.items()]
    _check_tiling(path, tensors, first, size)
    return SafetensorsHeader(path, size, {tensor.name: tensor for tensor in tensors}, metadata)


def _parsed(path: Path, text: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(text.decode("utf-8"), object_pairs_hook=_unique))
    except _Doubled as error:
        raise damaged(path, 8, f"the header names {quoted(str(error))} twice") from error
    except (ValueError, RecursionError, TypeError) as error:
        raise damaged(path, 8, f"the header is no JSON object: {str(error)[:100]}") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise _Doubled(next(name for name in found if names.count(name) > 1))
    return found


def _tensor(path: Path, name: str, entry: Any, first: int, size: int) -> SafeTensor:
    what = f"the tensor {quoted(name)}"
    if not isinstance(entry, dict) or {"dtype", "shape", "data_offsets"} - entry.keys():
        raise damaged(path, 8, f"{what} lacks its dtype, shape or data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in BITS:
        raise ModelFileError(
            f"{what} has the type {quoted(str(dtype))}, which is not known",
            where=str(path),
            hint="the file is damaged or of a newer kind",
        )
    if not _counts(shape) or len(shape) > MAX_DIMENSIONS:
        raise damaged(path, 8, f"{what} has the shape {quoted(str(shape))}")
    if not _counts(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise damaged(path, 8, f"{what} has the offsets {quoted(str(offsets))}")
    begin, end = offsets
    if end > size - first:
        raise truncated(path, first + min(begin, size), what, size)
    bits = BITS[dtype]
    for count in shape:
        bits *= count
        if bits.bit_length() > 80:  # no file is as large; and numbers must not grow without end
            break
    if bits != 8 * (end - begin):
        shown = " x ".join(map(str, shape)) or "one number"
        raise damaged(path, first + begin, f"{what} ({shown}, {dtype}) does not fill {end - begin} bytes")
    return SafeTensor(name, dtype, tuple(shape), first + begin, first + end)


def _counts(value: Any) -> bool:
    """Whether it is a list of whole numbers from 0."""
    return isinstance(value, list) and all(type(entry) is int and 0 <= entry < 1 << 63 for entry in value)


def _check_tiling(path: Path, tensors: list[SafeTensor], first: int, size: int) -> None:
    """Refuse holes, overlaps and bytes behind the last tensor, as the format's own library does."""
    at = first
    for tensor in sorted(tensors, key=lambda tensor: (tensor.start, tensor.end)):
        if tensor.start != at:
            problem = "overlaps the one before it" if tensor.start < at else "leaves a hole before it"
            raise damaged(path, tensor.start, f"the tensor {quoted(tensor.name)} {problem}")
        at = tensor.end
    if at != size:
        raise damaged(path, at, f"{size - at} bytes follow the last tensor")
