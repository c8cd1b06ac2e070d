"""GGUF files byte by byte, for tests of files that no writer would write."""

from __future__ import annotations

import struct

U8, U32, I32, F32, BOOL, STRING, ARRAY, U64 = 0, 4, 5, 6, 7, 8, 9, 10


def string(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(data)) + data


def entry(key: str | bytes, kind: int, value: bytes) -> bytes:
    return string(key) + struct.pack("<I", kind) + value


def array(kind: int, count: int, elements: bytes = b"") -> bytes:
    return struct.pack("<IQ", kind, count) + elements


def tensor(name: str | bytes, shape: tuple[int, ...], kind: int = 0, offset: int = 0) -> bytes:
    return string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


def file(
    *parts: bytes, n_entries: int = 0, n_tensors: int = 0, version: int = 3, data: bytes | None = None
) -> bytes:
    """A whole file; ``data`` follows the header at a multiple of 32."""
    head = b"GGUF" + struct.pack("<IQQ", version, n_tensors, n_entries) + b"".join(parts)
    return head if data is None else head + bytes(-len(head) % 32) + data
