"""What is put into a store is what is read from it, whatever was done in between."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ockit.documents import Chunk
from ockit.errors import NotFound, StoreError, UsageError
from ockit.index.places import IndexPlace
from ockit.index.store.index_store import IndexStore
from stored_indexes import check_sound, chunks_of, facts, fill, place, put, record, vector_of


@pytest.fixture
def store(tmp_path):
    with IndexStore.create(place(tmp_path), facts()) as made:
        yield made


def read_file(store, path, root=0):
    """The chunks of a file, in order."""
    found = store.files()[(root, path)]
    return [stored.chunk for stored in store.span(found.id, 0, 10**6)]


def test_a_file_comes_back_as_it_was_put(store):
    chunks = [
        Chunk(0, "# Rivers\n\nThe Rhine.\n", 1, 3, heading="Rivers", defines="rhine"),
        Chunk(21, "naïve \udc80 \x00 東京都\n", 4, 4, page=7),
    ]
    given = record("dir/\udcff.md", ino=2**64 - 5, mtime_ns=-3, title="T", has_lines=False, kind="markdown")
    put(store, given, chunks)
    (found,) = store.files().values()
    assert (found.path, found.ino, found.mtime_ns, found.n_chunks) == ("dir/\udcff.md", 2**64 - 5, -3, 2)
    assert (found.title, found.has_lines, found.kind, found.state) == ("T", False, "markdown", "ok")
    stored = store.span(found.id, 0, 5)
    assert [one.chunk for one in stored] == chunks
    assert [one.ordinal for one in stored] == [0, 1]
    assert store.chunks([stored[1].id, 999, stored[0].id]) == [stored[1], stored[0]]
    ids, vectors = store.vectors([stored[0].vector_id])
    assert ids == [stored[0].vector_id]
    assert np.allclose(vectors[0], vector_of(chunks[0].key), atol=1e-3)
    check_sound(store.place.database)


def test_words_are_found_in_body_heading_and_path(store):
    put(store, record("notes/rivers.md"), [Chunk(0, "The Rhine flows\n", 1, 1, heading="Long ones")])
    put(store, record("b.md"), [Chunk(0, "getHTTPUrl is called\n", 1, 1)])
    for words in ("rhine", "flow", "ones", "rivers", "notes"):
        assert len(store.lexical(f'"{words}"', 5)) == 1
    assert len(store.lexical('"url" OR "flowing"', 5)) == 2
    assert store.lexical('"danube"', 5) == []
    with pytest.raises(UsageError, match="no expression"):
        store.lexical('"open', 5)
    assert store.term_frequencies(["rhine", "flows", 'a"b', "danube"]) == {
        "rhine": 1, "flows": 1, 'a"b': 0, "danube": 0,
    }  # fmt: skip


def test_a_word_in_few_chunks_weighs_more(store):
    fill(store, 5)
    put(store, record("z.md"), [Chunk(0, "loreley rhine\n", 1, 1)])
    found = store.lexical('"loreley" OR "rhine"', 100)
    (best,) = store.chunks([found[0][0]])
    assert best.path == "z.md"
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    wanted = store.file_ids(accepts=lambda root, path: path == "file1.md")
    only = store.lexical('"rhine"', 100, files=wanted)
    assert {one.path for one in store.chunks([number for number, _ in only])} <= {"file1.md"}


def test_filters(store):
    put(store, record("a.py", kind="python", mtime_ns=10), chunks_of(random.Random(1), 2))
    put(store, record("b.md", kind="markdown", mtime_ns=20), chunks_of(random.Random(2), 2))
    put(store, record("empty.md", kind="markdown", mtime_ns=30), [])
    a, b = (store.files()[(0, name)].id for name in ("a.py", "b.md"))
    assert store.file_ids() == [a, b]
    assert store.file_ids(kinds=["python"]) == [a]
    assert store.file_ids(kinds=[]) == []
    assert store.file_ids(since_ns=15) == [b]
    assert store.file_ids(since_ns=2**70) == []
    assert store.file_ids(accepts=lambda root, path: path.endswith(".py")) == [a]
    of_b = store.vectors_of_files([b])
    assert set(store.chunks_of_vectors(of_b)) == set(of_b)
    assert len(of_b) == 2


def test_chunks_of_one_text_share_a_vector(store):
    shared = Chunk(0, "the same words\n", 1, 1)
    put(store, record("a.md"), [shared])
    assert store.missing([shared.key, b"x" * 16]) == {b"x" * 16}
    put(store, record("b.md"), [shared])
    (vector_id,) = store.vectors_of_files(store.file_ids())
    assert len(store.chunks_of_vectors([vector_id, 77])[vector_id]) == 2
    assert store.counts().vectors == 1
    store.remove([(0, "a.md")])
    assert store.sweep_vectors() == 0
    assert store.remove([(0, "b.md"), (0, "never.md")]) == 1
    assert store.vectors([vector_id], used=True)[0] == []
    assert store.vectors([vector_id])[0] == [vector_id]
    assert store.sweep_vectors() == 1
    assert store.counts().vectors == 0


def test_a_file_whose_vectors_are_missing_changes_nothing(store):
    put(store, record("a.md"), [Chunk(0, "old\n", 1, 1)])
    before = store.generation
    with pytest.raises(StoreError, match=r"1 chunks of a\.md have no vector"):
        store.put_file(record("a.md"), [Chunk(0, "new\n", 1, 1)])
    assert [chunk.text for chunk in read_file(store, "a.md")] == ["old\n"]
    assert store.generation == before


def test_a_vector_must_fit(store):
    for wrong in (np.zeros(3, np.float32), np.full(16, np.nan, np.float32), np.full(16, 1e30, np.float32)):
        with pytest.raises(StoreError, match="should be 16 finite numbers"):
            store.add_vectors({b"k" * 16: wrong})
    assert store.counts().vectors == 0


def test_touch_move_and_what_is_not_there(store):
    chunks = chunks_of(random.Random(1), 3)
    put(store, record("a.md"), chunks)
    number = store.files()[(0, "a.md")].id
    store.touch(record("a.md", mtime_ns=99, size=5))
    assert (store.files()[(0, "a.md")].mtime_ns, store.span(number, 0, 0)[0].mtime_ns) == (99, 99)
    put(store, record("b.md"), chunks_of(random.Random(2), 1))
    store.move((0, "a.md"), record("b.md"))
    assert list(store.files()) == [(0, "b.md")]
    assert store.files()[(0, "b.md")].id == number
    assert read_file(store, "b.md") == chunks
    for call in (lambda: store.touch(record("x")), lambda: store.move((0, "x"), record("y"))):
        with pytest.raises(NotFound, match="does not know the file x"):
            call()
    check_sound(store.place.database)


def test_numbers_that_cannot_be(store):
    for values in ({"size": -1}, {"size": 2**63}, {"ino": 2**64}, {"mtime_ns": 2**63}):
        with pytest.raises(UsageError, match="must lie between"):
            store.put_file(record("a.md", **values), [])
    assert store.files() == {}


def test_facts(store):
    assert store.facts == facts()
    from dataclasses import replace

    store.set_facts(replace(facts(), roots=("/a", "/\udcff"), named=((1, "x.md"),), updated=5.5))
    assert store.facts.roots == ("/a", "/\udcff")
    assert store.facts.named == ((1, "x.md"),)
    other = replace(facts().embedder, dimension=384, pooling="cls")
    with pytest.raises(
        UsageError, match=r"dimension is 16, now 384; its pooling is 'mean', now 'cls'"
    ) as error:
        store.facts.check(other, 1, facts().words)
    assert "ockit index --rebuild --name docs" in error.value.hint
    with pytest.raises(UsageError, match="chunks of version 1, this ockit makes version 2"):
        store.facts.check(facts().embedder, 2, facts().words)
    with pytest.raises(UsageError):
        store.set_facts(replace(facts(), embedder=other))


def test_opening(tmp_path):
    with pytest.raises(NotFound, match="no index docs"):
        IndexStore.open(place(tmp_path))
    with pytest.raises(NotFound, match="no index docs"):
        IndexStore.open(place(tmp_path), readonly=False)
    with IndexStore.create(place(tmp_path), facts()) as store:
        identity = store.identity
        fill(store, 2)
        with pytest.raises(StoreError, match=r"another ockit \(process \d+\) is indexing docs"):
            IndexStore.open(place(tmp_path), readonly=False)
        with IndexStore.open(place(tmp_path)) as reader:
            assert reader.counts() == store.counts()
            with pytest.raises(StoreError, match="cannot be written"):
                reader.put_file(record("x.md"), [])
    with pytest.raises(UsageError, match="already an index docs"):
        IndexStore.create(place(tmp_path), facts())
    with IndexStore.open(place(tmp_path)) as reader:
        assert reader.counts().files == 2
        with IndexStore.create(place(tmp_path), facts(), replace=True) as store:
            assert store.identity != identity
            fill(store, 1)
        assert (reader.counts().files, reader.identity != identity) == (1, True)  # what is there now


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["put", "touch", "move", "remove", "sweep", "reopen"]),
        st.integers(0, 4), st.integers(0, 4), st.integers(0, 10**6),
    ),
    max_size=25,
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(ACTIONS)
def test_any_sequence_of_changes_gives_what_a_model_gives(tmp_path_factory, actions):
    where: IndexPlace = place(tmp_path_factory.mktemp("model"))
    model: dict[str, list[Chunk]] = {}
    store = IndexStore.create(where, facts())
    try:
        for action, one, other, seed in actions:
            path, target = f"dir{one}/file{one}.md", f"dir{other}/file{other}.md"
            chance = random.Random(seed % 7)  # few seeds: texts come again
            if action == "put":
                model[path] = chunks_of(chance, seed % 4)
                put(store, record(path), model[path])
            elif action == "touch" and path in model:
                store.touch(record(path, mtime_ns=seed))
            elif action == "move" and path in model:
                store.move((0, path), record(target))
                model[target] = model.pop(path)
            elif action == "remove":
                assert store.remove([(0, path)]) == (model.pop(path, None) is not None)
            elif action == "sweep":
                store.sweep_vectors()
            elif action == "reopen":
                store.close()
                store = IndexStore.open(where, readonly=False)
        store.sweep_vectors()
        assert {path: read_file(store, path) for _, path in store.files()} == model
        keys = {chunk.key for chunks in model.values() for chunk in chunks}
        counts = store.counts()
        assert (counts.vectors, counts.chunks) == (len(keys), sum(map(len, model.values())))
        assert store.missing(keys) == set()
    finally:
        store.close()
    check_sound(where.database)
