"""How far the import of a table of sentences has come: ``import.db`` beside the index, gone once it has ended.

Knows the table's file by size and time, the next row, and which names documents have been given. It is written after
what it tells of, so that after a kill some rows are taken in once more, under the same names, and none is missing.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path

from ockit.errors import StoreError

FILE = "import.db"


@dataclass(frozen=True)
class Standing:
    """Where an import stands.

    Attributes:
        file: the table's absolute path.
        size: its bytes.
        mtime_ns: its time of change.
        embeddings: whether its own vectors are used.
        row: how many rows have been dealt with.
        documents: how many documents are stored.
        chunks: how many chunks they have.
        bad: how many rows could not be used.
    """

    file: str
    size: int
    mtime_ns: int
    embeddings: bool
    row: int = 0
    documents: int = 0
    chunks: int = 0
    bad: int = 0


class ImportProgress:
    """The file, opened; it is made where it is missing. One writer, which holds the index's lock."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE
        try:
            self._connection = sqlite3.connect(self._path, isolation_level=None)
            self._connection.execute("CREATE TABLE IF NOT EXISTS standing(value TEXT)")
            self._connection.execute("CREATE TABLE IF NOT EXISTS names(hash INTEGER PRIMARY KEY)")
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def standing(self) -> Standing | None:
        """Where the import stands, None before its first step. Raises StoreError."""
        try:
            row = self._connection.execute("SELECT value FROM standing").fetchone()
            return Standing(**json.loads(row[0])) if row is not None else None
        except (sqlite3.Error, ValueError, TypeError) as error:
            raise self._failed(error) from error

    def save(self, standing: Standing, names: Collection[str]) -> None:
        """Keep where it stands and the names that were given since. On the disk when it returns."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(
                "INSERT OR IGNORE INTO names VALUES (?)", [(_hash(name),) for name in names]
            )
            self._connection.execute("DELETE FROM standing")
            self._connection.execute("INSERT INTO standing VALUES (?)", (json.dumps(asdict(standing)),))
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def taken(self, name: str) -> bool:
        """Whether a document has that name already. Raises StoreError."""
        try:
            found = self._connection.execute("SELECT 1 FROM names WHERE hash = ?", (_hash(name),)).fetchone()
        except sqlite3.Error as error:
            raise self._failed(error) from error
        return found is not None

    def _failed(self, error: Exception) -> StoreError:
        return StoreError(
            f"the progress of the import cannot be kept: {error}",
            where=str(self._path),
            hint="begin anew with --rebuild",
        )


def _hash(name: str) -> int:
    data = hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(data, "big", signed=True)
