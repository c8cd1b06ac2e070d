"""Embedders in the form that llama.cpp runs, made once from what is installed and kept in the cache directory.

A kept file is believed while its size, inode and dates are those at which its sha256 was last found right; else it is
hashed again, and made anew where it is damaged. One process makes it, others wait for it. The cache may be deleted
at any time; where it cannot be written, every process makes its own file, in memory. Knows no engine.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ockit.errors import ModelFileError, OckitError, StoreError
from ockit.files import explained, lock, put_in_place, write_atomic
from ockit.formats.bert_gguf import CONVERTER_VERSION, convert
from ockit.formats.bounded import open_regular
from ockit.formats.low_rank import Changes

PATIENCE = 120.0
"""Seconds to wait for another process that makes the file; it takes about one."""
_PIECE = 1 << 20


@dataclass(frozen=True)
class EmbedderSource:
    """A sentence-transformers directory with the sha256 of each file in it that decides the vectors, and what its
    matrices are changed by, if anything. Two sources of one directory must not share a name: the files made of one
    would be swept away as old ones of the other."""

    name: str
    directory: Path
    digests: Mapping[str, str]
    changes: Changes | None = None

    @property
    def identity(self) -> str:
        """Changes whenever the vectors would: with the weights, the vocabulary, the pooling or the conversion."""
        parts: list[Any] = [CONVERTER_VERSION, sorted(self.digests.items())]
        if self.changes is not None:
            parts.append(self.changes.digest)
        text = json.dumps(parts)
        return hashlib.sha256(text.encode()).hexdigest()


def converted(source: EmbedderSource, directory: Path) -> Path:
    """The GGUF file of an embedder in a directory, made where it is missing or damaged.

    Raises:
        NotFound, ModelFileError: a source file is missing, damaged, or not the one its digest stands for.
        StoreError: the directory cannot be written, the disk is full, another process takes too long.
    """
    target = directory / f"{source.name}-{source.identity[:16]}.gguf"
    if _is_sound(target):
        return target
    with lock(
        target.with_suffix(".lock"), PATIENCE, held="another ockit has been preparing the embedder for long"
    ):
        if _is_sound(target):  # by the one that held the lock
            return target
        _check_source(source)
        part = target.with_suffix(".part")  # one name: what a killed process leaves is overwritten
        try:
            with suppress(FileNotFoundError):
                part.unlink()
            convert(source.directory, part, source.name, source.changes)
            part.chmod(0o600)
            _keep(target, digest := _sha256(part), None)
            put_in_place(part, target)
            _keep(target, digest, _stamp(target))  # the renaming changed the inode's date
            _sweep(target, source.name)
        except OSError as error:
            raise explained(error, part, "write the embedder") from error
        finally:
            with suppress(OSError):  # it is gone where all went well; else what stopped us is told
                part.unlink()
    return target


@contextmanager
def usable(source: EmbedderSource, directory: Path) -> Iterator[Path]:
    """The GGUF file of an embedder, to be mapped inside the ``with`` block: that of `converted`, or, where the
    directory cannot be written, one that is gone with its last mapping.

    Raises:
        NotFound, ModelFileError: as `converted`.
        StoreError: there is no room anywhere.
    """
    try:
        kept = converted(source, directory)
    except StoreError:  # it is full, read-only, or held by another for long: nobody keeps this one
        with _unkept() as path:
            _check_source(source)
            try:
                convert(source.directory, path, source.name, source.changes)
            except OSError as error:
                raise explained(error, path, "write the embedder") from error
            yield path
    else:
        yield kept


@contextmanager
def _unkept() -> Iterator[Path]:
    """A path to write to: in memory where the system has that, for a full disk often is the only one."""
    if sys.platform == "linux":
        descriptor = os.memfd_create("ockit-embedder")
        try:
            yield Path(f"/proc/self/fd/{descriptor}")
        finally:
            os.close(descriptor)
    else:
        with TemporaryDirectory(prefix="ockit-") as place:
            yield Path(place) / "embedder.gguf"


def _sweep(target: Path, name: str) -> None:
    """Remove what other versions made of the same model. A process that has one mapped keeps it; one that is about to
    map it, or needs it later, makes it anew. Locks stay: two processes must not hold different files of one name."""
    kept = re.compile(rf"{re.escape(name)}-[0-9a-f]{{16}}\.(gguf|json)")
    for path in target.parent.iterdir():
        if kept.fullmatch(path.name) and path.stem != target.stem:
            with suppress(OSError):  # in another's way at worst for its room on the disk
                path.unlink()


def _is_sound(target: Path) -> bool:
    """Whether the kept file is there and what was written once."""
    kept = target.with_suffix(".json")
    try:
        saved = json.loads(kept.read_bytes())
        known, digest = saved["stamp"], saved["sha256"]
        stamp = _stamp(target)
        if known == stamp:
            return True
        if digest != _sha256(target):
            return False
    except (OSError, ValueError, KeyError, TypeError, RecursionError, OckitError):
        return False
    with suppress(OckitError):  # where it cannot be written, the file is hashed again next time
        _keep(target, digest, stamp)
    return True


def _keep(target: Path, digest: str, stamp: list[Any] | None) -> None:
    write_atomic(target.with_suffix(".json"), json.dumps({"sha256": digest, "stamp": stamp}))


def _stamp(path: Path) -> list[Any]:
    status = os.stat(path)
    return [status.st_size, status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns]


def _check_source(source: EmbedderSource) -> None:
    for name, digest in source.digests.items():
        path = source.directory / name
        if _sha256(path) != digest:
            raise ModelFileError(
                "this is not the file that was installed",
                where=str(path),
                hint="install its package again; `ockit doctor` gives the line",
            )


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open_regular(path) as (descriptor, _):
        while piece := os.read(descriptor, _PIECE):
            digest.update(piece)
    return digest.hexdigest()
