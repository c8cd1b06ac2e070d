"""The SQLite file of an index: opened, locked, read in snapshots, and what its failures mean to a person.

Of the tables it knows nothing. Durability: rollback journal with ``synchronous=EXTRA``; a new file gets a
write-ahead log where SQLite's is sound. ``cache_spill`` is off: a transaction that spilled would lock readers out
until its end; so they wait for the moment of a commit only. The file is never opened by other means than SQLite
while it is in use: closing another descriptor would drop this process's POSIX locks.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from ockit import databases
from ockit.errors import NotFound, StoreError
from ockit.index.places import IndexPlace
from ockit.index.store import schema
from ockit.index.store.facts import rebuild_command
from ockit.index.store.rows import Damaged

_OTHER_TABLES = re.compile(r"no such (table|column)|has no column named")

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

BUSY_S = 5.0
"""How long a transaction waits for another process, in seconds."""


class Database:
    """One connection to the store of an index; may be used from several threads, one at a time.

    Args:
        place: the index.
        readonly: nothing is written, not even where it could be.
    """

    def __init__(self, place: IndexPlace, *, readonly: bool) -> None:
        self.path = Path(
            os.path.realpath(place.database)
        )  # a journal lies beside the file, not beside a link
        self._name = place.name
        self._readonly = readonly
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._in_snapshot = False
        self._courtesy = databases.Courtesy()
        self._lock = threading.RLock()

    def read(self, work: Work[T]) -> T:
        """What `work` reads, in one snapshot. Raises StoreError, NotFound."""
        with self._lock:
            if self._in_snapshot:
                with self._explained():
                    return work(self._opened())
            return self._run(lambda: databases.transaction(self._opened(), work, "BEGIN"))

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """What is read inside is of one moment. A writer waits for its end. Raises StoreError, NotFound."""
        with self._lock:
            if self._in_snapshot:
                yield
                return
            self._run(self._begin)
            self._in_snapshot = True
            try:
                yield
            finally:
                self._in_snapshot = False
                if self._connection is not None and self._connection.in_transaction:
                    with self._explained():  # of a damaged file even this may fail
                        self._connection.execute("COMMIT")

    def write(self, work: Work[T]) -> T:
        """What `work` returns, once everything it wrote is on the disk. Raises StoreError: nothing was written."""
        with self._lock:
            return self._courtesy.after(
                lambda: self._run(lambda: databases.transaction(self._opened(), work, "BEGIN IMMEDIATE"))
            )

    def close(self) -> None:
        """Close the connection; a later call opens it again."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def _begin(self) -> None:
        connection = self._opened()
        connection.execute("BEGIN")
        try:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # takes the lock now
        except sqlite3.Error:
            connection.execute("ROLLBACK")
            raise

    def _run(self, attempt: Callable[[], T]) -> T:
        with self._explained():
            return databases.patiently(attempt, BUSY_S)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, Damaged, UnicodeDecodeError, OSError) as error:
            raise explained(error, self.path, self._name) from error

    def _opened(self) -> sqlite3.Connection:
        found = _identity(self.path, self._name)
        if self._connection is not None and found == self._identity:
            return self._connection
        if self._in_snapshot:
            raise Damaged("it was replaced while it was read")
        self.close()  # replaced by a rebuild or an import: the old file is nobody's any more
        size = self.path.stat().st_size
        if size < databases.SMALLEST_PAGE:
            raise Damaged(f"it is too short for a database ({size} bytes)")
        connection = self._connected()
        try:
            version = schema.version_of(connection, self.path)
            if version < len(schema.MIGRATIONS):
                if version == 0:
                    raise Damaged("it has no tables")
                databases.migrate(connection, self.path, schema.MIGRATIONS, schema.APPLICATION_ID)
            if self._readonly:
                connection.execute("PRAGMA query_only = ON")
        except BaseException:
            connection.close()
            raise
        self._connection, self._identity = connection, found
        return connection

    def _connected(self) -> sqlite3.Connection:
        """Read-write even for a reader, where the file allows it: who finds the journal of a killed writer must
        play it back before anything can be read."""
        if not os.access(self.path.parent, os.W_OK) and not _has_log(self.path):
            # a file in WAL mode wants to make its log even for reading; where nobody can write, nobody changes it
            if _header_says_wal(self.path):
                return connect(self.path, "mode=ro&immutable=1")
            return connect(self.path, "mode=ro")
        return connect(self.path, "mode=rw")


def create(path: Path) -> None:
    """Make an empty store, tables and all, where there is no file. Raises sqlite3.Error, OSError."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    connection = connect(path, "mode=rw")
    try:
        if databases.safe_wal(sqlite3.sqlite_version_info):
            connection.execute("PRAGMA journal_mode = WAL")
        databases.migrate(connection, path, schema.MIGRATIONS, schema.APPLICATION_ID)
    finally:
        connection.close()


def settle(place: IndexPlace) -> None:
    """Play a killed writer's journal back, or its log in, so that the file alone is the whole store. One that is
    missing, or too damaged to be opened, is left as it is: nothing could be read of it anyway.

    Raises:
        StoreError: another program keeps it locked, or the disk is full or fails.
    """
    if not place.exists:
        return

    def attempt() -> None:
        with closing(connect(path, "mode=rw")) as connection:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            # whether somebody is in the way, pages in the log, how many of them are in the file
            busy, logged, merged = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy and logged != merged:
                locked = sqlite3.OperationalError("a reader needs the log")
                locked.sqlite_errorcode = sqlite3.SQLITE_BUSY
                raise locked

    path = Path(os.path.realpath(place.database))
    try:
        databases.patiently(attempt, BUSY_S)
    except (sqlite3.Error, OSError) as error:
        if not databases.shows_damage(error):
            raise explained(error, path, place.name) from error


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """A connection as `databases.connect` makes one. Raises sqlite3.Error."""
    return databases.connect(path, mode, ("cache_spill = OFF", "trusted_schema = OFF"))


def explained(error: Exception, path: Path, name: str) -> StoreError:
    """A failure of SQLite or the file system, as what, where and what to do."""
    known = databases.explained(error, path, f"the index {name}", "indexed", BUSY_S)
    if known is not None:
        return known
    if databases.primary_code(error) == sqlite3.SQLITE_ERROR and _OTHER_TABLES.search(str(error)):
        # until the first release, tables may change without their version
        return StoreError(
            f"the index {name} was made by another version of ockit ({error})",
            where=str(path),
            hint=f"make it anew from its files: {rebuild_command(name)}",
        )
    # sqlite3 fails to decode a message that quotes damaged names
    damaged = isinstance(error, Damaged | UnicodeDecodeError) or databases.shows_damage(error)
    what = f"is damaged: {error}" if damaged else f"cannot be used ({error})"
    return StoreError(
        f"the index {name} {what}",
        where=str(path),
        hint=f"make it anew from its files: {rebuild_command(name)}",
    )


def missing(path: Path, name: str) -> NotFound:
    """What it means that there is no file at `path`."""
    return NotFound(
        f"there is no index {name}", where=str(path.parent), hint="ockit indexes list shows those there are"
    )


def _identity(path: Path, name: str) -> tuple[int, int]:
    """Which file stands at `path`. Raises NotFound, OSError."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise missing(path, name) from None
    if not path.is_file():
        raise Damaged("this is no file")
    return found.st_dev, found.st_ino


def _has_log(path: Path) -> bool:
    """Whether a journal or a log lies beside, which only someone who can write could play back."""
    return any(path.with_name(path.name + ending).exists() for ending in ("-wal", "-journal"))


def _header_says_wal(path: Path) -> bool:
    """Whether bytes 18 and 19 of the header (https://www.sqlite.org/fileformat2.html) say write-ahead log. Only
    asked where nobody can write, so that no lock is lost by closing this descriptor."""
    with path.open("rb") as file:
        return file.read(20)[18:] == b"\x02\x02"
