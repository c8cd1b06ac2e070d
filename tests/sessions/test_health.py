"""The check of the chat store, which must not change a byte of it."""

import sqlite3
from contextlib import closing

import pytest

from ockit.errors import StoreError
from ockit.sessions import health
from ockit.sessions.store import Store
from stored_chats import chat


@pytest.fixture
def path(tmp_path):
    with Store(tmp_path / "ockit.db") as store:
        chat(store)
        chat(store)
    return tmp_path / "ockit.db"


def test_a_sound_store(path):
    before = path.read_bytes()
    assert health.check(path) == 2
    assert path.read_bytes() == before


def test_no_store(tmp_path):
    assert health.check(tmp_path / "ockit.db") is None
    (tmp_path / "ockit.db").touch()
    assert health.check(tmp_path / "ockit.db") is None
    assert [entry.name for entry in tmp_path.iterdir()] == ["ockit.db"]


def test_damage_is_told_and_left(path, tmp_path):
    sound = path.read_bytes()
    middle = len(sound) // 2
    for number, data in enumerate(
        (b"x", b"y" * 5000, sound[:middle], sound[:middle] + b"\xff" * 4096 + sound[middle + 4096 :])
    ):
        path.write_bytes(data)
        with pytest.raises(StoreError, match="damaged") as told:
            health.check(path)
        assert told.value.where == str(path), number
        assert path.read_bytes() == data


def test_another_program_s_database(tmp_path):
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE t(x)")
    with pytest.raises(StoreError, match="another program"):
        health.check(tmp_path / "other.db")


def test_while_another_process_writes(path):
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert health.check(path) == 2
        writer.execute("ROLLBACK")
