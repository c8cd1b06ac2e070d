"""What happens to a damaged database: it is set aside, and what can be read of it goes into a new one.

Nothing is deleted. The damaged file becomes ``NAME.corrupt-YYYYmmdd-HHMMSS`` (its journals likewise), byte for
byte, before the new one takes its place. Rows are read by their keys from both ends; where that fails, one by
one. A row that ockit cannot have written is left out; a message whose session is lost gets a new one, a message
whose parent is lost follows the one saved before it.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from ockit.errors import StoreError
from ockit.events import Notice
from ockit.files import lock
from ockit.sessions import rows, schema
from ockit.sessions.database import Damaged, connect, is_stump, shows_damage

Row = dict[str, Any]
Table = dict[int, Row]

_PROBES = 100_000
"""How many keys at most are tried one by one beyond the last one that was read."""

_PATIENCE_S = 60.0
"""How long one process waits for another to mend the file, in seconds."""

_COMPANIONS = ("-journal", "-wal", "-shm")


def mend(path: Path) -> Notice | None:
    """Put a sound database in the place of a damaged one.

    Returns:
        What to tell the person; None where another process had mended it already.

    Raises:
        StoreError: a newer or foreign database stands there; it is left as it is.
        OSError, sqlite3.Error: nothing was replaced.
    """
    with lock(path.with_name(f"{path.name}.mending"), timeout=_PATIENCE_S):
        if _is_sound(path):
            return None
        fresh = path.with_name(f"{path.name}.new")
        for suffix in ("", *_COMPANIONS):
            fresh.with_name(fresh.name + suffix).unlink(missing_ok=True)  # of a mending that was killed
        os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        sessions, messages = _copy(path, fresh)
        aside = _set_aside(path)
        os.replace(fresh, path)
    saved = f"{messages} messages of {sessions} sessions were read from it into a new one"
    return Notice(
        f"the chat store {path} was damaged: {saved if messages else 'nothing could be read from it'}; "
        f"the damaged file is kept as {aside.name} beside it",
        kind="store_mended",
    )


def _is_sound(path: Path) -> bool:
    """Whether SQLite and our own reading find no fault in the file, or it is gone."""
    if not path.exists():
        return True
    if is_stump(path):
        return False
    try:
        with closing(connect(path)) as connection:
            if schema.version_of(connection, path) < len(schema.MIGRATIONS):
                return False
            if connection.execute("PRAGMA integrity_check(1)").fetchone()[0] != "ok":
                return False
            found: Iterable[tuple[str, Callable[[sqlite3.Row], object]]] = _READERS.items()
            for table, check in found:
                for row in connection.execute(f"SELECT *, 0 AS n_messages FROM {table}"):  # noqa: S608
                    check(row)
            connection.execute("BEGIN IMMEDIATE")  # closing rolls back: this only looks, but as a write
            connection.execute("INSERT INTO messages_text(messages_text, rank) VALUES ('integrity-check', 1)")
    except (sqlite3.DatabaseError, Damaged) as error:
        if not shows_damage(error):
            raise
        return False
    return True


def _set_aside(path: Path) -> Path:
    """Give the damaged file its second name (a link: at every instant one of the two stands at `path`)."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    for attempt in range(100):
        aside = path.with_name(f"{path.name}.corrupt-{stamp}{f'-{attempt}' if attempt else ''}")
        if aside.exists():
            continue
        for suffix in _COMPANIONS:  # before the new file comes: it must not find an old journal
            companion = path.with_name(path.name + suffix)
            if companion.exists():
                os.rename(companion, aside.with_name(aside.name + suffix))
        try:
            os.link(path, aside)
        except OSError:  # a file system without links
            os.rename(path, aside)
        return aside
    raise StoreError(
        f"{path.name} is damaged again and again",
        where=str(path),
        hint="check the disk; the damaged files beside it are copies to keep",
    )


def _copy(damaged: Path, fresh: Path) -> tuple[int, int]:
    """Read what can be read and write it. Returns the numbers of sessions and messages."""
    size = damaged.stat().st_size
    tables: dict[str, Table] = {table: {} for table in _READERS}
    try:
        with closing(connect(damaged)) as source:
            source.execute("PRAGMA query_only = ON")
            source.execute("BEGIN")  # one snapshot: nobody can write in the middle of it
            tables = {table: _read(source, table, size) for table in _READERS}
    except sqlite3.DatabaseError as error:
        if not shows_damage(error):
            raise
        # not even its list of tables can be read: the new store begins empty
    _join(tables)
    with closing(connect(fresh)) as target:
        schema.migrate(target, fresh)
        target.execute("BEGIN IMMEDIATE")
        for table, found in tables.items():
            for row in found.values():
                marks = ", ".join(f":{name}" for name in row)
                target.execute(f"INSERT INTO {table}({', '.join(row)}) VALUES ({marks})", row)  # noqa: S608
        target.execute("COMMIT")
    return len(tables["sessions"]), len(tables["messages"])


def _read(source: sqlite3.Connection, table: str, size: int) -> Table:
    """Every readable and plausible row of a table, by key."""
    found: Table = {}
    seen: set[int] = set()

    def take(row: sqlite3.Row) -> None:
        seen.add(row["key"])
        try:
            _READERS[table](row)
        except Damaged:
            return
        found[row["key"]] = {name: row[name] for name in row.keys() if name != "n_messages"}  # noqa: SIM118

    def scan(order: str) -> bool:
        """Whether the scan came to its end."""
        query = f"SELECT *, 0 AS n_messages FROM {table} ORDER BY key {order}"  # noqa: S608
        try:
            for row in source.execute(query):
                if row["key"] in seen:
                    break
                take(row)
        except sqlite3.DatabaseError as error:
            if not shows_damage(error):
                raise
            return False
        return True

    if scan("ASC"):
        return dict(sorted(found.items()))
    low = max(seen, default=0)
    scan("DESC")
    high = max(seen, default=0)
    if high == low:  # the end is damaged too; no row takes less than 32 bytes
        high = low + min(size // 32, _PROBES)
    for key in range(low + 1, min(high, low + size // 32 + _PROBES) + 1):
        if key in seen:
            continue
        try:
            for row in source.execute(f"SELECT *, 0 AS n_messages FROM {table} WHERE key = ?", (key,)):  # noqa: S608
                take(row)
        except sqlite3.DatabaseError as error:
            if not shows_damage(error):
                raise
            # else this row lies in the damaged part
    return dict(sorted(found.items()))


def _join(tables: dict[str, Table]) -> None:
    """Mend the references between the rows that are left."""
    for table in ("sessions", "messages"):
        _drop_twins(tables[table])
    sessions = {row["id"]: row for row in tables["sessions"].values()}
    known: set[str] = set()
    last: dict[str, str] = {}
    for row in tables["messages"].values():
        session = sessions.get(row["session_id"])
        if session is None:
            session = sessions[row["session_id"]] = _substitute(row, tables["sessions"])
        if row["parent_id"] not in known:
            row["parent_id"] = last.get(row["session_id"])
        known.add(row["id"])
        last[row["session_id"]] = row["id"]
    for row in sessions.values():
        if row["head"] not in known:
            row["head"] = last.get(row["id"])
    for table in ("sources", "verdicts"):
        tables[table] = {k: row for k, row in tables[table].items() if row["message_id"] in known}


def _drop_twins(table: Table) -> None:
    seen: set[str] = set()
    for key, row in list(table.items()):
        if row["id"] in seen:
            del table[key]
        seen.add(row["id"])


def _substitute(message: Row, sessions: Table) -> Row:
    """A session for messages whose own is lost."""
    row: Row = dict.fromkeys(("title", "model", "template", "system", "head"))
    row |= {
        "key": max(sessions, default=0) + 1,
        "id": message["session_id"],
        "title": "(recovered)",
        "created_at": message["created_at"],
        "updated_at": message["updated_at"],
        "metadata": "{}",
    }
    sessions[row["key"]] = row
    return row


_READERS: dict[str, Callable[[sqlite3.Row], object]] = {
    "sessions": rows.session_out,
    "messages": rows.message_out,
    "sources": rows.source_out,
    "verdicts": rows.verdict_out,
}
