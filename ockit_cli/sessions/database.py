"""One SQLite file: opened late, written in short transactions, mended when it is damaged.

It knows how a file is opened, locked, retried and what its failures mean to a person; of the tables it knows
nothing (`ockit.sessions.schema` does). A read of a file that does not exist makes none.

Durability: rollback journal with ``synchronous=EXTRA``; a new file gets a write-ahead log from SQLite 3.51.3 on,
because earlier releases can corrupt a database through it. The file is 0600 and SQLite gives its journals the
same mode. The database file is never opened by other means than SQLite while it is in use: closing any other
descriptor of it would drop this process's POSIX locks.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from ockit import databases, files
from ockit.errors import StoreError
from ockit.sessions import schema

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

BUSY_S = 5.0
"""How long a transaction waits for another process, in seconds."""


class Damaged(Exception):
    """What was read cannot have been written by ockit."""


class Database:
    """The file and at most one connection to it; may be used from several threads.

    Args:
        path: the file.
        mend: called with the path when the file proves damaged, after the connection was closed; it must leave
            a sound file there, or none.
    """

    def __init__(self, path: Path, mend: Callable[[Path], None]) -> None:
        self.path = Path(os.path.realpath(path))  # a journal lies beside the file, not beside a link
        self._mend = mend
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._courtesy = databases.Courtesy()
        self._lock = threading.RLock()

    def read(self, work: Work[T], *, empty: T) -> T:
        """What `work` reads, in one snapshot; `empty` where there is no file yet.

        Raises:
            StoreError: the file cannot be read.
        """

        def attempt() -> T:
            connection = self._opened()
            return empty if connection is None else databases.transaction(connection, work, "BEGIN")

        return self._run(attempt)

    def write(self, work: Work[T]) -> T:
        """What `work` returns, once everything it wrote is on the disk.

        Raises:
            StoreError: nothing of it was written.
        """
        with self._lock:
            return self._courtesy.after(
                lambda: self._run(lambda: databases.transaction(self._made(), work, "BEGIN IMMEDIATE"))
            )

    def close(self) -> None:
        """Close the connection; the next call opens it again."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def _run(self, attempt: Callable[[], T]) -> T:
        with self._lock:
            try:
                return databases.patiently(lambda: self._mended(attempt), BUSY_S)
            except (sqlite3.Error, Damaged, OSError) as error:
                raise explained(error, self.path) from error

    def _mended(self, attempt: Callable[[], T]) -> T:
        try:
            return attempt()
        except (sqlite3.Error, Damaged) as error:
            if not shows_damage(error):
                raise
        self.close()
        self._mend(self.path)
        return attempt()

    def _made(self) -> sqlite3.Connection:
        """The connection to the file, which is made where there is none."""
        if _identity(self.path) is None:
            files.private_dir(self.path.parent)
            with suppress(FileExistsError):  # another process was faster; its file is as good
                os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        return self._opened(empty_too=True) or self._made()

    def _opened(self, *, empty_too: bool = False) -> sqlite3.Connection | None:
        """The connection to a file that exists. None where there is no file, or one without tables and
        `empty_too` does not ask to make them."""
        identity = _identity(self.path)
        if self._connection is not None and identity == self._identity:
            return self._connection
        self.close()  # the file was removed or replaced: what we would write there, nobody would find
        if identity is None:
            return None
        if is_stump(self.path):
            raise Damaged("it is too short for a database")
        connection = connect(self.path)
        try:
            version = schema.version_of(connection, self.path)
            if version == 0 and not empty_too:
                connection.close()
                return None
            if version == 0 and databases.safe_wal(sqlite3.sqlite_version_info):
                with suppress(sqlite3.OperationalError):  # another process makes it at this moment
                    connection.execute("PRAGMA journal_mode = WAL")
            if version < len(schema.MIGRATIONS):
                schema.migrate(connection, self.path)
        except BaseException:
            connection.close()
            raise
        self._connection, self._identity = connection, identity
        return connection


def shows_damage(error: Exception) -> bool:
    """Whether the content of the file is at fault, and not the disk, a lock or the machine."""
    return isinstance(error, Damaged) or databases.shows_damage(error)


def is_stump(path: Path) -> bool:
    """Whether a file has some bytes but no page: SQLite would take it for empty and write over them."""
    return 0 < path.stat().st_size < databases.SMALLEST_PAGE


def connect(path: Path) -> sqlite3.Connection:
    """A connection as `databases.connect` makes one, whose rows know their columns. Raises sqlite3.Error."""
    connection = databases.connect(path)
    connection.row_factory = sqlite3.Row
    return connection


def explained(error: Exception, path: Path) -> StoreError:
    """A failure of SQLite or the file system, as what, where and what to do."""
    return databases.explained(error, path, "the chat store", "saved", BUSY_S) or StoreError(
        f"the chat store cannot be used ({error})",
        where=str(path),
        hint=f"move it aside and a new one is made: mv '{path}' '{path}.old'",
    )


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file stands at `path`, None for none.

    Raises:
        StoreError: something that is not a file stands there.
    """
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        kind = "a directory" if stat.S_ISDIR(found.st_mode) else "not a regular file"
        raise StoreError(
            f"the chat store should be a file, but {kind} stands in its place",
            where=str(path),
            hint="move it away, or set OCKIT_HOME to another directory",
        )
    return found.st_dev, found.st_ino
