"""Small safetensors files of ockit's own that carry a digest of themselves: written whole, read whole, refused where a
byte was changed or where they are of another kind.

The metadata has ``kind``, ``digest`` and one JSON object, ``facts``. The digest is the sha256 of the kind, the facts,
and the name, type, shape and bytes of each tensor in the order of their names. It shows damage and mistakes; it is no
signature. Knows neither numpy nor what the numbers mean.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from ockit.errors import ModelFileError, UsageError
from ockit.files import read_limited, write_atomic
from ockit.formats.safetensors_header import BITS, read_safetensors

LARGEST = 64 << 20
"""Bytes of a file that is read."""


@dataclass(frozen=True)
class Numbers:
    """One tensor: its type as safetensors spells it (``F32``, ``F16``, ``I8``), its shape, rows first, and its
    little-endian bytes."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes


@dataclass(frozen=True)
class Sealed:
    """What a file holds, once its digest was found right."""

    digest: str
    facts: dict[str, Any]
    tensors: dict[str, Numbers]


def write_sealed(path: Path, kind: str, facts: Mapping[str, Any], tensors: Mapping[str, Numbers]) -> str:
    """Write a file in one step and give its digest.

    Args:
        kind: what the file is, with a version; a reader names the kind it wants.
        facts: a JSON object.

    Raises:
        UsageError: the bytes of a tensor are not what its type and shape need.
        StoreError: the disk refuses.
    """
    ordered = {name: tensors[name] for name in sorted(tensors)}
    for name, tensor in ordered.items():
        if prod(tensor.shape) * BITS[tensor.dtype] != 8 * len(tensor.data):
            raise UsageError(f"{len(tensor.data)} bytes do not make the tensor {name} of {tensor.shape}")
    text = json.dumps(facts, sort_keys=True)
    digest = _digest(kind, text, ordered)
    header: dict[str, Any] = {"__metadata__": {"kind": kind, "facts": text, "digest": digest}}
    at = 0
    for name, tensor in ordered.items():
        header[name] = {
            "dtype": tensor.dtype,
            "shape": list(tensor.shape),
            "data_offsets": [at, at + len(tensor.data)],
        }
        at += len(tensor.data)
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)  # the format's readers like their numbers aligned
    write_atomic(
        path, struct.pack("<Q", len(head)) + head + b"".join(tensor.data for tensor in ordered.values())
    )
    return digest


def read_sealed(path: Path, kind: str) -> Sealed:
    """Read a file.

    Raises:
        NotFound: nothing is there.
        ModelFileError: it is no safetensors file, of another kind, or not what was written.
    """
    header = read_safetensors(path)
    found = header.metadata.get("kind")
    if found != kind:
        raise ModelFileError(
            f"this is a file of the kind {str(found)[:60]!r}, not {kind!r}",
            where=str(path),
            hint="it was written by another version or for something else",
        )
    whole = read_limited(path, LARGEST)
    tensors = {
        name: Numbers(tensor.dtype, tensor.shape, whole[tensor.start : tensor.end])
        for name, tensor in sorted(header.tensors.items())
    }
    text = header.metadata.get("facts", "")
    digest = _digest(kind, text, tensors)
    if header.metadata.get("digest") != digest:
        raise ModelFileError(
            "the digest in the file is not that of its numbers: it is damaged",
            where=str(path),
            hint="install ockit again, or train the file again if it is yours",
        )
    return Sealed(digest, json.loads(text), tensors)


def _digest(kind: str, facts: str, tensors: Mapping[str, Numbers]) -> str:
    digest = hashlib.sha256(json.dumps([kind, facts]).encode())
    for name, tensor in tensors.items():
        digest.update(json.dumps([name, tensor.dtype, list(tensor.shape)]).encode())
        digest.update(tensor.data)
    return digest.hexdigest()
