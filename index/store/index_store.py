"""The store of an index: files, chunks, words and vectors in one SQLite file, which is the truth.

Every write is one short transaction that is on the disk when the call returns: a killed run leaves each file as it was
or as it is. This module writes, `ockit.index.store.reading` reads; how the file is opened and locked is the business of
`ockit.index.store.database`. Of the FAISS cache beside it, it knows that a new store makes it void.
"""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from ockit import files
from ockit.documents import Chunk
from ockit.errors import NotFound, StoreError, UsageError
from ockit.index.places import IndexPlace
from ockit.index.store import database, rows
from ockit.index.store.database import Database
from ockit.index.store.facts import IndexFacts
from ockit.index.store.file_words import row_words
from ockit.index.store.reading import Reading
from ockit.index.store.rows import FileRecord
from ockit.index.store.writer_lock import writing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T")

_FILES_AT_ONCE = 64
_VECTORS_AT_ONCE = 4096
_FILE_VALUES = (
    "root, path, size, mtime_ns, ino, ctime_ns, digest, kind, state, reason, has_lines, title, n_chunks"
)
_CHUNK_VALUES = "file_id, ordinal, vector_id, start, text, start_line, end_line, page, heading, defines"


class IndexStore(Reading):
    """One index, opened by `create` or `open`.

    Attributes:
        place: where it lies.
        readonly: whether this one cannot write.
    """

    def __init__(self, place: IndexPlace, *, readonly: bool, held: ExitStack) -> None:
        self.place = place
        self.readonly = readonly
        self._held = held
        self._database = Database(place, readonly=readonly)

    @classmethod
    def create(cls, place: IndexPlace, facts: IndexFacts, *, replace: bool = False) -> Self:
        """Make an index, and be the one that writes it.

        Args:
            replace: one that is there, damaged or not, goes.

        Raises:
            UsageError: there is one.
            StoreError: another process writes it, or it cannot be made.
        """
        files.private_dir(place.directory)
        with ExitStack() as stack:
            stack.enter_context(writing(place))
            if place.exists and not replace:
                raise UsageError(
                    f"there is already an index {place.name}",
                    where=str(place.directory),
                    hint=f"choose another --name, or make it anew: {facts.rebuild}",
                )
            try:
                _make(place, facts)
            except (sqlite3.Error, OSError) as error:
                raise database.explained(error, place.database, place.name) from error
            return cls(place, readonly=False, held=stack.pop_all())

    @classmethod
    def open(cls, place: IndexPlace, *, readonly: bool = True) -> Self:
        """Open an index that is there. One that is not `readonly` is alone in writing until it is closed.

        Raises:
            NotFound: there is none.
            StoreError: it is damaged, another program's or of a newer ockit; or another process writes it.
        """
        with ExitStack() as stack:
            if not readonly:
                if not place.exists:
                    raise database.missing(place.database, place.name)
                stack.enter_context(writing(place))
            store = cls(place, readonly=readonly, held=stack.pop_all())
        try:
            with store.snapshot():
                _ = store.facts, store.generation, store.identity
        except BaseException:
            store.close()
            raise
        return store

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and let others write."""
        self._database.close()
        self._held.close()

    def missing(self, keys: Iterable[bytes]) -> set[bytes]:
        """Those of these keys that have no vector yet. Raises StoreError."""
        wanted = set(keys)

        def work(connection: sqlite3.Connection) -> set[bytes]:
            find = "SELECT 1 FROM vectors WHERE key = ?"
            return {key for key in wanted if connection.execute(find, (key,)).fetchone() is None}

        return self._database.read(work)

    def add_vectors(self, vectors: Mapping[bytes, NDArray[np.float32]]) -> None:
        """Keep vectors of shape (dimension,) under the keys of their chunks; a key that has one keeps it.

        Raises:
            StoreError: one has another dimension or a number that is not finite, or the disk fails.
        """
        import numpy as np

        dimension = self.facts.embedder.dimension
        kept: list[tuple[bytes, bytes]] = []
        for key, vector in vectors.items():
            with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused
                half = np.asarray(vector).astype("<f2")
            if half.shape != (dimension,) or not np.isfinite(half).all():
                raise StoreError(
                    f"the embedder gave a vector of shape {half.shape} that should be {dimension} finite numbers",
                    where=str(self.place.directory),
                    hint=f"try again, or make the index with another embedder: {self.facts.rebuild} --embedder NAME",
                )
            kept.append((key, half.tobytes()))
        for part in _parts(kept, _VECTORS_AT_ONCE):
            self._write(
                lambda connection, part=part: connection.executemany(  # type: ignore[misc]
                    "INSERT INTO vectors(key, vector) VALUES (?, ?) ON CONFLICT(key) DO NOTHING", part
                )
            )

    def put_file(self, record: FileRecord, chunks: Sequence[Chunk]) -> None:
        """Keep a file with its chunks, in place of what was there. Each chunk's vector must be known.

        Raises:
            StoreError: a vector is missing, or the disk fails; nothing has changed.
        """
        self.put_files([(record, chunks)])

    def put_files(self, batch: Sequence[tuple[FileRecord, Sequence[Chunk]]]) -> None:
        """The same for many small ones in one transaction (the entries of a feed, a table of sentences)."""

        def work(connection: sqlite3.Connection) -> None:
            for record, chunks in batch:
                self._put(connection, record, chunks)

        self._write(work)

    def touch(self, *records: FileRecord) -> None:
        """Keep what is now known of files whose chunks stay as they are.

        Raises:
            NotFound: one is not there.
            StoreError: the disk fails.
        """

        def work(connection: sqlite3.Connection, part: Sequence[FileRecord]) -> None:
            for record in part:
                self._describe(connection, _file_id(connection, record.place), record)

        for part in _parts(records, _FILES_AT_ONCE):
            self._write(lambda connection, part=part: work(connection, part))  # type: ignore[misc]

    def move(self, old: tuple[int, str], new: FileRecord) -> None:
        """Let a file be the one of another place; chunks and vectors stay. What was at that place goes.

        Raises:
            NotFound: there is no such file.
            StoreError: the disk fails; nothing has changed.
        """

        def work(connection: sqlite3.Connection) -> None:
            number = _file_id(connection, old)
            if new.place != old:
                self._remove(connection, new.place)
            _drop_words(connection, number, old[1])
            self._describe(connection, number, new)
            _add_words(connection, number, new.path)

        self._write(work)

    def remove(self, places: Iterable[tuple[int, str]]) -> int:
        """Forget files, some at a time; how many there were. Raises StoreError."""
        removed = 0
        for part in _parts(list(places), _FILES_AT_ONCE):
            removed += self._write(
                lambda connection, part=part: sum(self._remove(connection, place) for place in part)  # type: ignore[misc]
            )
        return removed

    def sweep_vectors(self, progress: Callable[[int], None] | None = None) -> int:
        """Forget the vectors that no chunk has, some at a time; how many there were. Then nothing is `unswept`.

        Args:
            progress: told how many are gone so far.

        Raises:
            StoreError: the disk fails.
        """
        query = "SELECT id FROM vectors WHERE NOT EXISTS (SELECT 1 FROM chunks WHERE vector_id = vectors.id)"
        orphans = self._database.read(lambda connection: connection.execute(query).fetchall())
        gone = 0
        for part in _parts(orphans, _VECTORS_AT_ONCE):
            self._write(
                lambda connection, part=part: connection.executemany("DELETE FROM vectors WHERE id = ?", part)  # type: ignore[misc]
            )
            gone += len(part)
            if progress is not None:
                progress(gone)
        self._database.write(
            lambda connection: connection.execute(
                "INSERT OR REPLACE INTO meta(name, value) SELECT 'swept', value FROM meta WHERE name = 'generation'"
            )
        )
        return gone

    def set_facts(self, facts: IndexFacts) -> None:
        """Keep other facts: folders, patterns, times. What the vectors depend on cannot change.

        Raises:
            UsageError: it would.
            StoreError: the disk fails.
        """
        self.facts.check(facts.embedder, facts.chunker, facts.words)
        self._write(
            lambda connection: connection.executemany(
                "UPDATE meta SET value = ?2 WHERE name = ?1", facts.to_rows()
            )
        )
        files.write_atomic(self.place.facts, facts.to_json())

    def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def counted(connection: sqlite3.Connection) -> T:
            result = work(connection)
            connection.execute("UPDATE meta SET value = value + 1 WHERE name = 'generation'")
            return result

        return self._database.write(counted)

    def _put(self, connection: sqlite3.Connection, record: FileRecord, chunks: Sequence[Chunk]) -> None:
        find = "SELECT id FROM vectors WHERE key = ?"
        found = [connection.execute(find, (chunk.key,)).fetchone() for chunk in chunks]
        if None in found:
            raise StoreError(
                f"{found.count(None)} chunks of {record.path} have no vector yet",
                where=str(self.place.directory),
                hint="run ockit index again",
            )
        row = connection.execute(
            "SELECT id FROM files WHERE root = ? AND path = ?", (record.root, rows.raw(record.path))
        ).fetchone()
        if row is None:
            values = rows.file_values(record)
            number = connection.execute(
                f"INSERT INTO files({_FILE_VALUES}, sum) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,0)",  # noqa: S608
                values,
            ).lastrowid
            assert number is not None
        else:
            number = int(row[0])
            _drop_words(connection, number, record.path)
            connection.execute("DELETE FROM chunks WHERE file_id = ?", (number,))
        for ordinal, (chunk, (vector_id,)) in enumerate(zip(chunks, found, strict=True)):
            values = rows.chunk_values(number, ordinal, vector_id, chunk)
            connection.execute(
                f"INSERT INTO chunks({_CHUNK_VALUES}, sum) VALUES (?,?,?,?,?,?,?,?,?,?,?)",  # noqa: S608
                (*values, rows.sum_of(values)),
            )
        _add_words(connection, number, record.path)
        self._describe(connection, number, record)

    def _describe(self, connection: sqlite3.Connection, number: int, record: FileRecord) -> None:
        """Write the row of a file anew; its chunks are counted."""
        (n_chunks,) = connection.execute(
            "SELECT count(*) FROM chunks WHERE file_id = ?", (number,)
        ).fetchone()
        values = (*rows.file_values(record)[:-1], n_chunks)
        assignments = ", ".join(f"{name.strip()} = ?" for name in _FILE_VALUES.split(","))
        connection.execute(
            f"UPDATE files SET {assignments}, sum = ? WHERE id = ?",  # noqa: S608 - our own words
            (*values, rows.sum_of(values), number),
        )

    @staticmethod
    def _remove(connection: sqlite3.Connection, place: tuple[int, str]) -> bool:
        row = connection.execute(
            "SELECT id FROM files WHERE root = ? AND path = ?", (place[0], rows.raw(place[1]))
        ).fetchone()
        if row is None:
            return False
        _drop_words(connection, row[0], place[1])
        connection.execute("DELETE FROM chunks WHERE file_id = ?", row)
        connection.execute("DELETE FROM files WHERE id = ?", row)
        return True


def _make(place: IndexPlace, facts: IndexFacts) -> None:
    """Put a new store in place of what is there."""
    part = place.database.with_name(f"{place.database.name}.part")
    for leftover in (part, *_journals(part)):
        leftover.unlink(missing_ok=True)
    database.create(part)
    connection = database.connect(part, "mode=rw")
    try:
        connection.executemany(
            "INSERT INTO meta(name, value) VALUES (?, ?)",
            [*facts.to_rows(), ("generation", 0), ("identity", uuid.uuid4().hex)],
        )
    finally:
        connection.close()
    files.write_atomic(place.facts, facts.to_json())
    if any(journal.exists() for journal in _journals(place.database)):
        # SQLite would play the journal of the old store back into the new one
        for old in (place.database, *_journals(place.database)):
            old.unlink(missing_ok=True)
    files.put_in_place(part, place.database)
    for cache in (place.manifest, place.vectors):
        cache.unlink(missing_ok=True)


def _journals(path: os.PathLike[str]) -> list[Path]:
    return [Path(f"{os.fspath(path)}-{ending}") for ending in ("journal", "wal", "shm")]


def _file_id(connection: sqlite3.Connection, place: tuple[int, str]) -> int:
    row = connection.execute(
        "SELECT id FROM files WHERE root = ? AND path = ?", (place[0], rows.raw(place[1]))
    ).fetchone()
    if row is None:
        raise NotFound(f"the index does not know the file {place[1]}", hint="run ockit index again")
    return int(row[0])


def _add_words(connection: sqlite3.Connection, file_id: int, path: str) -> None:
    connection.executemany(
        "INSERT INTO words(rowid, body, heading, path) VALUES (?, ?, ?, ?)",
        row_words(connection, file_id, path),
    )


def _drop_words(connection: sqlite3.Connection, file_id: int, path: str) -> None:
    connection.executemany(
        "INSERT INTO words(words, rowid, body, heading, path) VALUES ('delete', ?, ?, ?, ?)",
        row_words(connection, file_id, path),
    )


def _parts(items: Sequence[T], size: int) -> Iterable[list[T]]:
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part
