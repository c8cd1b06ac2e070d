"""A table of sentences becomes an index: rows, documents and neighbours, whatever is wrong with the file."""

from __future__ import annotations

import json
import random
import sys

import pytest

from ockit.errors import MissingExtra, NotFound, OckitError, UsageError
from ockit.index.live import sentence_rows, sentences_import
from ockit.index.live.sentence_rows import BadRow, Row, rows
from ockit.index.store.index_store import IndexStore
from sentence_tables import contents, table, with_vectors, write, write_parquet


@pytest.mark.parametrize("name", ["table.jsonl", "table.jsonl.gz", "table.parquet"])
def test_rows_become_documents(imported, name):
    said = table(50)
    done = imported(said, name)
    assert (done.rows, done.documents, done.chunks, done.bad, done.embedded) == (50, 8, 50, 0, 50)
    found = contents(imported.place)
    assert found["https://wiki.test/1"] == ("Title 1", [f"{row['text']}\n" for row in said[7:14]])
    with IndexStore.open(imported.place) as store:
        assert store.facts.kind == "sentences"
        record = store.files()[0, "https://wiki.test/1"]
        chunks = [stored.chunk for stored in store.span(record.id, 0, 9)]
        assert [c.heading for c in chunks] == ["Title 1"] * 7
        assert [c.start for c in chunks] == [sum(len(c.text) for c in chunks[:n]) for n in range(7)]
        assert not record.has_lines
    assert not (imported.place.directory / "import.db").exists()


def test_neighbours_are_those_whose_ids_follow(imported):
    """A gap ends a document, so that no passage is widened across it; a title that comes again is another one."""
    said = [
        {"id": 1, "title": "A", "url": None, "text": "one"},
        {"id": 2, "title": "A", "url": None, "text": "two"},
        {"id": 5, "title": "A", "url": None, "text": "five"},
        {"id": 6, "title": "B", "text": "six"},
        {"id": "7", "title": " A ", "text": "seven\nlines"},
        {"id": 8, "title": "B", "text": "eight"},
    ]
    imported(said)
    assert contents(imported.place) == {
        "A": ("A", ["one\n", "two\n"]),
        "A#5": ("A", ["five\n"]),
        "B": ("B", ["six\n"]),
        "A#7": ("A", ["seven\nlines\n"]),
        "B#8": ("B", ["eight\n"]),
    }


def test_long_documents_are_cut_so_that_memory_is_bounded(imported, monkeypatch):
    monkeypatch.setattr(sentences_import, "LONGEST_DOCUMENT", 10)
    imported(table(25, per_document=100))
    assert sorted(contents(imported.place)) == [f"https://wiki.test/0{end}" for end in ("", "#10", "#20")]


BAD = [
    ("not json", "no JSON"),
    ("[1]", "no JSON object"),
    ("[" * 100_000, "no JSON"),
    ('{"title": "t", "text": "x"}', "its id is 'None'"),
    ('{"id": 1.5, "title": "t", "text": "x"}', "its id is '1.5'"),
    ('{"id": true, "title": "t", "text": "x"}', "its id is 'True'"),
    ('{"id": -1, "title": "t", "text": "x"}', "its id is '-1'"),
    ('{"id": 1, "title": " ", "text": "x"}', "no title"),
    ('{"id": 1, "title": "t", "text": null}', "no text"),
    (json.dumps({"id": 1, "title": "t", "text": "x" * 70_000}), "70000 characters"),
    ('{"id": 1, "title": "t", "text": "' + "x" * (3 << 20) + '"}', "longer than 1 MiB"),
]


def test_bad_rows_are_counted_and_named(imported):
    path = imported.folder / "table.jsonl"
    good = [json.dumps(row) for row in table(3)]
    path.write_text("\n".join([good[0], "", *(line for line, _ in BAD), good[1], good[2]]))
    found = [row for row in rows(path) if isinstance(row, BadRow)]
    assert [row.number for row in found] == list(range(3, 3 + len(BAD)))
    for row, (_, reason) in zip(found, BAD, strict=True):
        assert reason in row.reason
    done = imported()
    assert (done.rows, done.chunks, done.bad) == (len(BAD) + 4, 3, len(BAD))
    assert [place for place, _ in done.examples] == [f"{path}:{number}" for number in range(3, 8)]


def test_hostile_text_stays_text(imported):
    imported(
        [{"id": 1, "title": "a\nb\x1b[31m", "url": "javascript: x", "text": "<|im_start|>system \ud800\0"}]
    )
    ((path, (title, texts)),) = contents(imported.place).items()
    assert (path, title, texts) == ("javascript:x", "a b\x1b[31m", ["<|im_start|>system ?\ufffd\n"])


@pytest.mark.parametrize("name", ["table.jsonl", "table.jsonl.gz", "table.parquet"])
def test_rows_from_anywhere(imported, name):
    said = table(2500)
    path = imported.folder / name
    (write_parquet if name.endswith(".parquet") else write)(path, said)
    for start in (0, 1, 999, 1000, 1024, 1025, 2048, 2499, 2500):
        found = list(rows(path, start))
        assert [row.number for row in found] == list(range(start + 1, 2501))
        assert all(isinstance(row, Row) and row.id == row.number - 1 for row in found)


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        ({"id": [1], "body": ["x"]}, "no column title, text; its columns: id, body"),
        ({}, "no column id, title, text"),
    ],
)
def test_parquet_with_other_columns(imported, columns, match):
    from pyarrow import parquet, table

    parquet.write_table(table(columns), imported.folder / "table.parquet")
    with pytest.raises(UsageError, match=match):
        imported(name="table.parquet")
    assert not imported.place.directory.exists()


def test_parquet_of_other_types(imported):
    from pyarrow import parquet, table

    columns = {"id": [[1]], "title": [b"t"], "text": [3.5], "url": [7]}
    parquet.write_table(table(columns), imported.folder / "table.parquet")
    with pytest.raises(UsageError, match="no row of the table can be used"):
        imported(name="table.parquet")


@pytest.mark.parametrize("seed", range(12))
def test_damaged_parquet(imported, seed):
    """Bytes changed, or the end cut off: an error of ours, or rows; never anything else."""
    path = imported.folder / "table.parquet"
    write_parquet(path, table(3000), 500)
    data, chance = bytearray(path.read_bytes()), random.Random(seed)
    if seed % 3 == 0:
        del data[chance.randrange(len(data)) :]
    else:
        for _ in range(20):
            data[chance.randrange(len(data))] = chance.randrange(256)
    path.write_bytes(data)
    try:
        found = list(rows(path))
    except OckitError as failure:
        error = failure
    else:
        assert found
        return
    assert error.where == str(path)


@pytest.mark.parametrize("cut", [1, 5, 400, 2000])
def test_damaged_gzip(imported, cut):
    path = imported.folder / "table.jsonl.gz"
    write(path, table(1000))
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(OckitError, match="damaged after line"):
        list(rows(path))
    path.write_bytes(b"no gzip")
    with pytest.raises(OckitError, match="damaged after line 0"):
        imported(name="table.jsonl.gz")


def test_files_that_are_none(imported):
    with pytest.raises(NotFound):
        imported(name="none.jsonl")
    with pytest.raises(NotFound):
        imported(name="none.parquet")
    (imported.folder / "table.csv").write_text("id,title")
    with pytest.raises(UsageError, match="no table of sentences by its name"):
        imported(name="table.csv")
    (imported.folder / "empty.jsonl").write_text("\n")
    with pytest.raises(UsageError, match="has no rows"):
        imported(name="empty.jsonl")
    assert not imported.place.directory.exists()


def test_an_index_that_is_there(imported):
    imported(table(3))
    with pytest.raises(UsageError, match="already"):
        imported()
    assert imported(table(9), rebuild=True).chunks == 9


def test_without_pyarrow(imported, monkeypatch):
    write_parquet(imported.folder / "table.parquet", table(3))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match="pyarrow") as caught:
        imported(name="table.parquet")
    assert caught.value.hint == "pip install 'ockit[parquet]'"


class TestOwnVectors:
    """``--embeddings-of``: the table's own vectors, or none."""

    @pytest.mark.parametrize("name", ["table.jsonl", "table.parquet"])
    def test_they_are_used_and_nothing_is_embedded(self, imported, name):
        import numpy as np

        said = with_vectors(20)
        done = imported(said, name, embeddings=True)
        assert (done.chunks, done.bad, done.embedded) == (20, 0, 0)
        with IndexStore.open(imported.place) as store:
            record = store.files()[0, "https://wiki.test/0"]
            stored = store.span(record.id, 0, 9)
            ids, vectors = store.vectors([one.vector_id for one in stored])
            by_id = dict(zip(ids, vectors, strict=True))
            for one, row in zip(stored, said, strict=False):
                expected = np.array(row["embedding"]) / np.linalg.norm(row["embedding"])
                assert np.dot(by_id[one.vector_id].astype(float), expected) == pytest.approx(1.0, abs=1e-3)

    def test_rows_without_a_sound_one_are_bad(self, imported):
        said = with_vectors(7)
        said[1]["embedding"] = None
        said[2]["embedding"] = said[2]["embedding"][:300]
        said[3]["embedding"] = [0.0] * 384
        said[4]["embedding"] = ["x"] * 384
        said[5]["embedding"] = [1e999] * 384
        del said[6]["embedding"]
        done = imported(said, embeddings=True)
        assert (done.chunks, done.bad) == (1, 6)
        reasons = [reason for _, reason in done.examples]
        assert "no embedding" in reasons[0]
        assert "300 numbers, the embedder's have 384" in reasons[1]
        assert "zero" in reasons[2]
        assert "no list of finite numbers" in reasons[3]

    def test_another_dimension_makes_nothing(self, imported):
        with pytest.raises(UsageError, match="16 numbers, the embedder's have 384"):
            imported(with_vectors(5, 16), embeddings=True)
        assert not imported.place.directory.exists()

    def test_they_are_left_alone_unless_they_are_asked_for(self, imported):
        assert imported(with_vectors(5, 16)).embedded == 5


def test_command(imported, run_ockit, tmp_path):
    write(run_ockit.cwd / "Some Table.jsonl", [*table(10), {"id": 10}])
    done = run_ockit("indexes", "import-sentences", "Some Table.jsonl", "--json")
    assert done.code == 7, done.stderr
    said = json.loads(done.stdout)
    assert (said["name"], said["chunks"], said["bad"]) == ("some-table", 10, 1)
    assert f"{run_ockit.cwd / 'Some Table.jsonl'}:11: it has no title" in done.stderr
    both = run_ockit("indexes", "import-sentences", "a.jsonl", "--embedder", "a", "--embeddings-of", "b")
    assert both.code == 2
    assert run_ockit("indexes", "import-sentences", "none.jsonl").code == 3
    assert sentence_rows.REQUIRED == ("id", "title", "text")
