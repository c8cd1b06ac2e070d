"""Damaged stores and caches: told with what to type, or seen through; no traceback, no wrong answer."""

import json
import random
import shutil
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from ockit.errors import StoreError
from ockit.index.places import IndexPlace
from ockit.index.store.facts import IndexFacts
from ockit.index.store.index_store import IndexStore
from ockit.index.vectors import building, faiss_cache
from ockit.index.vectors.dense import DenseIndex
from stored_indexes import DIMENSION, check_sound, chunks_of, facts, fill, place, put, record

N_FILES, PAGE = 40, 4096


@pytest.fixture(autouse=True)
def small_steps(monkeypatch):
    monkeypatch.setattr(building, "SMALLEST", 100)
    monkeypatch.setattr(faiss_cache, "PROBED", 1.0)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """An index of forty files of five chunks, with a cache."""
    where = place(tmp_path_factory.mktemp("sound"))
    with pytest.MonkeyPatch.context() as patch, IndexStore.create(where, facts()) as store:
        patch.setattr(building, "SMALLEST", 100)
        fill(store, N_FILES)
        assert DenseIndex(store).refresh()
    return where


@pytest.fixture
def copy(sound, tmp_path):
    shutil.copytree(sound.directory, tmp_path / "docs")
    return place(tmp_path)


def questions():
    return np.eye(DIMENSION, dtype=np.float32)[:3]


def answers(where, **opening):
    """What a search would show, and the notices."""
    with IndexStore.open(where, **opening) as store:
        dense = DenseIndex(store)
        found = [number for number, _ in store.lexical('"rhine" OR "danube" OR "tag3"', 500)]
        shown = {one.id: (one.path, one.chunk) for one in store.chunks(found)}
        nearest = [[number for number, _ in row] for row in dense.nearest(questions(), 10)]
        return shown, nearest, dense.notices


def damage(data, chance):
    """Noise over one to three places, or the end cut off."""
    data = bytearray(data)
    if chance.random() < 0.15:
        del data[chance.randrange(1, len(data)) :]
        return bytes(data)
    for _ in range(chance.randint(1, 3)):
        length = chance.choice([1, 1, 16, 200, PAGE])
        start = chance.randrange(0, len(data))
        data[start : start + length] = chance.randbytes(length)[: len(data) - start]
    return bytes(data)


def damaged_stores(sound, tmp_path, seeds):
    """How many were noticed. Those that were not answer with nothing but what was stored."""
    right, _, _ = answers(sound)
    with IndexStore.open(sound) as store:
        every = {
            one.id: (one.path, one.chunk) for f in store.files().values() for one in store.span(f.id, 0, 9)
        }
    assert right.items() <= every.items()
    noticed = 0
    for seed in seeds:
        where = place(tmp_path / str(seed))
        shutil.copytree(sound.directory, where.directory)
        where.database.write_bytes(damage(where.database.read_bytes(), random.Random(seed)))
        try:
            shown, _, _ = answers(where)
            assert shown.items() <= every.items()
            with IndexStore.open(where, readonly=False) as store:
                store.files()
                put(store, record("file3.md"), chunks_of(random.Random(1), 3))
        except StoreError as error:
            noticed += 1
            assert all((error.where, error.hint))  # noqa: PT017 - one that is not raised is fine, too
        with IndexStore.create(where, facts(), replace=True) as store:
            fill(store, 1)
        check_sound(where.database)
        shutil.rmtree(where.directory)
    return noticed


def test_random_damage_of_the_store(sound, tmp_path):
    assert damaged_stores(sound, tmp_path, range(25)) >= 8


@pytest.mark.sweep
def test_random_damage_of_the_store_250(sound, tmp_path):
    assert damaged_stores(sound, tmp_path, range(250)) >= 80


@pytest.mark.parametrize("content", [b"", b"x", b"my notes\n" * 500, b"SQLite format 3\0" + b"\xff" * 5000])
def test_what_is_no_database(copy, content):
    copy.database.write_bytes(content)
    for readonly in (True, False):
        with pytest.raises(StoreError, match="the index docs is damaged") as error:
            IndexStore.open(copy, readonly=readonly)
        assert "ockit index --rebuild --name docs" in error.value.hint
        assert error.value.where == str(copy.database)
    assert IndexFacts.from_json(copy.facts.read_bytes()) == facts()  # what a rebuild goes by
    assert copy.database.read_bytes() == content


def alter(where, statement):
    with closing(sqlite3.connect(where.database)) as connection:
        connection.executescript(statement)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("PRAGMA user_version = 99", "a newer ockit wrote this index"),
        ("PRAGMA application_id = 7", "another program"),
        ("DROP TABLE meta", "another version of ockit"),
        ("DROP TABLE files", "another version of ockit"),
        ("DELETE FROM meta WHERE name = 'generation'", "is damaged: it has no generation"),
        ("UPDATE meta SET value = '[]' WHERE name = 'facts'", "is damaged"),
        ("UPDATE chunks SET text = CAST('other' AS BLOB) WHERE id = 4", "is damaged: the row of chunk 4"),
        ("UPDATE chunks SET start_line = start_line + 1 WHERE id = 4", "is damaged: the row of chunk 4"),
        ("UPDATE files SET path = CAST('x' AS BLOB) WHERE id = 2", "is damaged: the row of file 2"),
        ("UPDATE meta SET value = replace(value, 'mean', 'last')", "is damaged: its facts have changed"),
        ("UPDATE vectors SET vector = x'00'", "is damaged: a vector has not 16 numbers"),
        ("UPDATE vectors SET vector = CAST(x'007c' || zeroblob(30) AS BLOB)", "not finite"),
    ],
)
def test_what_ockit_never_wrote(copy, statement, said):
    alter(copy, statement)

    def read():
        with IndexStore.open(copy) as store:
            store.files()
            store.chunks([1, 2, 3, 4])
            store.vectors([1, 2, 3])

    with pytest.raises(StoreError, match=said) as error:
        read()
    assert error.value.hint


def spoil(copy, kind):
    """Damage of the cache, as (path, bytes to put there; None: remove it)."""
    data, manifest = copy.vectors.read_bytes(), json.loads(copy.manifest.read_bytes())
    changed = {
        "cut": (copy.vectors, data[:-100]),
        "empty": (copy.vectors, b""),
        "one bit": (copy.vectors, data[:3000] + bytes([data[3000] ^ 1]) + data[3001:]),
        "longer": (copy.vectors, data + b"x"),
        "gone": (copy.vectors, None),
        "no json": (copy.manifest, b"{"),
        "nested": (copy.manifest, b"[" * 60_000),
        "huge": (copy.manifest, b" " * 100_000),
        "a list": (copy.manifest, b"[1]"),
        "another dimension": (copy.manifest, json.dumps(manifest | {"dimension": 17}).encode()),
        "another count": (copy.manifest, json.dumps(manifest | {"rows": 3}).encode()),
        "another kind": (copy.manifest, json.dumps(manifest | {"kind": "ivf"}).encode()),
        "an unknown kind": (copy.manifest, json.dumps(manifest | {"kind": "pq"}).encode()),
        "another version": (copy.manifest, json.dumps(manifest | {"version": 9}).encode()),
        "a word for a number": (copy.manifest, json.dumps(manifest | {"rows": "3"}).encode()),
    }
    return changed[kind]


KINDS = (
    "cut", "empty", "one bit", "longer", "gone", "no json", "nested", "huge", "a list", "another dimension",
    "another count", "another kind", "an unknown kind", "another version", "a word for a number",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_cache(copy, kind):
    right, nearest, notices = answers(copy)
    assert notices == []
    path, data = spoil(copy, kind)
    path.unlink()
    if data is not None:
        path.write_bytes(data)
    shown, found, notices = answers(copy)  # a reader sees through it
    assert (shown, found) == (right, nearest)
    assert len(notices) == 1
    assert "ockit index --name docs" in notices[0]
    shown, found, notices = answers(copy, readonly=False)  # who may write makes it anew
    assert (shown, found) == (right, nearest)
    assert "was made anew" in notices[0]
    assert answers(copy) == (right, nearest, [])


def test_a_cache_of_an_older_generation_is_no_damage(copy):
    with IndexStore.open(copy, readonly=False) as store:
        fill(store, 3, seed=77)
        store.remove([(0, "file30.md")])
        store.sweep_vectors()
        everything = store.vectors_of_files(store.file_ids())
        nearest = DenseIndex(store).nearest(questions(), 10, everything)
    assert answers(copy)[1:] == ([[number for number, _ in row] for row in nearest], [])


def test_a_copied_index_keeps_its_cache(sound, tmp_path):
    shutil.copytree(sound.directory, tmp_path / "elsewhere")
    with IndexStore.open(IndexPlace(tmp_path / "elsewhere", "elsewhere")) as store:
        dense = DenseIndex(store)
        assert dense.describe()["kind"] == "flat"
        assert dense.notices == []
