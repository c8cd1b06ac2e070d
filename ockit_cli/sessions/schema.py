"""The tables, version by version, and how a database gets from one version to the next.

The version stands in SQLite's ``user_version``; ``application_id`` says that a database is ockit's. All migrations that
are due run in one transaction together with the new version number, after the database was copied to ``NAME.bak-vN``.
A new one is added at the end.

Every table has an integer ``key`` (in order of insertion, stable through VACUUM); the full-text index hangs on
it. Deferred constraints let the rows of one session go in any order; a cascade from parent to child would nest
as deep as the chat is long and end at SQLite's limit of 1,000.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from ockit import databases
from ockit.databases import Migration

APPLICATION_ID = 0x6F636B74  # "ockt"

_TREE: Migration = (
    """CREATE TABLE sessions(
        key INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        title TEXT,
        model TEXT,
        template TEXT,
        system TEXT,
        created_at REAL NOT NULL,
        updated_at REAL NOT NULL,
        head TEXT REFERENCES messages(id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
        metadata TEXT NOT NULL DEFAULT '{}')""",
    "CREATE INDEX sessions_updated ON sessions(updated_at)",
    """CREATE TABLE messages(
        key INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        session_id TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
        parent_id TEXT REFERENCES messages(id) DEFERRABLE INITIALLY DEFERRED,
        role TEXT NOT NULL,
        text TEXT NOT NULL,
        token_ids BLOB,
        state TEXT NOT NULL,
        writer TEXT,
        model TEXT,
        finish_reason TEXT,
        error TEXT,
        created_at REAL NOT NULL,
        updated_at REAL NOT NULL,
        sampling TEXT,
        seed INTEGER,
        prompt_tokens INTEGER,
        cached_tokens INTEGER,
        completion_tokens INTEGER,
        load_s REAL,
        prefill_s REAL,
        decode_s REAL,
        first_token_s REAL,
        rating INTEGER,
        metadata TEXT NOT NULL DEFAULT '{}')""",
    "CREATE INDEX messages_session ON messages(session_id)",
    "CREATE INDEX messages_parent ON messages(parent_id)",
    """CREATE TABLE sources(
        key INTEGER PRIMARY KEY,
        message_id TEXT NOT NULL REFERENCES messages(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
        path TEXT NOT NULL,
        start_line INTEGER,
        end_line INTEGER,
        page INTEGER,
        heading TEXT NOT NULL,
        text TEXT NOT NULL,
        score REAL)""",
    "CREATE INDEX sources_message ON sources(message_id)",
    """CREATE TABLE verdicts(
        key INTEGER PRIMARY KEY,
        message_id TEXT NOT NULL REFERENCES messages(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
        role TEXT NOT NULL,
        level INTEGER NOT NULL,
        p_level TEXT NOT NULL,
        categories TEXT NOT NULL,
        hits TEXT NOT NULL,
        action TEXT NOT NULL,
        reason TEXT NOT NULL,
        backend TEXT NOT NULL,
        ms REAL,
        status TEXT NOT NULL)""",
    "CREATE INDEX verdicts_message ON verdicts(message_id)",
)

_FULL_TEXT: Migration = (
    """CREATE VIRTUAL TABLE messages_text USING fts5(
        text, content='messages', content_rowid='key', tokenize='unicode61 remove_diacritics 2')""",
    """CREATE TRIGGER messages_text_insert AFTER INSERT ON messages BEGIN
        INSERT INTO messages_text(rowid, text) VALUES (new.key, new.text); END""",
    """CREATE TRIGGER messages_text_delete AFTER DELETE ON messages BEGIN
        INSERT INTO messages_text(messages_text, rowid, text) VALUES ('delete', old.key, old.text); END""",
    """CREATE TRIGGER messages_text_update AFTER UPDATE OF key, text ON messages
        WHEN old.key IS NOT new.key OR old.text IS NOT new.text BEGIN
        INSERT INTO messages_text(messages_text, rowid, text) VALUES ('delete', old.key, old.text);
        INSERT INTO messages_text(rowid, text) VALUES (new.key, new.text); END""",
    "INSERT INTO messages_text(messages_text) VALUES ('rebuild')",
)

_WHENCE: Migration = (
    "ALTER TABLE sources ADD COLUMN file TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE sources ADD COLUMN index_name TEXT NOT NULL DEFAULT ''",
)

_STEERING: Migration = (
    "ALTER TABLE verdicts ADD COLUMN injection REAL DEFAULT 0.0",
    "ALTER TABLE verdicts ADD COLUMN unsure INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE verdicts ADD COLUMN topic TEXT",
)

MIGRATIONS: tuple[Migration, ...] = (_TREE, _FULL_TEXT, _WHENCE, _STEERING)
"""``MIGRATIONS[n]`` leads from version n to n + 1; version 0 is an empty file."""


def version_of(connection: sqlite3.Connection, path: Path) -> int:
    """The schema version of the database at `path`, 0 for an empty one. Raises as `databases.version_of`."""
    return databases.version_of(
        connection,
        path,
        len(MIGRATIONS),
        APPLICATION_ID,
        "a chat store",
        "set OCKIT_HOME to another directory",
    )


def migrate(connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Bring an open database (autocommit mode) to the last version, in one transaction, after a backup.

    Raises:
        sqlite3.Error, OSError: nothing has changed.
    """
    databases.migrate(connection, path, migrations, APPLICATION_ID)
