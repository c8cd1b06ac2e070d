"""A rebuilt store takes over: killed between any two steps, the whole old or the whole new one answers."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from ockit.errors import StoreError
from ockit.index.indexing import rebuilding
from ockit.index.places import IndexPlace
from ockit.index.store import database
from ockit.index.store.index_store import IndexStore
from ockit.index.store.writer_lock import writing
from stored_indexes import check_sound, facts, fill, place

SWAP = """
import os, sys
from pathlib import Path
from ockit.index.indexing.rebuilding import finish, put_in_place
from ockit.index.places import IndexPlace

steps = int(sys.argv[2])
def die(event, args):
    global steps
    if event in ("os.rename", "os.remove", "os.rmdir", "sqlite3.connect"):
        steps -= 1
        if steps < 0:
            os._exit(9)
sys.addaudithook(die)
place = IndexPlace(Path(sys.argv[1]), "docs")
put_in_place(IndexPlace(place.directory / "rebuild.part", "docs"), place)
"""

TEAR = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = DELETE")
connection.execute("PRAGMA cache_size = 4")
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE chunks SET text = 'torn', heading = 'torn'")
connection.execute("UPDATE files SET path = path || '.torn'")
os._exit(9)
"""


def child(code: str, *words: str) -> int:
    return subprocess.run([sys.executable, "-c", code, *words], check=False, timeout=60).returncode


@pytest.fixture
def both(tmp_path: Path) -> IndexPlace:
    """An index of 60 files beside the hot journal of a killed writer, and one of 3 that is to take its place."""
    where = place(tmp_path)
    with IndexStore.create(where, facts()) as old:
        fill(old, 60)
    with writing(where), rebuilding.building(where, facts()) as new:
        fill(new, 3, seed=2)
    with closing(sqlite3.connect(where.database)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    assert child(TEAR, str(where.database)) == 9
    assert where.database.with_name("index.db-journal").exists()
    return where


def files_of(where: IndexPlace) -> int:
    """Of a copy, which is what another reader would see."""
    copied = IndexPlace(where.directory.with_name("copy"), where.name)
    shutil.rmtree(copied.directory, ignore_errors=True)
    shutil.copytree(where.directory, copied.directory)
    with IndexStore.open(copied) as store:
        found = store.files()
    check_sound(copied.database)
    assert not any(path.endswith(".torn") for _, path in found)
    return len(found)


def test_killed_between_any_two_steps(both: IndexPlace, tmp_path: Path) -> None:
    seen = []
    kept = tmp_path / "kept"
    shutil.copytree(both.directory, kept)
    for steps in range(40):
        shutil.rmtree(both.directory)
        shutil.copytree(kept, both.directory)
        code = child(SWAP, str(both.directory), str(steps))
        seen.append(files_of(both))
        assert seen[-1] in (60, 3), steps
        if (both.directory / "rebuilt.part").exists():
            rebuilding.finish(both)
            assert files_of(both) == 3, steps
            assert not list(both.directory.glob("*.part"))
        if code == 0:
            break
    assert code == 0
    assert seen.count(60) > 2
    assert seen.count(3) > 2
    assert seen == sorted(seen, reverse=True)


def test_a_store_that_somebody_writes_stays(both: IndexPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_S", 0.1)
    assert files_of(both) == 60
    database.settle(both)
    new = IndexPlace(both.directory / "rebuild.part", "docs")
    with closing(sqlite3.connect(both.database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="locked"):
            rebuilding.put_in_place(new, both)
        other.execute("ROLLBACK")
    assert files_of(both) == 60
    with writing(both), pytest.raises(StoreError, match="another ockit"):
        rebuilding.finish(both)
    rebuilding.finish(both)
    assert files_of(both) == 3


def test_a_damaged_store_is_replaced(both: IndexPlace) -> None:
    both.database.write_bytes(b"x" * 8192)
    rebuilding.put_in_place(IndexPlace(both.directory / "rebuild.part", "docs"), both)
    assert files_of(both) == 3


def test_a_log_that_a_reader_needs_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_S", 0.1)
    monkeypatch.setattr(
        database.databases, "safe_wal", lambda version: True
    )  # it is used by one process here
    where = place(tmp_path)
    with IndexStore.create(where, facts()) as old:
        fill(old, 2)
    with closing(sqlite3.connect(where.database, isolation_level=None)) as reader:
        assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM files").fetchone() == (2,)
        with IndexStore.open(where, readonly=False) as store:
            fill(store, 4, seed=3)
        with pytest.raises(StoreError, match="locked"):
            database.settle(where)
        reader.execute("COMMIT")
        database.settle(where)
        assert where.database.with_name("index.db-wal").stat().st_size == 0
