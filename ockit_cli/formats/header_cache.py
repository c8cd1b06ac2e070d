"""Headers that were read and found loadable, remembered: a large vocabulary takes a tenth of a second to check.

What is remembered holds as long as the file's path, size, inode and dates stay the same (the date of the inode's
last change cannot be set by hand) and the ockit that checked it does. The cache may be deleted at any time; where
it cannot be written, nothing is kept.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ockit.errors import OckitError
from ockit.files import write_atomic
from ockit.formats.ggml_types import GgmlType
from ockit.formats.gguf_header import GGUFHeader
from ockit.formats.gguf_metadata import ArraySummary, Value
from ockit.formats.gguf_tensors import TensorInfo
from ockit.formats.loadable import part_paths, read_loadable
from ockit.version import __version__


class HeaderCache:
    """Checked headers, a small file each, in a directory of their own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def read_loadable(self, path: Path) -> GGUFHeader:
        """As `ockit.formats.loadable.read_loadable`, but a file that has not changed is not read again.

        Raises:
            NotFound, ModelFileError: as there.
        """
        kept = self._directory / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:32]}.json"
        stamp = _stamp(path)
        if stamp is not None and (known := _load(kept, path, stamp)) is not None:
            return known
        header = read_loadable(path)
        # the stamp from before: what changed while it was read is read again
        if stamp is not None and part_paths(header) == (path,):
            try:
                write_atomic(kept, json.dumps({"stamp": stamp, "header": _row(header)}))
            except OckitError:
                return header  # a cache that cannot be written costs time, nothing else
        return header


def _stamp(path: Path) -> list[Any] | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None  # reading the file tells what is wrong with it
    dates = [status.st_mtime_ns, status.st_ctime_ns]
    return [__version__, os.fspath(path), status.st_size, status.st_dev, status.st_ino, *dates]


def _row(header: GGUFHeader) -> dict[str, Any]:
    row = asdict(header)
    row["path"] = str(header.path)
    row["metadata"] = [
        [key, asdict(value) if isinstance(value, ArraySummary) else value]
        for key, value in header.metadata.items()
    ]
    return row


def _load(kept: Path, path: Path, stamp: list[Any]) -> GGUFHeader | None:
    """The header as it was kept, or None where there is none or it is not of this very file."""
    try:
        saved = json.loads(kept.read_bytes())
        if saved["stamp"] != stamp:
            return None
        row = saved["header"]
        metadata = {key: _value(value) for key, value in row.pop("metadata")}
        tensors = tuple(
            TensorInfo(name, tuple(shape), GgmlType(*kind), offset)
            for name, shape, kind, offset in map(dict.values, row.pop("tensors"))
        )
        return GGUFHeader(**{**row, "path": path, "metadata": metadata, "tensors": tensors})
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _value(kept: Any) -> Value:
    if not isinstance(kept, dict):
        return kept  # type: ignore[no-any-return]
    values = kept["values"]
    return ArraySummary(**{**kept, "values": None if values is None else tuple(values)})
