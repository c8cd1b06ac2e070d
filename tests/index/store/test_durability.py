"""Kills, two writers, readers beside a writer, full disks, places that cannot be written."""

import os
import random
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ockit.errors import StoreError
from ockit.index.store import database
from ockit.index.store.index_store import IndexStore
from ockit.index.vectors import building
from ockit.index.vectors.dense import DenseIndex
from outages import Full
from stored_indexes import DIMENSION, check_sound, facts, fill, place, put, record
from unprivileged import as_nobody

CHILD = Path(__file__).with_name("writer_child.py")


def start(directory, *words):
    tests = str(CHILD.parents[2])
    return subprocess.Popen(
        [sys.executable, str(CHILD), str(directory), *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": tests},
    )


def finish(child):
    with child:
        out, err = child.communicate(timeout=60)
    assert err == ""
    return [line.split() for line in out.splitlines(keepends=True) if line.endswith("\n")]


def check_whole(where):
    """Each file is whole and of one version; the cache, whatever it is like, changes no answer."""
    with IndexStore.open(where) as store:
        for found in store.files().values():
            stored = store.span(found.id, 0, 100)
            assert len(stored) == found.n_chunks == 6
            assert {one.chunk.text.split()[0] for one in stored} == {found.title}
        dense = DenseIndex(store)
        vectors = np.eye(DIMENSION, dtype=np.float32)[:2]
        ids = [[number for number, _ in row] for row in dense.nearest(vectors, 5)]
        everything = store.vectors_of_files(store.file_ids())
        assert ids == [[number for number, _ in row] for row in dense.nearest(vectors, 5, everything)]
        assert dense.notices == []
    check_sound(where.database)


def kill_writers(tmp_path, count):
    where, said = place(tmp_path), 0
    for number in range(count):
        chance = random.Random(number)
        child = start(tmp_path, "forever", number)
        child.stdout.readline()
        time.sleep(chance.uniform(0, 0.5))
        child.send_signal(signal.SIGKILL)
        said += len(finish(child))
        check_whole(where)
    assert said > count


def test_kill_at_any_moment(tmp_path):
    kill_writers(tmp_path, 8)


@pytest.mark.sweep
def test_kill_at_any_moment_80(tmp_path):
    kill_writers(tmp_path, 80)


def test_what_was_said_to_be_stored_is_stored(tmp_path):
    child = start(tmp_path, "forever")
    lines = [child.stdout.readline().split() for _ in range(4)]
    child.send_signal(signal.SIGKILL)
    lines += finish(child)
    with IndexStore.open(place(tmp_path)) as store:
        versions = [found.title for found in store.files().values()]
    assert lines[-1][1] in versions or f"version1x{int(lines[-1][1].rpartition('x')[2]) + 1}" in versions


def test_the_second_writer_is_told_who_writes(tmp_path):
    child = start(tmp_path, "hold")
    pid = child.stdout.readline().split()[1]
    with pytest.raises(StoreError, match=rf"another ockit \(process {pid}\) is indexing docs") as error:
        IndexStore.open(place(tmp_path), readonly=False)
    assert "searching works meanwhile" in error.value.hint
    with IndexStore.open(place(tmp_path)) as reader:
        assert reader.files() == {}
    child.kill()
    finish(child)
    with IndexStore.open(place(tmp_path), readonly=False) as store:
        fill(store, 1)


def test_readers_beside_a_writer_wait_little(tmp_path):
    child = start(tmp_path, "forever")
    child.stdout.readline()
    waits = []
    with IndexStore.open(place(tmp_path)) as reader:
        end = time.monotonic() + 3
        while time.monotonic() < end:
            begun = time.monotonic()
            with reader.snapshot():
                found = reader.lexical('"rhine" OR "lech"', 20)
                chunks = reader.chunks([number for number, _ in found])
            waits.append(time.monotonic() - begun)
            assert len(chunks) == len(found)  # of one moment
            time.sleep(0.005)
    child.kill()
    finish(child)
    assert len(waits) > 50
    assert statistics.median(waits) < 0.1
    check_whole(place(tmp_path))


def test_a_full_disk_loses_nothing(tmp_path):
    lines = finish(start(tmp_path, "until-full"))
    *said, failed = lines
    assert failed[:2] == ["error", "StoreError"]
    assert "the disk under the index docs is full" in " ".join(failed)
    assert len(said) > 5
    with IndexStore.open(place(tmp_path), readonly=False) as store:
        versions = {found.path: found.title for found in store.files().values()}
        assert versions[said[-1][0]] == said[-1][1]
        put(store, record("more.md"), [])
    check_sound(place(tmp_path).database)


def test_a_full_disk_under_a_running_index(tmp_path, monkeypatch):
    monkeypatch.setattr(building, "LAG", 5)
    monkeypatch.setattr(building, "SMALLEST", 10)
    home = tmp_path / "home"
    Full.prepare(home)
    try:
        with IndexStore.create(place(home), facts()) as store:
            fill(store, 10)
            assert DenseIndex(store).refresh()
            cache = store.place.vectors.read_bytes()
            fill(store, 600, n_chunks=1, seed=5)
            outage = Full(home, os.getpid())
            outage.begin()
            with pytest.raises(StoreError, match="the disk is full"):
                DenseIndex(store).refresh()
            assert store.place.vectors.read_bytes() == cache
            before = store.counts()
            with pytest.raises(StoreError, match="disk under the index docs is full"):
                fill(store, 50, n_chunks=50, seed=6)
            assert len(DenseIndex(store).nearest(np.ones((1, DIMENSION)), 3)[0]) == 3
            outage.end()
            assert store.counts().chunks >= before.chunks
            assert DenseIndex(store).refresh()
            fill(store, 1)
        check_sound(store.place.database)
    finally:
        Full.clear(home)


def test_a_lock_that_is_never_released(tmp_path, monkeypatch):
    import sqlite3
    from contextlib import closing

    with IndexStore.create(place(tmp_path), facts()) as store:
        fill(store, 1)
    monkeypatch.setattr(database, "BUSY_S", 0.2)
    with closing(sqlite3.connect(store.place.database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="another program kept the index docs locked"):
            IndexStore.open(place(tmp_path))


@pytest.mark.parametrize("wal", [False, True])
def test_a_place_that_cannot_be_written(tmp_path_factory, wal, monkeypatch):
    import tempfile

    monkeypatch.setattr("ockit.databases.safe_wal", lambda version: wal)
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        where = place(Path(name))
        with IndexStore.create(where, facts()) as store:
            fill(store, 3)
        assert [path.name for path in where.directory.glob("index.db*")] == ["index.db"]
        for path in (where.directory, *where.directory.iterdir()):
            path.chmod(0o555 if path.is_dir() else 0o444)

        def search():
            with IndexStore.open(where) as store:
                return len(store.lexical('"tag1"', 9)), len(DenseIndex(store).nearest(np.ones((1, 16)), 3)[0])

        def write():
            with IndexStore.open(where, readonly=False) as store:
                fill(store, 1)

        assert as_nobody(search) == "(5, 3)"
        assert as_nobody(write).startswith("StoreError")
        where.directory.chmod(0o755)
