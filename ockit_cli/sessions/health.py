"""Whether the chat store is sound, found out without changing a byte of it (opening it as a Store mends it)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from ockit.errors import StoreError
from ockit.sessions.database import BUSY_S, explained, is_stump, shows_damage
from ockit.sessions.schema import version_of


def check(path: Path) -> int | None:
    """The number of saved sessions in a sound store; None where there is no store yet.

    Reads every page (SQLite's ``quick_check``: about a second for a gigabyte).

    Raises:
        StoreError: it is damaged, another program's, of a newer ockit, locked, or cannot be read.
    """
    try:
        if not path.exists() or path.stat().st_size == 0:
            return None
        if is_stump(path):
            raise _damaged(path, "it is too short for a database")
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None)) as connection:
            if version_of(connection, path) == 0:
                return None
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                raise _damaged(path, str(found))
            return int(connection.execute("SELECT count(*) FROM sessions").fetchone()[0])
    except (sqlite3.Error, OSError) as error:
        if shows_damage(error):
            raise _damaged(path, str(error)) from error
        raise explained(error, path) from error


def _damaged(path: Path, reason: str) -> StoreError:
    return StoreError(
        f"the chat store is damaged: {reason.splitlines()[0]}",
        where=str(path),
        hint="ockit sessions list: it is set aside, and what can be read of it goes into a new one",
    )
