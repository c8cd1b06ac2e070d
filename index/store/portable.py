"""An index as one file, to be carried elsewhere, and back; and an index removed.

The file is a ZIP archive of two members: ``ockit-index.json`` (what it is, its size and digest) and ``index.db``, the
store as SQLite's backup gives it. The FAISS cache is not in it: it is derived. An archive from elsewhere is not
trusted: names, sizes, digest, expansion and the very statements of its schema are checked before it is used.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import sqlite3
import zipfile
import zlib
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ockit import files
from ockit.engines.embedder_names import EMBEDDED, host_of
from ockit.errors import NotFound, OckitError, StoreError, UsageError
from ockit.index.places import IndexPlace
from ockit.index.store import database, schema
from ockit.index.store.digests import digest_of
from ockit.index.store.facts import IndexFacts
from ockit.index.store.index_store import IndexStore
from ockit.index.store.writer_lock import writing

FORMAT = "ockit index"
VERSION = 1
LABEL = "ockit-index.json"
STORE = "index.db"

_LABEL_BYTES = 1 << 20
_EXPANSION = 200
"""A store shrinks to a third; what grows so many times is made to fill a disk."""
_BLOCK = 1 << 20


def export_index(place: IndexPlace, file: Path, *, overwrite: bool = False) -> int:
    """Write an index to one file; its size in bytes.

    Raises:
        NotFound: there is no such index.
        UsageError: the file is there, and `overwrite` does not ask to replace it.
        StoreError: the index is damaged or the disk fails; nothing was written.
    """
    if file.exists() and not overwrite:
        raise UsageError("the file is there already", where=str(file), hint="choose another name")
    try:
        # a folder of our own, with a name that nobody knows before: nothing of others' is written to, or removed
        with TemporaryDirectory(dir=file.parent, prefix=f".{file.name[:40]}.", suffix=".part") as folder:
            copy, part = Path(folder) / STORE, Path(folder) / "archive"
            with IndexStore.open(place) as store:
                facts = store.facts
                store.copy_to(copy)
            label = {
                "format": FORMAT,
                "version": VERSION,
                "size": copy.stat().st_size,
                "digest": digest_of(copy),
                "facts": json.loads(facts.to_json()),
            }
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with (
                os.fdopen(descriptor, "wb") as raw,
                zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
            ):
                archive.writestr(LABEL, json.dumps(label, indent=1))
                archive.write(copy, STORE)
            files.put_in_place(part, file)
    except OSError as error:
        raise files.explained(error, file, "write the index") from error
    return file.stat().st_size


def import_index(file: Path, place: IndexPlace, *, embedder: str | None = None) -> IndexFacts:
    """Make the index in a file the one of a place, all of it or nothing.

    Args:
        embedder: the name of the embedder that the person expects. Any but the one that comes with ockit has to be
            named: the file says whom every question is sent to, or which model of this machine is loaded.

    Raises:
        UsageError: there is an index of that name, the file is none that `export_index` wrote, or its embedder is
            not the one that is expected.
        NotFound: there is no such file.
        StoreError: the disk fails, or another process imports the same name.
    """
    _refuse_taken(place)
    part = IndexPlace(place.directory.with_name(f"{place.name}.part"), f"{place.name}.part")
    files.private_dir(part.directory)
    with writing(part):
        try:
            facts = _unpacked(file, part, place, embedder)
            _refuse_taken(place)
            part.directory.rename(place.directory)
        except OSError as error:
            raise files.explained(error, file, "import the index") from error
        finally:
            shutil.rmtree(part.directory, ignore_errors=True)  # gone already where all went well
    return facts


def remove_index(place: IndexPlace) -> None:
    """Remove an index and everything in its directory.

    Raises:
        NotFound: there is none.
        StoreError: a process writes it, or it cannot be removed.
    """
    if not place.directory.is_dir():
        raise database.missing(place.database, place.name)
    away = place.directory.with_name(f"{place.name}.old")
    with writing(place):
        try:
            if away.exists():  # of a removal that was killed
                shutil.rmtree(away)
            place.directory.rename(away)
            if away.is_symlink():
                away.unlink()
            else:
                shutil.rmtree(away)
        except OSError as error:
            raise files.explained(error, place.directory, "remove the index") from error


def _refuse_taken(place: IndexPlace) -> None:
    if place.directory.exists() and any(place.directory.iterdir()):
        raise UsageError(
            f"there is already an index {place.name}",
            where=str(place.directory),
            hint=f"import it under another --name, or remove that one first: ockit indexes rm {place.name}",
        )


def _unpacked(file: Path, part: IndexPlace, place: IndexPlace, embedder: str | None) -> IndexFacts:
    """The store of an archive, checked, in the directory of `part`. Raises OckitError, OSError."""
    for leftover in part.directory.iterdir():
        if leftover != part.lock:
            leftover.unlink()
    try:
        with zipfile.ZipFile(file) as archive:
            label = _label(archive, file)
            _copy_out(archive, label, part.database, file)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise _refused(file, f"it is damaged or no ZIP archive ({error})") from error
    except FileNotFoundError as error:
        raise NotFound("there is no such file", where=str(file), hint="check the path") from error
    try:
        with closing(database.connect(part.database, "mode=rw")) as connection:
            _check_schema(connection, part.database, file)
            (sound,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if sound != "ok":
                raise _refused(file, f"its store is damaged ({sound})")
        with IndexStore.open(part, readonly=True) as store:
            _check_embedder(store.facts.embedder.name, embedder, file)
            facts = replace(store.facts, name=place.name, foreign=bool(store.facts.roots))
            highest = max((root for root, _ in store.files()), default=-1)
            if highest >= len(facts.roots):
                raise _refused(file, f"it has a file of folder {highest}, but {len(facts.roots)} folders")
        with closing(database.connect(part.database, "mode=rw")) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("UPDATE meta SET value = ?2 WHERE name = ?1", facts.to_rows())
            connection.execute("COMMIT")
    except (sqlite3.Error, StoreError) as error:
        raise _refused(file, f"its store is damaged ({error})") from error
    files.write_atomic(part.facts, facts.to_json())
    return facts


def _check_embedder(name: str, expected: str | None, file: Path) -> None:
    """Return where an index may be searched with the embedder of this name. Raises UsageError."""
    if name == (EMBEDDED if expected is None else expected):
        return
    host, gets = host_of(name), ""
    if host is not None:
        gets = f": every question would be sent to {host or 'nobody knows whom'}"
    hint = f"if that is meant: --embedder {shlex.quote(name)}"
    raise UsageError(
        f"the index was made with the embedder {name!r}{gets}",
        where=str(file),
        hint="leave out --embedder" if name == EMBEDDED else hint,
    )


def _label(archive: zipfile.ZipFile, file: Path) -> dict[str, Any]:
    """What the archive says of itself. Raises UsageError."""
    members = archive.infolist()
    if sorted(member.filename for member in members) != sorted((LABEL, STORE)):
        names = ", ".join(member.filename[:40] for member in members[:3])
        raise _refused(file, f"it holds other files ({names or 'none'})")
    if any(member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for member in members):
        raise _refused(
            file, "its members are compressed in another way"
        )  # each way fails with errors of its own
    with archive.open(LABEL) as member:
        data = member.read(_LABEL_BYTES + 1)
    try:
        label = json.loads(data)
        found = (label["format"], label["version"])
        size, digest = label["size"], label["digest"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _refused(file, "its label cannot be read") from error
    if found[0] != FORMAT or not isinstance(size, int) or not isinstance(digest, str):
        raise _refused(file, "its label is another program's")
    if found[1] != VERSION:
        raise UsageError(
            f"the file has version {found[1]!r} of the format, this ockit knows {VERSION}",
            where=str(file),
            hint="upgrade ockit: pip install --upgrade ockit",
        )
    stored = archive.getinfo(STORE)
    if stored.file_size != size or size > _EXPANSION * (stored.compress_size + 4096):
        raise _refused(
            file, f"its store of {stored.compress_size} bytes would grow to {stored.file_size}, not {size}"
        )
    return {"size": size, "digest": digest}


def _copy_out(archive: zipfile.ZipFile, label: dict[str, Any], target: Path, file: Path) -> None:
    if files.free_space(target) < label["size"]:
        raise StoreError(
            f"the disk has not the {label['size'] / 2**20:.1f} MiB that the index needs",
            where=str(target.parent.parent),
            hint="make room, or set OCKIT_HOME to another disk",
        )
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    digest, written = hashlib.blake2b(digest_size=32), 0
    with os.fdopen(descriptor, "wb") as out, archive.open(STORE) as member:
        while block := member.read(_BLOCK):
            written += len(block)
            if written > label["size"]:
                raise _refused(file, "its store is larger than its label says")
            digest.update(block)
            out.write(block)
        out.flush()
        os.fsync(out.fileno())
    if digest.hexdigest() != label["digest"]:
        raise _refused(file, "its store is another than its label says")


def _check_schema(connection: sqlite3.Connection, path: Path, file: Path) -> None:
    """Return where the store has exactly the tables of its version: a trigger or view would run as ours."""
    version = schema.version_of(connection, path)
    with closing(sqlite3.connect(":memory:")) as fresh:
        for statement in (line for migration in schema.MIGRATIONS[:version] for line in migration):
            fresh.execute(statement)
        if version == 0 or _statements(connection) != _statements(fresh):
            raise _refused(file, "its store has other tables than an index")


def _statements(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"
    ).fetchall()


def _refused(file: Path, why: str) -> OckitError:
    return UsageError(
        f"this is no index that ockit exported: {why}",
        where=str(file),
        hint="ockit indexes export NAME FILE makes one",
    )
