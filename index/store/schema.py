"""The tables of an index, version by version.

Texts stand as UTF-8 bytes, lone surrogates and all: names of files may be no UTF-8, and such a name must stop no run.
``AUTOINCREMENT`` is meant: an id is never used again, so that one that a reader still holds finds its row or none.
``sum`` is the CRC-32 of a row's fields (`ockit.index.store.rows`): SQLite does not notice a changed byte in a text.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ockit import databases
from ockit.databases import Migration

APPLICATION_ID = 0x6F636978  # "ocix"

_FIRST: Migration = (
    "CREATE TABLE meta(name TEXT PRIMARY KEY NOT NULL, value NOT NULL) WITHOUT ROWID",
    """CREATE TABLE files(
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        root INTEGER NOT NULL CHECK(root >= 0),
        path BLOB NOT NULL,
        size INTEGER NOT NULL CHECK(size >= 0),
        mtime_ns INTEGER NOT NULL,
        ino INTEGER NOT NULL,
        ctime_ns INTEGER NOT NULL,
        digest BLOB NOT NULL,
        kind TEXT NOT NULL,
        state TEXT NOT NULL CHECK(state IN ('ok', 'failed', 'skipped')),
        reason BLOB NOT NULL,
        has_lines INTEGER NOT NULL CHECK(has_lines IN (0, 1)),
        title BLOB NOT NULL,
        n_chunks INTEGER NOT NULL CHECK(n_chunks >= 0),
        sum INTEGER NOT NULL,
        UNIQUE(root, path))""",
    """CREATE TABLE vectors(
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        key BLOB NOT NULL UNIQUE CHECK(length(key) = 16),
        vector BLOB NOT NULL)""",
    """CREATE TABLE chunks(
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        file_id INTEGER NOT NULL REFERENCES files(id),
        ordinal INTEGER NOT NULL CHECK(ordinal >= 0),
        vector_id INTEGER NOT NULL REFERENCES vectors(id),
        start INTEGER NOT NULL CHECK(start >= 0),
        text BLOB NOT NULL,
        start_line INTEGER NOT NULL,
        end_line INTEGER NOT NULL,
        page INTEGER,
        heading BLOB NOT NULL,
        defines BLOB NOT NULL,
        sum INTEGER NOT NULL,
        UNIQUE(file_id, ordinal))""",
    "CREATE INDEX chunks_vector ON chunks(vector_id)",
    # contentless: a row is deleted by giving its words again, which `index_words` makes from the chunk
    """CREATE VIRTUAL TABLE words USING fts5(
        body, heading, path, content='', tokenize='porter unicode61 remove_diacritics 2')""",
)

MIGRATIONS: tuple[Migration, ...] = (_FIRST,)
"""``MIGRATIONS[n]`` leads from version n to n + 1; version 0 is an empty file."""


def version_of(connection: sqlite3.Connection, path: Path) -> int:
    """The schema version of the database at `path`, 0 for an empty one. Raises as `databases.version_of`."""
    return databases.version_of(
        connection,
        path,
        len(MIGRATIONS),
        APPLICATION_ID,
        "an index",
        "give the index another name with --name",
    )
