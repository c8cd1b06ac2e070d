"""What the FAISS cache of an index was made of, and whether the file is still the one that was written.

Knows the file's size and digest, not its content. The digest is computed once for a file: as long as size, inode and
time of change are those noted when it was written, it is the same.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ockit import files
from ockit.errors import OckitError
from ockit.index.places import IndexPlace
from ockit.index.store.digests import digest_of

VERSION = 1

CacheKind = Literal["flat", "ivf"]

_LIMIT = 1 << 16  # bytes of a manifest


class UnfitCache(Exception):
    """The cache cannot be used; its message says why, as the end of a sentence."""


@dataclass(frozen=True)
class Manifest:
    """The cache's facts.

    Attributes:
        identity: of the store it was derived from.
        generation: of the store, when the last row was read.
        rows: how many vectors it holds.
        last_id: the highest id of a vector that it may hold.
        kind: ``flat``: every vector as float16; ``ivf``: bytes in lists by nearness.
        dimension: of a vector.
        trained_rows: how many vectors there were when the lists were laid out.
        size: of the file, in bytes.
        digest: BLAKE2b of the file, in hexadecimal.
        stamp: the file's inode and time of change (nanoseconds) when the digest was right.
        version: of this format.
    """

    identity: str
    generation: int
    rows: int
    last_id: int
    kind: CacheKind
    dimension: int
    trained_rows: int
    size: int
    digest: str
    stamp: tuple[int, int]
    version: int = VERSION


def read(place: IndexPlace) -> Manifest | None:
    """The manifest, None where there is none.

    Raises:
        UnfitCache: it is damaged, or a newer ockit wrote it.
    """
    if not place.manifest.exists():
        return None
    try:
        found: dict[str, Any] = json.loads(files.read_limited(place.manifest, _LIMIT))
        if found.pop("sum") != _sum(found):
            raise UnfitCache("its manifest has changed")
        inode, changed = found.pop("stamp")
        manifest = Manifest(stamp=(inode, changed), **found)
    except (OckitError, ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise UnfitCache(f"its manifest is damaged ({error})") from error
    if manifest.version != VERSION:
        raise UnfitCache(f"its manifest has version {manifest.version}")
    return manifest


def check_file(manifest: Manifest, path: Path) -> Manifest:
    """The manifest, with the stamp of the file at `path`, which is the one it speaks of.

    Raises:
        UnfitCache: it is not, or cannot be read.
    """
    try:
        found = path.stat()
        stamp = (found.st_ino, found.st_mtime_ns)
        if found.st_size != manifest.size:
            raise UnfitCache(f"it has {found.st_size} bytes instead of {manifest.size}")
        if stamp != manifest.stamp and digest_of(path) != manifest.digest:
            raise UnfitCache("its content has changed")
    except OSError as error:
        raise UnfitCache(f"it cannot be read ({error.strerror or error})") from error
    return replace(manifest, stamp=stamp)


def write(place: IndexPlace, manifest: Manifest) -> None:
    """Keep the manifest. Raises OckitError."""
    values = asdict(manifest)
    files.write_atomic(place.manifest, json.dumps(values | {"sum": _sum(values)}, indent=1) + "\n")


def _sum(values: dict[str, Any]) -> int:
    """The CRC-32 of the manifest's own fields."""
    return zlib.crc32(json.dumps(values, sort_keys=True).encode())
