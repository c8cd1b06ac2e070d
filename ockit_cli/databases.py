"""What every SQLite file of ockit's has in common: how it is connected to, transactions, patience with locks and pauses
for others, migrations and their backup, and what the faults mean that are not its content's.

Knows SQLite and its faults; knows no table.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

from ockit import files
from ockit.errors import StoreError

T = TypeVar("T")

Migration = tuple[str, ...]
"""Statements that lead from one version of a schema to the next. Once released, one is never changed."""

SMALLEST_PAGE = 512
"""Bytes of the shortest file that is a database; SQLite would take a shorter one for empty and write over it."""

_POLL_S = 0.001
"""Plus up to 2 ms of chance. SQLite itself would soon look every 100 ms only."""

_COURTESY_S = 0.005
"""The longest pause between two writes of one process, in seconds. SQLite's lock is not a queue: on a slow disk a
process that writes without a pause would shut out all others for good."""


class Courtesy:
    """A pause after each write, as long as an eighth of it, in which others get their turn."""

    def __init__(self) -> None:
        self._until = 0.0

    def after(self, write: Callable[[], T]) -> T:
        """What `write` gives, once the pause after the last one is over."""
        time.sleep(max(0.0, min(self._until - time.monotonic(), _COURTESY_S)))
        begun = time.monotonic()
        result = write()
        ended = time.monotonic()
        self._until = ended + min(_COURTESY_S, (ended - begun) / 8)
        return result


def connect(path: Path, mode: str = "mode=rw", pragmas: Sequence[str] = ()) -> sqlite3.Connection:
    """A connection in autocommit mode to a file that exists. It does not wait for locks; its user tries again.

    Args:
        path: absolute.
        mode: parameters of SQLite's URI.
        pragmas: further ones than every file of ockit's has, as ``name = value``.

    Raises:
        sqlite3.Error: it cannot be opened, or is no database.
    """
    connection = sqlite3.connect(
        f"{path.as_uri()}?{mode}", uri=True, timeout=0, isolation_level=None, check_same_thread=False
    )
    try:
        # a damaged text must not stop us from reading the rest of it
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        for pragma in ("foreign_keys = ON", "synchronous = EXTRA", "cell_size_check = ON", *pragmas):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("PRAGMA secure_delete = ON")  # what was removed is gone from the file
        kept_as = connection.execute("PRAGMA journal_mode").fetchone()[0]
        if kept_as == "wal" and mode == "mode=rw" and not safe_wal(sqlite3.sqlite_version_info):
            with suppress(sqlite3.OperationalError):  # in use elsewhere: the next process that opens it tries
                connection.execute("PRAGMA journal_mode = DELETE")
    except BaseException:
        connection.close()
        raise
    return connection


def version_of(
    connection: sqlite3.Connection, path: Path, known: int, application_id: int, a_file: str, elsewhere: str
) -> int:
    """The schema version of the database at `path`, 0 for an empty one.

    Args:
        known: the last version that this ockit knows.
        a_file: what the file should be, with its article.
        elsewhere: what to do so that another file is used, completing "move it away, or ...".

    Raises:
        StoreError: it is another program's database, or a newer ockit wrote it. It is left as it is.
        sqlite3.DatabaseError: it is damaged.
    """
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    owner = int(connection.execute("PRAGMA application_id").fetchone()[0])
    if owner != application_id and (tables or version or owner):
        raise StoreError(
            f"this is a database of another program, not {a_file}",
            where=str(path),
            hint=f"move it away, or {elsewhere}",
        )
    if version > known:
        raise StoreError(
            f"a newer ockit wrote this {a_file.partition(' ')[2]} (version {version}, this one knows {known})",
            where=str(path),
            hint="upgrade ockit: pip install --upgrade ockit",
        )
    return version


def explained(error: Exception, path: Path, the_file: str, done: str, patience_s: float) -> StoreError | None:
    """What a failure of SQLite or the system means to a person; None for one of the file's content.

    Args:
        the_file: what a person calls it, with its article.
        done: what was done with what is in it, as in "what was ... before is still there".
        patience_s: how long a lock was waited for.
    """
    code = primary_code(error)
    if isinstance(error, OSError):
        place = Path(error.filename) if isinstance(error.filename, str) else path
        found = files.explained(error, place, f"open {the_file}")
        return StoreError(found.what, where=found.where, hint=found.hint)
    if is_locked(error):
        what = f"another program kept {the_file} locked for more than {patience_s:.0f} s"
        hint = "end the other ockit, or try again"
    elif code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        what = f"the disk under {the_file} is full or fails ({error}); what was {done} before is still there"
        hint = "free some space (ockit dirs shows where things are), or set OCKIT_HOME to another disk"
    elif code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
        what = f"{the_file} cannot be written ({error})"
        hint = "make the file and its directory writable, or set OCKIT_HOME to one that is"
    elif lacks_fts5(error):
        what = f"this Python's SQLite {sqlite3.sqlite_version} lacks full-text search ({error})"
        hint = "use a Python from python.org or your distribution"
    else:
        return None
    return StoreError(what, where=str(path), hint=hint)


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
