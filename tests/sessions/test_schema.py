"""From version to version: data kept, a backup before each step, foreign and newer files left alone."""

import sqlite3
import stat
from contextlib import closing
from dataclasses import replace

import pytest

from ockit.databases import safe_wal
from ockit.errors import StoreError
from ockit.events import Moderated
from ockit.messages import Finding, Passage, Verdict
from ockit.sessions import salvage, schema
from ockit.sessions.database import connect
from ockit.sessions.store import Store
from stored_chats import VERDICT, chat, check_sound


@pytest.fixture
def version_1(tmp_path):
    """A store of version 1 with one chat."""
    path = tmp_path / "ockit.db"
    with closing(sqlite3.connect(path)) as connection:
        for statement in schema.MIGRATIONS[0]:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 1")
        connection.execute(
            "INSERT INTO sessions(id, title, created_at, updated_at, head) VALUES ('s', 'Old', 1, 1, 'm')"
        )
        connection.execute(
            "INSERT INTO messages(id, session_id, role, text, state, created_at, updated_at)"
            " VALUES ('m', 's', 'user', 'from long ago', 'complete', 1, 1)"
        )
        connection.commit()
    return path


@pytest.fixture
def version_2(version_1):
    """The same one step later, with a source that knows neither its file nor its index."""
    with closing(connect(version_1)) as connection:
        schema.migrate(connection, version_1, schema.MIGRATIONS[:2])
        connection.execute(
            "INSERT INTO sources(message_id, path, start_line, end_line, heading, text, score)"
            " VALUES ('m', 'old.md', 1, 2, 'Old', 'long ago', 0.5)"
        )
    version_1.with_name("ockit.db.bak-v1").unlink()
    return version_1


OLD = Passage("old.md", 1, 2, None, "Old", "long ago", 0.5)


def test_sources_of_version_2_stay_and_new_ones_say_whence_they_come(version_2):
    new = Passage("new.md", 3, 4, None, "", "today", 0.7, "/docs/new.md", "docs")
    with Store(version_2) as store:
        assert store.messages("s")[0].sources == (OLD,)
        store.add_sources("m", [new])
        assert store.messages("s")[0].sources == (OLD, new)
        check_sound(version_2)
    assert (version(version_2), version(version_2.with_name("ockit.db.bak-v2"))) == (4, 2)


def test_a_damaged_store_of_version_2_is_read_with_its_sources(version_2):
    with closing(sqlite3.connect(version_2)) as connection:
        connection.execute("UPDATE sessions SET metadata = 'no json' WHERE id = 's'")
        connection.commit()
    assert salvage.mend(version_2) is not None
    with Store(version_2) as store:
        [session] = store.list()
        assert store.messages(session.id)[0].sources == (OLD,)
    assert version(version_2) == len(schema.MIGRATIONS)


@pytest.fixture
def version_3(version_2):
    """One step later again, with a verdict whose findings are names, of the time when actions were three."""
    with closing(connect(version_2)) as connection:
        schema.migrate(connection, version_2, schema.MIGRATIONS[:3])
        connection.execute(
            "INSERT INTO verdicts(message_id, role, level, p_level, categories, hits, action, reason, backend, ms,"
            " status) VALUES ('m', 'user', 2, '[]', '{}', '[\"rule-7\"]', 'caution', 'mild', 'rules', 1.5, 'ok')"
        )
    version_2.with_name("ockit.db.bak-v2").unlink()
    return version_2


OLD_VERDICT = Verdict(2, (), {}, (Finding("rule-7"),), "caution", "mild", "rules", 1.5, "ok")


def test_verdicts_of_version_3_stay_and_new_ones_know_of_steering_and_topics(version_3):
    found = replace(VERDICT, action="support", injection=0.75)
    with Store(version_3) as store:
        assert store.messages("s")[0].verdicts == (Moderated(OLD_VERDICT, "user"),)
        store.add_verdict("m", "retrieved", found)
        assert store.messages("s")[0].verdicts[1] == Moderated(found, "retrieved")
        check_sound(version_3)
    assert (version(version_3), version(version_3.with_name("ockit.db.bak-v3"))) == (4, 3)


def test_a_damaged_store_of_version_3_is_read_with_its_verdicts(version_3):
    with closing(sqlite3.connect(version_3)) as connection:
        connection.execute("UPDATE sessions SET metadata = 'no json' WHERE id = 's'")
        connection.commit()
    assert salvage.mend(version_3) is not None
    with Store(version_3) as store:
        [session] = store.list()
        assert store.messages(session.id)[0].verdicts == (Moderated(OLD_VERDICT, "user"),)
    assert version(version_3) == len(schema.MIGRATIONS)


def version(path):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA user_version").fetchone()[0]


def test_version_1_is_brought_up_and_backed_up(version_1):
    with Store(version_1) as store:
        assert [session.title for session in store.list()] == ["Old"]
        assert [hit.message_id for hit in store.search("long")] == ["m"]
        chat(store)
        check_sound(version_1)
    backup = version_1.with_name("ockit.db.bak-v1")
    assert (version(version_1), version(backup)) == (len(schema.MIGRATIONS), 1)
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("SELECT text FROM messages").fetchall() == [("from long ago",)]
    assert sorted(path.name for path in version_1.parent.iterdir()) == ["ockit.db", "ockit.db.bak-v1"]


def test_version_0_is_an_empty_file(tmp_path):
    path = tmp_path / "ockit.db"
    path.touch()
    with Store(path) as store:
        assert store.list() == ()
        assert path.stat().st_size == 0
        chat(store)
        assert len(store.list()) == 1
    assert version(path) == len(schema.MIGRATIONS)
    assert [found.name for found in tmp_path.iterdir()] == ["ockit.db"]


def test_a_step_that_fails_changes_nothing(version_1):
    broken = (*schema.MIGRATIONS, ("DELETE FROM messages", "CREATE TABLE oops(", "SELECT 1"))
    with closing(connect(version_1)) as connection:
        with pytest.raises(sqlite3.OperationalError):
            schema.migrate(connection, version_1, broken)
        assert not connection.in_transaction
        assert connection.execute("SELECT count(*) FROM messages").fetchone()[0] == 1
    assert version(version_1) == version(version_1.with_name("ockit.db.bak-v1")) == 1
    with Store(version_1) as store:
        assert store.search("long")


def test_a_backup_that_fails_stops_the_migration(version_1):
    version_1.with_name("ockit.db.bak-v1").mkdir()
    with Store(version_1) as store, pytest.raises(StoreError):
        store.list()
    assert version(version_1) == 1


def test_a_newer_version_is_left_alone(store):
    chat(store)
    store.close()
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = store.path.read_bytes()
    for call in (store.list, lambda: chat(store)):
        with pytest.raises(StoreError, match=r"newer ockit .*version 99") as error:
            call()
        assert "upgrade" in error.value.hint
        assert error.value.where == str(store.path)
    assert store.path.read_bytes() == before
    assert [path.name for path in store.path.parent.iterdir()] == ["ockit.db"]


def test_another_programs_database_is_left_alone(tmp_path):
    path = tmp_path / "ockit.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE sessions(id)")
    before = path.read_bytes()
    with Store(path) as store:
        for call in (store.list, lambda: chat(store)):
            with pytest.raises(StoreError, match="another program"):
                call()
    assert path.read_bytes() == before


def test_the_journal_is_durable(store):
    chat(store)
    with closing(connect(store.path)) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == 3  # EXTRA
        assert connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1
        expected = "wal" if safe_wal(sqlite3.sqlite_version_info) else "delete"
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == expected


def test_the_write_ahead_log_waits_for_a_sound_sqlite(store):
    assert [safe_wal(release) for release in ((3, 40, 1), (3, 51, 2), (3, 51, 3), (3, 52, 0))] == [
        False,
        False,
        True,
        True,
    ]
    chat(store)
    store.close()
    with closing(sqlite3.connect(store.path)) as connection:  # as a newer Python would leave it
        assert connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] == "wal"
    chat(store)
    store.close()
    with closing(sqlite3.connect(store.path)) as connection:
        expected = "wal" if safe_wal(sqlite3.sqlite_version_info) else "delete"
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == expected
    assert len(store.list()) == 2
