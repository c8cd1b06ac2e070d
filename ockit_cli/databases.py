"""What every SQLite file of ockit's has in common: transactions, patience with locks, migrations and their backup.

Knows SQLite and its faults; knows no table, and not what a fault means to the person.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

Migration = tuple[str, ...]
"""Statements that lead from one version of a schema to the next. Once released, one is never changed."""

_POLL_S = 0.001
"""Plus up to 2 ms of chance. SQLite itself would soon look every 100 ms only."""


def transaction(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T], begin: str) -> T:
    """What `work` returns, in one transaction that `begin` opens; on the disk when this returns, or undone."""
    connection.execute(begin)
    try:
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite itself rolls back after some errors
            with suppress(sqlite3.Error):  # the first error is the one to tell
                connection.execute("ROLLBACK")
        raise
    return result


def patiently(attempt: Callable[[], T], patience_s: float) -> T:
    """What `attempt` gives, tried again for so many seconds while another connection stands in the way."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return attempt()
        except sqlite3.Error as error:
            if not is_locked(error) or time.monotonic() >= deadline:
                raise
        time.sleep(_POLL_S + time.monotonic_ns() % 2_000_000 / 1e9)  # so that two do not poll in step


def migrate(
    connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration], application_id: int
) -> None:
    """Bring an open database (autocommit mode) to the last version, in one transaction, after a backup.

    Raises:
        sqlite3.Error, OSError: nothing has changed.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        # read under the write lock: another process may have been faster
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if 0 < version < len(migrations):
            _back_up(path, version)
        for statement in (line for migration in migrations[version:] for line in migration):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {application_id}")
        connection.execute(f"PRAGMA user_version = {max(version, len(migrations))}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _back_up(path: Path, version: int) -> None:
    """Copy the database to ``NAME.bak-vN``. The caller holds the write lock, so a second connection (SQLite
    refuses to copy from the one that writes) sees exactly what the migration will see."""
    final = path.with_name(f"{path.name}.bak-v{version}")
    part = final.with_name(f"{final.name}.part")
    with closing(sqlite3.connect(path)) as source:
        copy(source, part)
    os.replace(part, final)


def copy(source: sqlite3.Connection, target: Path) -> None:
    """Copy a database as it stands to a file for its owner alone, which replaces what is there.

    Raises:
        sqlite3.Error, OSError: the target, where it is there at all, is of no use.
    """
    target.unlink(missing_ok=True)
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(target)) as made:
        source.backup(made)


def is_locked(error: Exception) -> bool:
    """Whether another process (or connection) stands in the way, which passes."""
    return primary_code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def shows_damage(error: Exception) -> bool:
    """Whether the content of the file is at fault, and not the disk, a lock or the machine."""
    code = primary_code(error)
    if code == sqlite3.SQLITE_ERROR:  # a table that the version promises is not there
        return str(error).startswith("no such") and not lacks_fts5(error)
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def primary_code(error: Exception) -> int:
    """SQLite's primary result code; 0 for another error."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def lacks_fts5(error: Exception) -> bool:
    """Whether this build of SQLite lacks full-text search."""
    return "no such module" in str(error)


def safe_wal(version: tuple[int, ...]) -> bool:
    """Whether this release of SQLite has a write-ahead log without the corruption bug."""
    return version >= (3, 51, 3)
