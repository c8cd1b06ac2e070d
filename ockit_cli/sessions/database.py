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
import time
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

COURTESY_S = 0.005
"""The longest pause between two writes of one process, in seconds. SQLite's lock is not a queue: on a slow disk a
process that writes without a pause would shut out all others for good."""

_SMALLEST_PAGE = 512


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
        self._courtesy_until = 0.0
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
            time.sleep(max(0.0, min(self._courtesy_until - time.monotonic(), COURTESY_S)))
            begun = time.monotonic()
            result = self._run(lambda: databases.transaction(self._made(), work, "BEGIN IMMEDIATE"))
            ended = time.monotonic()
            self._courtesy_until = ended + min(COURTESY_S, (ended - begun) / 8)
        return result

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
    return 0 < path.stat().st_size < _SMALLEST_PAGE


def connect(path: Path) -> sqlite3.Connection:
    """A connection in autocommit mode to a file that exists. It does not wait for locks; its user tries again.

    Raises:
        sqlite3.Error: it cannot be opened, or is no database.
    """
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode=rw", uri=True, timeout=0, isolation_level=None, check_same_thread=False
    )
    try:
        connection.row_factory = sqlite3.Row
        # a damaged text must not stop us from reading the rest of it
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        for pragma in ("foreign_keys = ON", "synchronous = EXTRA", "cell_size_check = ON"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("PRAGMA secure_delete = ON")  # a chat that was removed is gone from the file
        mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
        if mode == "wal" and not databases.safe_wal(sqlite3.sqlite_version_info):
            with suppress(sqlite3.OperationalError):  # in use elsewhere: the next process that opens it tries
                connection.execute("PRAGMA journal_mode = DELETE")
    except BaseException:
        connection.close()
        raise
    return connection


def explained(error: Exception, path: Path) -> StoreError:
    """A failure of SQLite or the file system, as what, where and what to do."""
    if isinstance(error, OSError):
        place = Path(error.filename) if isinstance(error.filename, str) else path
        found = files.explained(error, place, "open the chat store")
        return StoreError(found.what, where=found.where, hint=found.hint)
    where = str(path)
    code = databases.primary_code(error)
    if databases.is_locked(error):
        what = f"another program kept the chat store locked for more than {BUSY_S:.0f} s"
        hint = "end the other ockit, or try again"
    elif code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        what = (
            f"the disk under the chat store is full or fails ({error}); what was saved before is still there"
        )
        hint = "free some space (ockit dirs shows where things are), or set OCKIT_HOME to another disk"
    elif code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
        what = f"the chat store cannot be written ({error})"
        hint = "make the file and its directory writable, or set OCKIT_HOME to one that is"
    elif databases.lacks_fts5(error):
        what = f"this Python's SQLite {sqlite3.sqlite_version} lacks full-text search ({error})"
        hint = "use a Python from python.org or your distribution"
    else:
        what = f"the chat store cannot be used ({error})"
        hint = f"move it aside and a new one is made: mv '{path}' '{path}.old'"
    return StoreError(what, where=where, hint=hint)


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
