"""What a run leaves behind that ends early, or reads a file at a bad moment: nothing is wrong, and nothing is lost."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from indexed_folder import IndexedFolder, write
from ockit.errors import StoreError
from ockit.index.indexing.report import IndexEvent, Progress
from ockit.index.places import IndexPlace
from ockit.index.readers.child_process import ReaderChild
from ockit.index.readers.reading import Unread
from ockit.index.search.options import SearchOptions
from ockit.index.search.searcher import Searcher
from ockit.index.store.index_store import IndexStore
from ockit.index.vectors.dense import DenseIndex


def stopped(indexed: IndexedFolder, *paths: Path) -> None:
    """A run that is stopped once the first files are stored."""
    stop = threading.Event()

    class Stopping(list[IndexEvent]):
        def append(self, event: IndexEvent) -> None:
            if isinstance(event, Progress) and event.files:
                stop.set()

    indexed.events = Stopping()
    assert indexed.run(*paths, stop=stop).stopped
    indexed.events = []


def found(indexed: IndexedFolder, words: str) -> list[str]:
    with IndexStore.open(indexed.place) as store:
        dense = DenseIndex(store)
        retrieved = Searcher(store, dense, indexed.embedder).search(words, SearchOptions(mode="bm25"))
        dense.close()
        return [passage.file for passage in retrieved.passages]


def many(folder: Path, word: str) -> Path:
    write(folder, {f"{n}.md": f"# {word} {n}\n\n" + f"This is {word} number {n}. " * 12 for n in range(150)})
    return folder


def test_a_folder_that_is_half_added_is_searched_and_keeps_its_number(
    indexed: IndexedFolder, tmp_path: Path
) -> None:
    indexed.run()
    second, third = many(tmp_path / "second", "planet"), tmp_path / "third"
    write(third, {"0.md": "# Comet\n\nA comet has a tail of dust.\n"})
    stopped(indexed, second)
    files = found(indexed, "planet number")
    assert files
    assert all(Path(file).parent == second and Path(file).is_file() for file in files)
    indexed.run(third)
    assert found(indexed, "comet tail dust") == [str(third / "0.md")]
    with IndexStore.open(indexed.place) as store:
        assert store.facts.roots == tuple(map(str, (indexed.folder, second, third)))
        assert store.counts().files == 6 + 150 + 1


def test_a_passage_of_no_folder_is_damage_and_said(indexed: IndexedFolder, tmp_path: Path) -> None:
    write(tmp_path / "second", {"moon.md": "# Moon\n\nThe moon is made of rock.\n"})
    indexed.run()
    indexed.run(tmp_path / "second")
    with IndexStore.open(indexed.place, readonly=False) as store:
        store.set_facts(replace(store.facts, roots=store.facts.roots[:1]))
    with pytest.raises(StoreError, match="it has no folder 1") as caught:
        found(indexed, "moon rock")
    assert "--rebuild" in (caught.value.hint or "")


@pytest.mark.parametrize("reason", ["changed", "unreadable", "denied", "died", "time", "memory"])
def test_a_file_that_cannot_be_read_for_a_moment_keeps_what_is_indexed(
    indexed: IndexedFolder, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    indexed.run()
    before, embedded = indexed.dump(), indexed.embedder.texts
    os.utime(indexed.folder / "whales.md", (1e9, 1e9 + 0.5))
    read_many = ReaderChild.read_many

    def at_a_bad_moment(self, requests):  # type: ignore[no-untyped-def]
        for request, outcome in read_many(self, requests):
            bad = request.path == "whales.md"
            yield request, Unread(reason, "it cannot be read now") if bad else outcome

    with monkeypatch.context() as patched:
        patched.setattr(ReaderChild, "read_many", at_a_bad_moment)
        for _ in range(2):
            report = indexed.run()
            assert [(Path(one.path).name, one.reason) for one in report.failed] == [("whales.md", reason)]
            assert indexed.dump() == before
    report = indexed.run()
    assert (report.unchanged, report.failed, indexed.embedder.texts) == (6, [], embedded)
    assert indexed.dump() == before


def test_what_a_file_has_become_for_good_replaces_what_is_indexed(indexed: IndexedFolder) -> None:
    indexed.run()
    (indexed.folder / "whales.md").write_bytes(b"\0\1\2" * 999)
    assert indexed.run().skipped == {"binary": 1}
    assert indexed.texts()["whales.md"] == ""


def vectors_in(place: IndexPlace) -> int:
    with closing(sqlite3.connect(place.database)) as connection:
        return int(connection.execute("SELECT count(*) FROM vectors").fetchone()[0])


def fail_to_store(indexed: IndexedFolder, stop: threading.Event | None = None) -> None:
    """A run during which no file can be stored."""

    def full(*_: object) -> None:
        raise StoreError("the disk is full", hint="make room")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(IndexStore, "put_files", full)
        with pytest.raises(StoreError, match="full"):
            indexed.run(stop=stop)


def test_vectors_of_what_is_deleted_go_though_a_run_has_failed(indexed: IndexedFolder) -> None:
    indexed.run()
    whole = vectors_in(indexed.place)
    (indexed.folder / "whales.md").unlink()
    write(indexed.folder, {"new.md": "# Comet\n\nA comet has a tail of dust.\n"})
    fail_to_store(indexed)
    (indexed.folder / "new.md").unlink()
    assert (indexed.run().unchanged, vectors_in(indexed.place) < whole) == (5, True)
    with IndexStore.open(indexed.place) as store:
        before = store.generation
        assert not store.unswept
    assert indexed.run().unchanged == 5
    with IndexStore.open(indexed.place) as store:
        assert store.generation == before


def test_an_error_of_the_store_is_nobodys_wish_to_stop(indexed: IndexedFolder) -> None:
    stop = threading.Event()
    fail_to_store(indexed, stop)
    assert not stop.is_set()
    assert indexed.run(stop=stop).indexed == 6
