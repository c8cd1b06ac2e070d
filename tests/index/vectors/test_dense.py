"""The nearest vectors are those that comparing with every one gives, whatever the cache is like."""

import os
import random
import shutil
import subprocess
import sys
from contextlib import nullcontext

import numpy as np
import pytest

from ockit.documents import Chunk
from ockit.errors import StoreError, UsageError
from ockit.index.store.index_store import IndexStore
from ockit.index.store.writer_lock import writing
from ockit.index.vectors import building, faiss_cache, rows
from ockit.index.vectors.dense import DenseIndex
from stored_indexes import DIMENSION, facts, place, record, vector_of


@pytest.fixture
def small_steps(monkeypatch):
    """Every kind of cache with few vectors."""
    monkeypatch.setattr(building, "SMALLEST", 100)
    monkeypatch.setattr(building, "LAG", 20)
    monkeypatch.setattr(faiss_cache, "FLAT_ROWS", 600)
    monkeypatch.setattr(faiss_cache, "PROBED", 1.0)


@pytest.fixture
def store(tmp_path):
    with IndexStore.create(place(tmp_path), facts()) as made:
        yield made


def add(store, count, first=0, per_file=50):
    for start in range(first, first + count, per_file):
        chunks = [
            Chunk(0, f"text {number}\n", 1, 1)
            for number in range(start, min(start + per_file, first + count))
        ]
        store.add_vectors({chunk.key: vector_of(chunk.key) for chunk in chunks})
        store.put_file(record(f"file{start}.md"), chunks)


def questions(count=5):
    vectors = np.random.default_rng(7).standard_normal((count, DIMENSION)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def expected(store, vectors, k, allowed=None):
    ids, halves = store.vectors(store.vector_ids() if allowed is None else allowed, used=True)
    matrix = halves.astype(np.float32)
    found = []
    for vector in vectors:
        scores = matrix @ vector
        order = np.lexsort((ids, -scores))[:k]
        found.append([(ids[at], float(scores[at])) for at in order])
    return found


def check(store, dense, k=10, allowed=None):
    found = dense.nearest(questions(), k, allowed)
    for row, right in zip(found, expected(store, questions(), k, allowed), strict=True):
        # the last bits of a score depend on how many rows were multiplied at once
        assert [score for _, score in row] == pytest.approx([score for _, score in right], abs=1e-6)
        close = [score for _, score in right[-1:]]
        assert {number for number, score in row if score > close[0] + 1e-6} <= {number for number, _ in right}
    assert all(-1 <= score <= 1 for row in found for _, score in row)


@pytest.mark.parametrize(("count", "kind"), [(50, "rows"), (400, "flat"), (1500, "ivf")])
def test_every_kind_finds_what_is_nearest(store, small_steps, count, kind):
    add(store, count)
    dense = DenseIndex(store)
    assert dense.refresh() == (kind != "rows")
    assert dense.describe()["kind"] == kind
    check(store, dense)
    check(store, dense, k=count * 2)
    everything = store.vectors_of_files(store.file_ids())
    check(store, dense, allowed=everything[::3])
    check(store, dense, allowed=everything[:3])
    check(store, dense, allowed=[])
    assert not dense.refresh()
    assert dense.notices == []


@pytest.mark.parametrize("count", [400, 1500])
def test_filters_within_the_cache(store, small_steps, monkeypatch, count):
    monkeypatch.setattr("ockit.index.vectors.dense.FEW_ALLOWED", 0)
    add(store, count)
    dense = DenseIndex(store)
    dense.refresh()
    everything = store.vectors_of_files(store.file_ids())
    for allowed in (everything[::3], everything[-7:], everything[:1], [], [10**9]):
        check(store, dense, allowed=allowed)


@pytest.mark.parametrize("count", [50, 400, 1500])
def test_what_came_and_went_since_the_cache_was_made(store, small_steps, count):
    add(store, count)
    dense = DenseIndex(store)
    dense.refresh()
    check(store, dense)
    add(store, 60, first=5000)
    check(store, dense)
    gone = [(0, path) for _, path in list(store.files())[: count // 50 - 1]]
    store.remove(gone)
    check(store, dense)
    check(store, dense, k=200)
    store.sweep_vectors()
    check(store, dense, k=200)
    with IndexStore.open(store.place) as reader:
        check(reader, DenseIndex(reader))


def test_a_little_more_is_left_for_later_and_much_is_added(store, small_steps):
    add(store, 1000)
    dense = DenseIndex(store)
    dense.refresh()
    add(store, 20, first=5000)
    assert not dense.refresh()
    assert dense.describe()["behind"] == 20
    store.remove([(0, "file0.md")])
    store.sweep_vectors()
    add(store, 30, first=6000)
    assert dense.refresh()
    described = dense.describe()
    assert (described["kind"], described["rows"], described["behind"]) == ("ivf", 1000, 0)
    check(store, dense)
    add(store, 1500, first=7000)
    seen = []
    assert dense.refresh(lambda done, total: seen.append((done, total)))
    assert seen[-1] == (2500, 2500)
    check(store, dense)
    store.remove([(0, path) for _, path in store.files()])
    store.sweep_vectors()
    assert not dense.refresh()
    assert not store.place.vectors.exists()
    assert dense.nearest(questions(), 5) == [[]] * 5


def test_a_store_made_anew_does_not_see_the_old_cache(store, small_steps, tmp_path):
    add(store, 400)
    dense = DenseIndex(store)
    dense.refresh()
    check(store, dense)
    vectors, manifest = (path.read_bytes() for path in (store.place.vectors, store.place.manifest))
    store.close()
    with IndexStore.create(place(tmp_path), facts(), replace=True) as again:
        assert not again.place.vectors.exists()
        add(again, 300, first=9000)
        again.place.vectors.write_bytes(vectors)  # as after a kill in between
        again.place.manifest.write_bytes(manifest)
        check(again, DenseIndex(again))
        check(again, dense)
        assert dense.notices == []


@pytest.fixture
def digested(monkeypatch):
    """The files of which a digest was made to check a cache."""
    from ockit.index.vectors import manifest

    read = []
    digest_of = manifest.digest_of
    monkeypatch.setattr(manifest, "digest_of", lambda path: read.append(path) or digest_of(path))
    return read


def copied(store, directory):
    """The same index elsewhere: other inodes, other dates."""
    dense = DenseIndex(store)
    dense.refresh()
    dense.close()
    store.close()
    shutil.copytree(store.place.directory, directory / "docs")
    os.utime(directory / "docs" / "vectors.faiss")
    return place(directory)


def test_a_kill_between_the_file_and_its_manifest_is_no_damage(store, small_steps, monkeypatch):
    add(store, 1500)
    DenseIndex(store).refresh()
    add(store, 60, first=5000)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(building.manifest, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            DenseIndex(store).refresh()
    for readonly in (True, False):
        with IndexStore.open(store.place) if readonly else nullcontext(store) as opened:
            dense = DenseIndex(opened)
            check(opened, dense)
            assert dense.notices == []
    assert DenseIndex(store).refresh()


def test_the_file_of_a_copied_index_is_read_through_once(store, small_steps, digested, tmp_path):
    add(store, 1500)
    where = copied(store, tmp_path / "copied")
    for _ in range(3):
        with IndexStore.open(where) as reader:
            check(reader, DenseIndex(reader))
    assert len(digested) == 1


@pytest.mark.parametrize("more", [0, 30])
def test_the_file_of_a_copied_index_is_read_through_once_by_its_writer(
    store, small_steps, digested, tmp_path, more
):
    add(store, 1500)
    where = copied(store, tmp_path / "copied")
    with IndexStore.open(where, readonly=False) as writer:
        if more:
            add(writer, more, first=5000)
        dense = DenseIndex(writer)
        assert dense.refresh() == bool(more)
        dense.refresh()
        check(writer, dense)
    assert len(digested) == 1


def test_a_copied_index_that_is_being_written_is_read_through_each_time(
    store, small_steps, digested, tmp_path
):
    add(store, 400)
    where = copied(store, tmp_path / "copied")
    before = where.manifest.read_bytes()
    with writing(where):
        for _ in range(2):
            with IndexStore.open(where) as reader:
                check(reader, DenseIndex(reader))
    assert (len(digested), where.manifest.read_bytes()) == (2, before)


def test_questions_that_cannot_be(store):
    add(store, 5)
    dense = DenseIndex(store)
    with pytest.raises(UsageError, match="has 3 numbers, those of the index 16"):
        dense.nearest(np.zeros((1, 3), np.float32), 5)
    assert dense.nearest(questions(2), 0) == [[], []]
    assert dense.nearest(np.zeros((0, DIMENSION), np.float32), 3) == []
    assert [len(row) for row in dense.nearest(np.zeros((1, DIMENSION), np.float32), 3)] == [3]
    with IndexStore.open(store.place) as reader, pytest.raises(StoreError, match="for reading only"):
        DenseIndex(reader).refresh()


def test_more_rows_than_are_kept_in_memory(store, monkeypatch):
    add(store, 400)
    dense = DenseIndex(store)
    for kept in (0, 150, 399):
        monkeypatch.setattr(rows, "KEPT_ROWS", kept)
        monkeypatch.setattr(rows, "_SLAB", 100)
        dense.close()
        check(store, dense)
        check(store, dense)
    add(store, 50, first=1000)
    check(store, dense)


def test_halves_are_widened_exactly():
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)
    finite = every[np.isfinite(every)]
    assert np.array_equal(rows.widened(finite), finite.astype(np.float32))


def test_a_small_index_is_searched_without_faiss(store):
    add(store, 50)
    store.close()
    code = (
        "import sys, numpy; from pathlib import Path; from ockit.index.places import IndexPlace;"
        "from ockit.index.store.index_store import IndexStore; from ockit.index.vectors.dense import DenseIndex;"
        f"store = IndexStore.open(IndexPlace(Path({str(store.place.directory)!r}), 'docs'));"
        f"found = DenseIndex(store).nearest(numpy.ones((1, {DIMENSION}), numpy.float32), 3);"
        "print(len(found[0]), 'faiss' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["3", "False"]


def test_realistic_vectors_are_found_in_lists(tmp_path, monkeypatch):
    """Recall of the approximate kind, of clusters of clusters as texts make them."""
    monkeypatch.setattr(building, "SMALLEST", 100)
    monkeypatch.setattr(faiss_cache, "FLAT_ROWS", 100)
    chance = np.random.default_rng(3)
    dimension, count = 64, 12_000
    topics = chance.standard_normal((30, dimension))
    centres = topics[chance.integers(0, 30, 400)] + 0.8 * chance.standard_normal((400, dimension))
    vectors = (
        centres[chance.integers(0, 400, count)] + 0.6 * chance.standard_normal((count, dimension))
    ).astype("f4")
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with IndexStore.create(place(tmp_path), facts(dimension=dimension)) as store:
        chunks = [Chunk(0, f"{number}\n", 1, 1) for number in range(count)]
        store.add_vectors({chunk.key: vector for chunk, vector in zip(chunks, vectors, strict=True)})
        store.put_file(record("a.md"), chunks)
        dense = DenseIndex(store)
        assert dense.refresh()
        drawn = vectors[random.Random(1).sample(range(count), 100)]
        asked = drawn + 0.05 * chance.standard_normal(drawn.shape).astype("f4")
        found = dense.nearest(asked, 20)
        right = expected(store, asked / np.linalg.norm(asked, axis=1, keepdims=True), 20)
        both = [({n for n, _ in a} & {n for n, _ in b}) for a, b in zip(found, right, strict=True)]
        recall = np.mean([len(shared) / 20 for shared in both])
        assert recall >= 0.98


@pytest.mark.parametrize("seed", range(4))
def test_any_sequence_of_changes(store, small_steps, seed):
    """A reader that stays open sees what comparing with every vector gives, whatever its writer does."""
    chance = random.Random(seed)
    writer_dense, first = DenseIndex(store), 0
    with IndexStore.open(store.place) as reader:
        dense = DenseIndex(reader)
        for _ in range(14):
            action = chance.choice(["add", "add", "remove", "sweep", "refresh", "refresh"])
            if action == "add":
                add(store, chance.choice((5, 60, 400)), first=first)
                first += 1000
            elif action == "remove":
                places = sorted(store.files())
                store.remove(chance.sample(places, len(places) // 3))
            elif action == "sweep":
                store.sweep_vectors()
            else:
                writer_dense.refresh()
            check(reader, dense, k=chance.choice((1, 10, 300)))
            everything = reader.vectors_of_files(reader.file_ids())
            check(reader, dense, allowed=chance.sample(everything, len(everything) // 4))
        assert dense.notices == []
