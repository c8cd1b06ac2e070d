"""A run that is stopped while it writes the FAISS file: at once, and what is on the disk is right."""

from __future__ import annotations

import threading

import pytest

from indexed_folder import IndexedFolder
from ockit.errors import InterruptedByUser
from ockit.index.indexing.plan import IndexPlan
from ockit.index.indexing.report import IndexEvent, Progress
from ockit.index.indexing.run import index_folders
from ockit.index.store.index_store import IndexStore
from ockit.index.vectors import building, faiss_cache
from ockit.index.vectors.dense import DenseIndex


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A FAISS file for an index of few vectors, in small slabs."""
    monkeypatch.setattr(building, "SMALLEST", 2)
    monkeypatch.setattr(building, "_SLAB", 2)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("rebuild", [False, True])
def test_a_run_ends_before_the_file_is_made(indexed: IndexedFolder, rebuild: bool) -> None:
    if rebuild:
        indexed.run(indexed.folder / "notes")
    before = indexed.dump() if rebuild else None
    stop = threading.Event()

    def told(event: IndexEvent) -> None:
        if isinstance(event, Progress) and event.stage == "saving":
            stop.set()

    plan = IndexPlan((indexed.folder,), rebuild=rebuild)
    report = index_folders(plan, indexed.place, indexed.environment, indexed.embedder, told, stop)
    assert report.stopped
    if rebuild:
        assert indexed.dump() == before  # the old one answers on
    else:
        assert len(indexed.texts()) == 6
        assert not indexed.place.manifest.exists()
    embedded = indexed.embedder.texts
    again = indexed.run(rebuild=rebuild)
    assert (again.stopped, again.unchanged, indexed.embedder.texts) == (False, 6, embedded)
    assert indexed.place.manifest.exists()
    assert len(indexed.texts()) == 6


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("kind", ["flat", "ivf"])
def test_a_file_that_is_being_made_is_left_at_any_slab(
    indexed: IndexedFolder, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faiss_cache, "kind_for", lambda rows: kind)
    monkeypatch.setattr(faiss_cache, "lists_for", lambda rows: 2)
    indexed.run()
    left = [0]

    def counted(done: int, total: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise InterruptedByUser("enough")

    with IndexStore.open(indexed.place, readonly=False) as store:
        question = indexed.embedder.embed(["What does the whale eat?"], "query")
        dense = DenseIndex(store)
        (expected,) = dense.nearest(question, 3)

        def right() -> bool:
            """Last bits differ with the order in which they are added up."""
            (found,) = dense.nearest(question, 3)
            same = [number for number, _ in found] == [number for number, _ in expected]
            return same and [near for _, near in found] == pytest.approx(
                [near for _, near in expected], abs=1e-5
            )

        assert dense.describe()["kind"] == kind
        indexed.place.manifest.unlink()
        stopped = 0
        for steps in range(50):
            left[0] = steps
            try:
                dense.refresh(counted)
            except InterruptedByUser:
                stopped += 1
                assert not indexed.place.manifest.exists()
                assert right()
                continue
            break
        assert stopped >= 3
        assert right()
        assert dense.describe()["kind"] == kind
        dense.close()
