"""What is read from the store of an index. Each call is one short snapshot that fetches its whole result.

Knows the tables; does not rank, fuse or embed.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ockit import databases
from ockit.errors import UsageError
from ockit.index.store import rows
from ockit.index.store.database import Database
from ockit.index.store.facts import IndexFacts
from ockit.index.store.rows import Counts, Damaged, FileRecord, StoredChunk

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_CHUNKS = (
    f"SELECT {rows.CHUNK_COLUMNS}, {rows.FILE_COLUMNS} "  # noqa: S608 - our own words
    "FROM chunks JOIN files ON files.id = file_id WHERE "
)

MOST_COUNTED = 20_000
"""Where `term_frequencies` stops to count."""


class Reading:
    """The reading half of `IndexStore`."""

    _database: Database
    _facts_read: tuple[str, IndexFacts] | None = None
    """The facts as they were read last, so that they are checked once."""

    @property
    def facts(self) -> IndexFacts:
        """What the index is of. Raises StoreError."""

        def work(connection: sqlite3.Connection) -> IndexFacts:
            text = str(_meta(connection, "facts"))
            if self._facts_read is not None and text == self._facts_read[0]:
                return self._facts_read[1]
            if rows.sum_of((text,)) != _meta(connection, "facts_sum"):
                raise Damaged("its facts have changed")
            try:
                facts = IndexFacts.from_json(text)
            except ValueError as error:
                raise Damaged(str(error)) from error
            self._facts_read = text, facts
            return facts

        return self._database.read(work)

    @property
    def generation(self) -> int:
        """How many changes were ever committed. Raises StoreError."""
        return self._database.read(lambda connection: int(_meta(connection, "generation")))

    @property
    def unswept(self) -> bool:
        """Whether anything was changed since `IndexStore.sweep_vectors` came to its end. Raises StoreError."""

        def work(connection: sqlite3.Connection) -> bool:
            swept = connection.execute("SELECT value FROM meta WHERE name = 'swept'").fetchone()
            return bool(swept != (_meta(connection, "generation"),))

        return self._database.read(work)

    @property
    def identity(self) -> str:
        """Stands for this store; one made anew under its name has another. Raises StoreError."""
        return self._database.read(lambda connection: str(_meta(connection, "identity")))

    def snapshot(self) -> AbstractContextManager[None]:
        """The reads inside see one moment. A writer waits for its end: keep it below 50 ms."""
        return self._database.snapshot()

    def counts(self) -> Counts:
        """How much there is. Raises StoreError."""

        def work(connection: sqlite3.Connection) -> Counts:
            states = {
                state: (count, chunks, size)
                for state, count, chunks, size in connection.execute(
                    "SELECT state, count(*), sum(n_chunks), sum(size) FROM files GROUP BY state"
                )
            }
            (vectors,) = connection.execute("SELECT count(*) FROM vectors").fetchone()
            count = {state: states.get(state, (0, 0, 0)) for state in ("ok", "failed", "skipped")}
            return Counts(
                files=count["ok"][0],
                failed=count["failed"][0],
                skipped=count["skipped"][0],
                chunks=sum(chunks for _, chunks, _ in count.values()),
                vectors=vectors,
                file_bytes=count["ok"][2],
            )

        return self._database.read(work)

    def files(self) -> dict[tuple[int, str], FileRecord]:
        """Every file that is known, by (number of its root, path). Raises StoreError."""

        def work(connection: sqlite3.Connection) -> dict[tuple[int, str], FileRecord]:
            found = connection.execute(f"SELECT {rows.FILE_COLUMNS} FROM files").fetchall()  # noqa: S608
            return {record.place: record for record in map(rows.file_of, found)}

        return self._database.read(work)

    def file_ids(
        self,
        *,
        accepts: Callable[[int, str], bool] | None = None,
        kinds: Collection[str] | None = None,
        since_ns: int | None = None,
    ) -> list[int]:
        """The files that pass a filter, by id.

        Args:
            accepts: given the root's number and the path.
            kinds: those alone.
            since_ns: changed at this time (nanoseconds since 1970) or later.

        Raises:
            StoreError: the store cannot be read.
        """
        found = self._database.read(
            lambda connection: connection.execute(
                "SELECT id, root, path FROM files WHERE n_chunks > 0 AND mtime_ns >= ?"
                " AND (? IS NULL OR kind IN (SELECT value FROM json_each(?))) ORDER BY id",
                (
                    -(2**63) if since_ns is None else max(-(2**63), min(since_ns, 2**63 - 1)),
                    None if kinds is None else 1,
                    json.dumps(list(kinds or ())),
                ),
            ).fetchall()
        )
        return [number for number, root, path in found if accepts is None or accepts(root, rows.cooked(path))]

    def chunks(self, ids: Sequence[int]) -> list[StoredChunk]:
        """The chunks of these ids, in the order asked for; those that are gone are left out. Raises StoreError."""
        found = self._chunks("chunks.id IN (SELECT value FROM json_each(?))", (_listed(ids),))
        by_id = {chunk.id: chunk for chunk in found}
        return [by_id[number] for number in ids if number in by_id]

    def places(self, ids: Sequence[int]) -> dict[int, tuple[int, int, int]]:
        """For each chunk that is there (id of its file, ordinal in it, id of its vector). Raises StoreError."""
        found = self._database.read(
            lambda connection: connection.execute(
                "SELECT id, file_id, ordinal, vector_id FROM chunks WHERE id IN (SELECT value FROM json_each(?))",
                (_listed(ids),),
            ).fetchall()
        )
        return {number: (file_id, ordinal, vector_id) for number, file_id, ordinal, vector_id in found}

    def span(self, file_id: int, first_ordinal: int, last_ordinal: int) -> list[StoredChunk]:
        """The chunks of a file from one ordinal to another, both included, in order. Raises StoreError."""
        return self._chunks(
            "file_id = ? AND ordinal BETWEEN ? AND ? ORDER BY ordinal", (file_id, first_ordinal, last_ordinal)
        )

    def _chunks(self, where: str, values: tuple[Any, ...]) -> list[StoredChunk]:
        def work(connection: sqlite3.Connection) -> list[StoredChunk]:
            files: dict[int, FileRecord] = {}
            return [_stored(row, files) for row in connection.execute(_CHUNKS + where, values).fetchall()]

        return self._database.read(work)

    def lexical(
        self,
        expression: str,
        limit: int,
        *,
        weights: tuple[float, float, float] = (1.0, 1.0, 1.0),
        files: Collection[int] | None = None,
    ) -> list[tuple[int, float]]:
        """Chunks that match an expression of FTS5 (https://www.sqlite.org/fts5.html section 3), best first.

        Every chunk that matches is scored, at about 1 µs each: words that are everywhere are better left out where
        rarer ones are there.

        Args:
            expression: over the columns body, heading and path.
            weights: of these columns, in BM25.
            files: ids of those that alone are searched.

        Returns:
            (id of the chunk, BM25: higher is better).

        Raises:
            UsageError: it is no expression.
            StoreError: the store cannot be read.
        """
        rank = "bm25({:.6f}, {:.6f}, {:.6f})".format(*weights)
        if files is None:
            query = "SELECT rowid, rank FROM words WHERE words MATCH ? AND rank MATCH ? ORDER BY rank LIMIT ?"
            values: tuple[Any, ...] = (expression, rank, limit)
        else:  # CROSS JOIN: the words come first, whatever the planner thinks
            query = (
                "SELECT words.rowid, rank FROM words CROSS JOIN chunks ON chunks.id = words.rowid"
                " WHERE words MATCH ? AND rank MATCH ?"
                " AND chunks.file_id IN (SELECT value FROM json_each(?)) ORDER BY rank LIMIT ?"
            )
            values = (expression, rank, _listed(files), limit)

        def work(connection: sqlite3.Connection) -> list[tuple[int, float]]:
            return [(number, -score) for number, score in _matched(connection, query, values)]

        return self._database.read(work)

    def term_frequencies(self, words: Iterable[str], most: int = MOST_COUNTED) -> dict[str, int]:
        """In how many chunks each word stands; counting stops at `most`. Words as written: they are stemmed here.

        Raises:
            StoreError: the store cannot be read.
        """
        query = "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)"

        def work(connection: sqlite3.Connection) -> dict[str, int]:
            return {
                word: _matched(connection, query, ('"{}"'.format(word.replace('"', '""')), most))[0][0]
                for word in words
            }

        return self._database.read(work)

    def chunks_of_vectors(self, vector_ids: Iterable[int]) -> dict[int, list[int]]:
        """For each vector the ids of its chunks, ascending; vectors without are left out. Raises StoreError."""
        found = self._database.read(
            lambda connection: connection.execute(
                "SELECT vector_id, id FROM chunks WHERE vector_id IN (SELECT value FROM json_each(?)) ORDER BY id",
                (_listed(vector_ids),),
            ).fetchall()
        )
        chunks: dict[int, list[int]] = {}
        for vector_id, chunk_id in found:
            chunks.setdefault(vector_id, []).append(chunk_id)
        return chunks

    def vectors_of_files(self, file_ids: Collection[int]) -> list[int]:
        """The vectors of the chunks of these files, ascending. Raises StoreError."""
        found = self._database.read(
            lambda connection: connection.execute(
                "SELECT DISTINCT vector_id FROM chunks WHERE file_id IN (SELECT value FROM json_each(?))"
                " ORDER BY vector_id",
                (_listed(file_ids),),
            ).fetchall()
        )
        return [number for (number,) in found]

    def vectors(self, ids: Iterable[int], *, used: bool = False) -> tuple[list[int], NDArray[np.float16]]:
        """Those of these ids that are there, ascending, and their vectors, of shape (how many, dimension).

        Args:
            used: only those that have a chunk.

        Raises:
            StoreError: the store cannot be read.
        """
        query = "SELECT id, vector FROM vectors WHERE id IN (SELECT value FROM json_each(?))"
        if used:
            query += " AND EXISTS (SELECT 1 FROM chunks WHERE vector_id = vectors.id)"
        numbers, matrix = self._vectors(f"{query} ORDER BY id", (_listed(ids),))
        return numbers, matrix

    def copy_to(self, file: Path) -> None:
        """Copy the store as it stands to a new file. A writer waits for its end. Raises StoreError."""
        self._database.read(lambda connection: databases.copy(connection, file))

    def vectors_after(self, after_id: int) -> int:
        """How many vectors have an id above this one. Raises StoreError."""
        found = self._database.read(
            lambda connection: connection.execute(
                "SELECT count(*) FROM vectors WHERE id > ?", (after_id,)
            ).fetchone()
        )
        return int(found[0])

    def vector_ids(self) -> list[int]:
        """The ids of all vectors, in any order. Raises StoreError."""
        found = self._database.read(
            lambda connection: connection.execute("SELECT id FROM vectors").fetchall()
        )
        return [number for (number,) in found]

    def vector_slabs(
        self, after_id: int = 0, rows: int = 8192
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float16]]]:
        """The vectors with ids above `after_id`, ascending, at most `rows` at a time, each slab a snapshot of its own.

        Yields:
            Their ids, of shape (n,), and the vectors, of shape (n, dimension).

        Raises:
            StoreError: the store cannot be read.
        """
        import numpy as np

        while True:
            numbers, matrix = self._vectors(
                "SELECT id, vector FROM vectors WHERE id > ? ORDER BY id LIMIT ?", (after_id, rows)
            )
            if not numbers:
                return
            yield np.array(numbers, dtype=np.int64), matrix
            if len(numbers) < rows:
                return
            after_id = numbers[-1]

    def _vectors(self, query: str, values: tuple[Any, ...]) -> tuple[list[int], NDArray[np.float16]]:
        import numpy as np

        dimension = self.facts.embedder.dimension

        def work(connection: sqlite3.Connection) -> tuple[list[int], NDArray[np.float16]]:
            found = connection.execute(query, values).fetchall()
            if any(not isinstance(vector, bytes) or len(vector) != 2 * dimension for _, vector in found):
                raise Damaged(f"a vector has not {dimension} numbers")
            matrix = np.frombuffer(b"".join(vector for _, vector in found), dtype="<f2")
            # all bits of the exponent are set in infinities and what is no number; a tenth of the time of isfinite
            if (matrix.view(np.uint16) & 0x7FFF).max(initial=0) >= 0x7C00:
                raise Damaged("a vector has a number that is not finite")
            return [number for number, _ in found], matrix.reshape(len(found), dimension)

        return self._database.read(work)


def _meta(connection: sqlite3.Connection, name: str) -> Any:
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise Damaged(f"it has no {name}")
    return row[0]


def _matched(connection: sqlite3.Connection, query: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """The rows of a query with an expression of FTS5. Raises UsageError where that is none."""
    try:
        return connection.execute(query, values).fetchall()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_ERROR or not str(error).startswith(
            ("fts5:", "unterminated")
        ):
            raise
        raise UsageError(
            f"{values[0][:80]!r} is no expression to search words with: {error}",
            hint="search for plain words",
        ) from error


def _stored(row: Sequence[Any], files: dict[int, FileRecord]) -> StoredChunk:
    """The chunk of a row with its file's; `files` are those that have been checked."""
    if row[1] not in files:
        files[row[1]] = rows.file_of(row[12:])
    file, chunk = files[row[1]], rows.chunk_of(row)
    return StoredChunk(
        chunk=chunk,
        id=row[0],
        file_id=file.id,
        ordinal=row[2],
        vector_id=row[3],
        root=file.root,
        path=file.path,
        kind=file.kind,
        has_lines=file.has_lines,
        mtime_ns=file.mtime_ns,
        title=file.title,
    )


def _listed(ids: Iterable[int]) -> str:
    """Ids as one parameter, of which there may be any number."""
    return json.dumps(list(map(int, ids)))
