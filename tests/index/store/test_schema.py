"""From version to version: a backup before each step, what fails changes nothing, durability as promised."""

import hashlib
import sqlite3
import stat
from contextlib import closing

import pytest

from ockit import databases
from ockit.errors import StoreError
from ockit.index.store import database, schema
from ockit.index.store.index_store import IndexStore
from stored_indexes import check_sound, facts, fill, place


@pytest.fixture
def where(tmp_path):
    with IndexStore.create(place(tmp_path), facts()) as store:
        fill(store, 3)
    return store.place


FIRST = "1b6572ff8e94b883def9fd0393bd0a85bf9916b6e60a0c8bd2c7c14b1b630a15"


def version(path):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA user_version").fetchone()[0]


def next_version(monkeypatch, *statements):
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, statements))


def test_the_tables_of_the_first_version_change_knowingly_or_not_at_all():
    """Before the first release they may: then this digest is written anew, and indexes are rebuilt. Afterwards what
    changes is a step to the next version."""
    statements = "\n".join(" ".join(statement.split()) for statement in schema.MIGRATIONS[0])
    assert (
        hashlib.sha256(statements.encode()).hexdigest()
        == "1b6572ff8e94b883def9fd0393bd0a85bf9916b6e60a0c8bd2c7c14b1b630a15"
    )


@pytest.mark.parametrize("change", ["ALTER TABLE files DROP COLUMN title", "DROP TABLE files"])
def test_other_tables_of_a_known_version_are_another_ockit_s(where, change):
    with closing(sqlite3.connect(where.database)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute(change)
        connection.commit()
    with (
        pytest.raises(StoreError, match="another version of ockit") as caught,
        IndexStore.open(where) as store,
    ):
        store.files()
    assert "damaged" not in str(caught.value)
    assert "ockit index --rebuild --name" in caught.value.hint


def test_the_next_version_is_reached_and_backed_up(where, monkeypatch):
    next_version(monkeypatch, "ALTER TABLE files ADD COLUMN added TEXT")
    with IndexStore.open(where) as store:  # a reader may be the first
        assert store.counts().files == 3
    backup = where.database.with_name("index.db.bak-v1")
    assert (version(where.database), version(backup)) == (2, 1)
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    check_sound(backup)
    check_sound(where.database)


def test_a_step_that_fails_changes_nothing(where, monkeypatch):
    before = where.database.read_bytes()
    next_version(monkeypatch, "DELETE FROM chunks", "CREATE TABLE oops(")
    with pytest.raises(StoreError):
        IndexStore.open(where)
    assert version(where.database) == 1
    assert where.database.read_bytes() == before


def test_the_journal_is_durable_and_nothing_spills(where):
    with closing(database.connect(where.database, "mode=rw")) as connection:
        found = {
            name: connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("synchronous", "foreign_keys", "cache_spill", "trusted_schema", "journal_mode")
        }
    wal = databases.safe_wal(sqlite3.sqlite_version_info)
    assert found == {
        "synchronous": 3,
        "foreign_keys": 1,
        "cache_spill": 0,
        "trusted_schema": 0,
        "journal_mode": "wal" if wal else "delete",
    }


def test_a_log_from_a_newer_python_is_given_up(where):
    with closing(sqlite3.connect(where.database)) as connection:
        assert connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] == "wal"
    with IndexStore.open(where) as store:
        assert store.counts().files == 3
    with closing(sqlite3.connect(where.database)) as connection:
        expected = "wal" if databases.safe_wal(sqlite3.sqlite_version_info) else "delete"
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == expected


def test_the_journal_of_a_damaged_store_is_not_played_into_its_successor(where, tmp_path):
    journal = where.database.with_name("index.db-journal")
    journal.write_bytes(bytes.fromhex("d9d505f920a163d7") + b"\xff" * 2000)
    where.database.write_bytes(b"damaged" * 1000)
    with IndexStore.create(place(tmp_path), facts(), replace=True) as store:
        assert not journal.exists()
        fill(store, 2)
    check_sound(where.database)


def test_everything_is_for_its_owner_alone(where):
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in where.directory.iterdir()}
    assert modes == {"index.db": 0o600, "facts.json": 0o600, "writer.lock": 0o600}
    assert stat.S_IMODE(where.directory.stat().st_mode) == 0o700
