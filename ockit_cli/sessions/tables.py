"""The few statements that the store is made of. Knows the tables' columns; opens nothing, commits nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from ockit.errors import NotFound, StoreError
from ockit.sessions import rows
from ockit.sessions.ids import normal
from ockit.sessions.records import Moderation, StoredMessage

SESSIONS = (
    "SELECT s.*, (SELECT count(*) FROM messages m WHERE m.session_id = s.id) AS n_messages FROM sessions s"
)
# UNION, not UNION ALL: a damaged file may hold a circle
PATH = """WITH RECURSIVE path(id) AS (
    SELECT ? UNION SELECT m.parent_id FROM messages m JOIN path USING (id) WHERE m.parent_id IS NOT NULL)"""


def messages(
    connection: sqlite3.Connection, with_clause: str, where: str, value: str
) -> tuple[StoredMessage, ...]:
    """The messages ``m`` for which `where` holds, in the order they were begun, with sources and verdicts.
    The one ``?`` of the statement is `value`."""

    def select(columns: str, join: str = "") -> list[sqlite3.Row]:
        query = (
            f"{with_clause} SELECT {columns} FROM messages m {join} WHERE {where} ORDER BY {columns[0]}.key"  # noqa: S608
        )
        return connection.execute(query, (value,)).fetchall()

    extras: dict[str, dict[str, list[sqlite3.Row]]] = {"sources": {}, "verdicts": {}}
    for table, found in extras.items():
        for row in select("x.*", f"JOIN {table} x ON x.message_id = m.id"):
            found.setdefault(row["message_id"], []).append(row)
    return tuple(
        rows.message_out(row, extras["sources"].get(row["id"], ()), extras["verdicts"].get(row["id"], ()))
        for row in select("m.*")
    )


def insert(connection: sqlite3.Connection, table: str, values: Mapping[str, Any]) -> None:
    """Add a row."""
    marks = ", ".join("?" * len(values))
    query = f"INSERT INTO {table}({', '.join(values)}) VALUES ({marks})"  # noqa: S608 - our own names
    connection.execute(query, [rows.value_in(value) for value in values.values()])


def update(connection: sqlite3.Connection, table: str, row_id: str, values: Mapping[str, Any]) -> None:
    """Change the row with this id. Raises StoreError where there is none any more."""
    query = f"UPDATE {table} SET {', '.join(f'{name} = ?' for name in values)} WHERE id = ?"  # noqa: S608
    changed = connection.execute(query, [*(rows.value_in(value) for value in values.values()), row_id])
    if changed.rowcount == 0:
        raise StoreError(
            f"{row_id} is no longer in the chat store: its session was removed",
            hint="ockit sessions list shows what is there",
        )


def add_moderation(connection: sqlite3.Connection, message_id: str, found: Moderation) -> None:
    """Add what moderation made of a message that is there."""
    for each in found.verdicts:
        insert(connection, "verdicts", rows.verdict_in(message_id, each.role, each.verdict))
    if found.metadata is not None:
        update(connection, "messages", message_id, {"metadata": found.metadata})


def require(connection: sqlite3.Connection, table: str, row_id: str, session_id: str | None = None) -> None:
    """Raise NotFound unless the row is there (and belongs to the session, where one is given)."""
    owner = "" if session_id is None else " AND session_id = ?"
    query = f"SELECT 1 FROM {table} WHERE id = ?{owner}"  # noqa: S608
    values = (row_id,) if session_id is None else (row_id, session_id)
    if connection.execute(query, values).fetchone() is None:
        no_session(row_id, []) if table == "sessions" else no_message(row_id)


def is_untitled(connection: sqlite3.Connection, session_id: str) -> bool:
    """Whether a session has no title yet."""
    row = connection.execute("SELECT title FROM sessions WHERE id = ?", (session_id,)).fetchone()
    return bool(row["title"] is None)


def no_session(name: str, ids: Sequence[str]) -> NoReturn:
    """Raise NotFound for a session, naming the nearest of `ids`."""
    from difflib import get_close_matches

    near = get_close_matches(normal(name), ids, n=3, cutoff=0.5)
    raise NotFound(
        f"there is no session {name!r}",
        hint=f"did you mean {' or '.join(near)}?" if near else "ockit sessions list shows them",
    )


def no_message(message_id: str) -> NoReturn:
    """Raise NotFound for a message."""
    raise NotFound(f"there is no message {message_id!r}", hint="ockit sessions show ID lists them")
