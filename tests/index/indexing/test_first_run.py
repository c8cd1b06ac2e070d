"""The first run of an index: what it says where it finds nothing, and what it leaves where it is stopped early."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from indexed_folder import IndexedFolder, write
from ockit.commands.index import stopped_line
from ockit.errors import InterruptedByUser
from ockit.index.indexing.plan import IndexPlan
from ockit.index.indexing.report import IndexEvent, IndexNotice, Progress
from ockit.index.indexing.run import index_folders
from ockit.index.places import all_indexes
from ockit.index.walk.walker import Walk


@pytest.mark.parametrize(
    ("files", "options", "why", "hint"),
    [
        ({}, {}, "it is empty", "documents"),
        ({".a": "x", ".b": "y", "one.pem": "z"}, {}, "left out: hidden: 2, secret: 1", "dot"),
        ({"a.md": "x"}, {"exclude": ("*.md",)}, "left out: excluded: 1", "--exclude"),
        ({"a.png": "\x89PNG\0\0"}, {}, "left out: binary: 1", "documents"),
        ({"a.pdf": "%PDF-1.4\n"}, {}, "1 failed; ", "documents"),
    ],
)
def test_nothing_in_it(
    indexed: IndexedFolder,
    tmp_path: Path,
    files: dict[str, str],
    options: dict[str, object],
    why: str,
    hint: str,
) -> None:
    """Said, and no error: what is left out by rule is none, what failed is counted as failed."""
    folder = tmp_path / "other"
    folder.mkdir()
    write(folder, files)
    told: list[str] = []

    def note(event: IndexEvent) -> None:
        if isinstance(event, IndexNotice):
            told.append(event.text)

    plan = IndexPlan((folder,), **options)  # type: ignore[arg-type]
    report = index_folders(plan, indexed.place, indexed.environment, indexed.embedder, note)
    assert (report.indexed, len(report.failed), indexed.place.exists) == (0, int("failed" in why), True)
    assert len(told) == 1
    assert why in told[0]
    assert hint in told[0]
    again = index_folders(IndexPlan(), indexed.place, indexed.environment, indexed.embedder, note)
    assert (again.indexed, len(told)) == (0, 1)  # said once


@pytest.mark.parametrize("how", ["stop", "end"])
def test_it_was_stopped_before_anything_was_in_it(indexed: IndexedFolder, how: str) -> None:
    stop = threading.Event()

    def told(event: IndexEvent) -> None:
        if isinstance(event, Progress) and event.stage == "walking":
            if how == "end":
                raise KeyboardInterrupt
            stop.set()

    plan = IndexPlan((indexed.folder,))
    if how == "end":
        with pytest.raises(KeyboardInterrupt):
            index_folders(plan, indexed.place, indexed.environment, indexed.embedder, told, stop)
    else:
        report = index_folders(plan, indexed.place, indexed.environment, indexed.embedder, told, stop)
        assert (report.stopped, report.left) == (True, None)
        assert stopped_line(report) == "stopped; nothing was done yet"
    assert all_indexes(indexed.environment.directories) == []
    assert indexed.run().indexed == 6


def test_what_cannot_be_removed_does_not_hide_what_went_wrong(indexed: IndexedFolder) -> None:
    def told(event: IndexEvent) -> None:
        if isinstance(event, Progress) and event.stage == "walking":
            away = indexed.place.directory.with_name("it.old")
            away.write_text("in the way of a removal")
            raise InterruptedByUser("enough")

    plan = IndexPlan((indexed.folder,))
    with pytest.raises(InterruptedByUser, match="enough") as caught:
        index_folders(plan, indexed.place, indexed.environment, indexed.embedder, told)
    assert "could not be removed" in caught.value.__notes__[0]


def test_what_is_left_is_said(indexed: IndexedFolder) -> None:
    write(indexed.folder, {f"more/{n}.md": f"# {n}\n\n" + f"This is number {n}. " * 60 for n in range(100)})
    stop = threading.Event()
    seen: list[Progress] = []

    def told(event: IndexEvent) -> None:
        if isinstance(event, Progress) and event.stage == "indexing":
            seen.append(event)
            if event.files:
                stop.set()

    plan = IndexPlan((indexed.folder,))
    report = index_folders(plan, indexed.place, indexed.environment, indexed.embedder, told, stop)
    assert report.stopped
    assert "what was done is kept" in stopped_line(report)
    assert report.left == 106 - report.indexed > 0
    assert all(0 <= one.share <= 1 for one in seen)
    assert any(one.chunks and one.waiting for one in seen)
    assert indexed.run().left == 0


def test_one_large_file_moves_the_count_before_it_is_stored(indexed: IndexedFolder) -> None:
    text = "".join(f"Paragraph {n} tells of the number {n}. " * 8 + "\n\n" for n in range(400))
    folder = indexed.folder.parent / "large"
    write(folder, {"large.md": text})
    indexed.run(folder)
    seen = [one for one in indexed.events if isinstance(one, Progress) and one.stage == "indexing"]
    inside = [one for one in seen if one.files == 0 and one.chunks]
    assert len({one.chunks for one in inside}) >= 3
    assert {one.file for one in inside if one.waiting} == {"large.md"}
    lefts = [one.chunks_left for one in inside]
    assert lefts == sorted(lefts, reverse=True)
    assert (seen[-1].share, seen[-1].waiting, seen[-1].file) == (1.0, 0, "")


def test_a_walk_that_gives_nothing_out_is_stopped_too(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number}").mkdir()
        (tmp_path / f"{number}" / ".hidden").write_text("x")
    asked = 0

    def stopped() -> bool:
        nonlocal asked
        asked += 1
        return asked > 10

    walk = Walk([str(tmp_path)], stopped=stopped)
    assert list(walk) == []
    assert walk.skipped.total() < 20
