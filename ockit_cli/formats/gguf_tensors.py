"""The tensor table of a GGUF file: names, shapes, types and places, read with bounds.

Knows the binary form and what llama.cpp demands of it (``gguf.cpp``); not which tensors a model needs.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from ockit.errors import ModelFileError
from ockit.formats.bounded import Cursor, damaged, truncated
from ockit.formats.ggml_types import REMOVED, TYPES, GgmlType
from ockit.formats.gguf_metadata import utf8

MAX_NAME = 63  # GGML_MAX_NAME less the final zero


@dataclass(frozen=True)
class TensorInfo:
    """A tensor: its shape (fastest dimension first) and where its bytes stand in the file."""

    name: str
    shape: tuple[int, ...]
    kind: GgmlType
    offset: int

    @property
    def n_elements(self) -> int:
        """How many values it holds."""
        return math.prod(self.shape)

    @property
    def n_bytes(self) -> int:
        """How many bytes it takes in the file."""
        return self.n_elements // self.kind.block * self.kind.size


def padded(n: int, alignment: int) -> int:
    """``n`` rounded up to a multiple of the alignment."""
    return -(-n // alignment) * alignment


def read_tensors(cursor: Cursor, count: int, alignment: int) -> list[TensorInfo]:
    """Tensors with their offset still relative to the data."""
    names: set[str] = set()
    infos: list[TensorInfo] = []
    for index in range(count):
        info = _tensor_info(cursor, index)
        if info.name in names:
            raise damaged(cursor.path, cursor.offset, f"the tensor {info.name!r} occurs twice")
        if info.offset % alignment:
            raise damaged(
                cursor.path,
                cursor.offset - 8,
                f"the tensor {info.name!r} begins at {info.offset}, not a multiple of {alignment}",
            )
        names.add(info.name)
        infos.append(info)
    return infos


def _tensor_info(cursor: Cursor, index: int) -> TensorInfo:
    offset = cursor.offset
    what = f"the name of tensor {index}"
    name = utf8(cursor.path, cursor.string(what, MAX_NAME), offset, what)
    if not name or "\0" in name:
        raise damaged(cursor.path, offset, f"{what}, {name!r}, is empty or holds a zero byte")
    n_dims = cursor.u32(f"the dimensions of {name!r}")
    if not 1 <= n_dims <= 4:
        raise damaged(
            cursor.path, cursor.offset - 4, f"the tensor {name!r} has {n_dims} dimensions, not 1 to 4"
        )
    shape_at = cursor.offset
    shape = struct.unpack(f"<{n_dims}Q", cursor.take(8 * n_dims, f"the shape of {name!r}"))
    if 0 in shape or math.prod(shape) > 1 << 62:
        raise damaged(cursor.path, shape_at, f"the tensor {name!r} has the impossible shape {shape}")
    type_at = cursor.offset
    kind = _tensor_type(cursor, name, cursor.u32(f"the type of {name!r}"), type_at)
    if shape[0] % kind.block:
        raise damaged(
            cursor.path,
            shape_at,
            f"the tensor {name!r} has rows of {shape[0]}, but {kind.name} comes in blocks of {kind.block}",
        )
    return TensorInfo(name, shape, kind, cursor.u64(f"the offset of {name!r}"))


def _tensor_type(cursor: Cursor, name: str, number: int, offset: int) -> GgmlType:
    kind = TYPES.get(number)
    if kind is not None:
        return kind
    if number in REMOVED:
        raise ModelFileError(
            f"the tensor {name!r} is stored as {REMOVED[number]}, which llama.cpp no longer reads",
            where=str(cursor.path),
            hint="look for a Q4_0 or Q4_K_M file of this model",
        )
    raise damaged(cursor.path, offset, f"the tensor {name!r} has the unknown type {number}")


def placed(
    cursor: Cursor, infos: list[TensorInfo], data_offset: int, alignment: int, *, whole: bool = True
) -> tuple[TensorInfo, ...]:
    """The tensors with offsets from the start of the file; each must follow the one before, and unless `whole` is
    false lie within the file."""
    free = 0
    result: list[TensorInfo] = []
    for info in infos:
        if info.offset != free:
            raise damaged(
                cursor.path,
                data_offset + info.offset,
                f"the tensor {info.name!r} begins at {info.offset} of the data, expected {free}",
            )
        end = data_offset + info.offset + info.n_bytes
        if whole and end > cursor.size:
            raise truncated(cursor.path, data_offset + info.offset, f"the tensor {info.name!r}", cursor.size)
        free = padded(info.offset + info.n_bytes, alignment)
        result.append(TensorInfo(info.name, info.shape, info.kind, data_offset + info.offset))
    return tuple(result)
