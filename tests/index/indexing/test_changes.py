"""What a second run does: as much as has changed, and no more."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from indexed_folder import TEXTS, IndexedFolder, write
from ockit.index.indexing.comparing import ALWAYS_AGAIN, trusted
from ockit.index.store.index_store import IndexStore
from ockit.index.walk.walker import Found


def settle(folder: Path) -> None:
    """Dates that are old enough to be relied on."""
    then = time.time_ns() - 10**10
    for number, path in enumerate(sorted(folder.rglob("*"))):
        os.utime(path, ns=(then, then + 1_000_003 * number))


def test_everything_is_indexed_at_first_and_nothing_twice(indexed: IndexedFolder) -> None:
    settle(indexed.folder)
    first = indexed.run()
    assert (first.indexed, first.unchanged, first.skipped, first.failed) == (6, 0, {}, [])
    assert {
        path: text.strip() for path, text in indexed.texts().items() if path.endswith(("md", "py", "txt"))
    } == {path: text.strip() for path, text in TEXTS.items() if path.endswith(("md", "py", "txt"))}
    embedded, before = indexed.embedder.texts, indexed.dump()
    assert embedded == first.embedded == first.chunks > 5
    second = indexed.run()
    assert (second.indexed, second.unchanged, second.chunks, second.embedded) == (0, 6, 0, 0)
    assert indexed.embedder.texts == embedded
    assert indexed.dump() == before


def test_an_edit_embeds_only_the_chunks_that_have_changed(indexed: IndexedFolder) -> None:
    long = "\n\n".join(f"## Part {n}\n\n" + f"This is said in part number {n}. " * 30 for n in range(8))
    write(indexed.folder, {"long.md": "# Long\n\n" + long + "\n"})
    indexed.run()
    before = indexed.embedder.texts
    write(
        indexed.folder, {"long.md": "# Long\n\n" + long.replace("part number 5", "piece number 5", 1) + "\n"}
    )
    report = indexed.run()
    assert (report.indexed, report.unchanged) == (1, 6)
    assert 1 <= indexed.embedder.texts - before <= 2
    assert "piece number 5" in indexed.texts()["long.md"]


def test_a_deleted_file_is_forgotten_and_its_vectors_are(indexed: IndexedFolder) -> None:
    indexed.run()
    (indexed.folder / "spiders.md").unlink()
    report = indexed.run()
    assert (report.removed, report.unchanged, report.indexed) == (1, 5, 0)
    assert "spiders.md" not in indexed.texts()
    write(indexed.folder, {"spiders.md": TEXTS["spiders.md"]})
    before = indexed.embedder.texts
    indexed.run()
    assert indexed.embedder.texts > before  # it was swept, so it is embedded again


def test_a_renamed_file_and_a_moved_folder_are_not_embedded_again(indexed: IndexedFolder) -> None:
    indexed.run()
    before, texts = indexed.embedder.texts, indexed.texts()
    (indexed.folder / "whales.md").rename(indexed.folder / "sea.md")
    (indexed.folder / "code").rename(indexed.folder / "source")
    report = indexed.run()
    assert (report.indexed, report.moved, report.unchanged, report.removed) == (0, 3, 6, 0)
    assert indexed.embedder.texts == before
    moved = {
        "whales.md": "sea.md",
        "code/counting.py": "source/counting.py",
        "code/parsing.py": "source/parsing.py",
    }
    assert indexed.texts() == {moved.get(path, path): text for path, text in texts.items()}
    assert indexed.run().unchanged == 6


def test_a_file_that_becomes_another_kind_is_read_again(indexed: IndexedFolder) -> None:
    indexed.run()
    (indexed.folder / "notes/plan.txt").rename(indexed.folder / "notes/plan.md")
    report = indexed.run()
    assert (report.indexed, report.moved, report.removed) == (1, 0, 1)
    assert indexed.dump()[0, "notes/plan.md"][2] == "markdown"


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [("CMakeLists.txt", "plain.txt", "text"), ("plain.txt", "CMakeLists.txt", "cmake")],
)
def test_a_name_of_the_same_ending_may_promise_another_kind(
    indexed: IndexedFolder, old: str, new: str, kind: str
) -> None:
    write(indexed.folder, {old: "project(whales)\nadd_executable(whale whale.c)\n"})
    indexed.run()
    (indexed.folder / old).rename(indexed.folder / new)
    report = indexed.run()
    assert (report.indexed, report.moved, report.removed) == (1, 0, 1)
    assert indexed.dump()[0, new][2] == kind


def test_two_files_that_change_places(indexed: IndexedFolder) -> None:
    indexed.run()
    before, texts = indexed.embedder.texts, indexed.texts()
    one, other, aside = (indexed.folder / name for name in ("whales.md", "spiders.md", "aside"))
    one.rename(aside)
    other.rename(one)
    aside.rename(other)
    indexed.run()
    assert indexed.embedder.texts == before
    assert indexed.texts() == texts | {"whales.md": texts["spiders.md"], "spiders.md": texts["whales.md"]}


def test_a_touched_file_is_looked_into_once(indexed: IndexedFolder) -> None:
    settle(indexed.folder)
    indexed.run()
    os.utime(indexed.folder / "whales.md", (1e9, 1e9 + 0.5))
    report = indexed.run()
    assert (report.indexed, report.unchanged) == (0, 6)
    with_dates = indexed.run()
    assert with_dates.unchanged == 6


def test_a_date_that_says_too_little_is_not_relied_on(indexed: IndexedFolder) -> None:
    file = indexed.folder / "spiders.md"
    os.utime(file, (time.time() + 3600, time.time() + 3600))  # a clock that is set back
    indexed.run()
    status = file.stat()
    file.write_text(TEXTS["spiders.md"].replace("eight", "seven"))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    indexed.run()
    assert "seven legs" in indexed.texts()["spiders.md"]


def test_other_content_of_the_same_size_and_date_is_seen(indexed: IndexedFolder) -> None:
    settle(indexed.folder)
    file = indexed.folder / "spiders.md"
    time.sleep(0.2)
    indexed.run()
    status = file.stat()
    file.write_text(TEXTS["spiders.md"].replace("eight", "seven"))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    after = file.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (
        status.st_size,
        status.st_mtime_ns,
        status.st_ino,
    )
    report = indexed.run()
    assert (report.indexed, report.unchanged) == (1, 5)
    assert "seven legs" in indexed.texts()["spiders.md"]


def test_the_date_of_a_file_is_kept_though_it_is_not_relied_on(indexed: IndexedFolder) -> None:
    soon = time.time_ns() + 3600 * 10**9
    os.utime(indexed.folder / "spiders.md", ns=(soon, soon))
    indexed.run()
    with IndexStore.open(indexed.place) as store:
        record = store.files()[0, "spiders.md"]
    assert (record.mtime_ns, record.ctime_ns) == (soon, ALWAYS_AGAIN)


def test_which_dates_are_relied_on() -> None:
    now, long_ago = 1_800_000_000_500_000_001, 1_700_000_000_500_000_001

    def kept(mtime_ns: int, ctime_ns: int) -> bool:
        found = trusted(Found(0, "x", 1, mtime_ns, 1, ctime_ns), mtime_ns, now)
        assert found in (ctime_ns, ALWAYS_AGAIN)
        return found != ALWAYS_AGAIN

    for date, relied_on in (
        (now - 200_000_000, True),
        (now - 50_000_000, False),
        (1_800_000_000_000_000_000, False),  # whole seconds: the disk may know no others
        (1_799_999_990_000_000_000, True),
        (now + 10**12, False),
    ):
        assert kept(date, long_ago) == relied_on
        assert kept(long_ago, date) == relied_on


def test_the_same_content_twice_is_embedded_once(indexed: IndexedFolder) -> None:
    write(indexed.folder, {"copy/a.md": TEXTS["whales.md"], "copy/b.md": TEXTS["whales.md"]})
    report = indexed.run()
    assert report.indexed == 8
    assert report.embedded < report.chunks
    texts = indexed.texts()
    assert texts["copy/a.md"] == texts["copy/b.md"] == texts["whales.md"]
    (indexed.folder / "whales.md").unlink()
    (indexed.folder / "copy/a.md").unlink()
    before = indexed.embedder.texts
    indexed.run()
    assert indexed.texts()["copy/b.md"] == texts["whales.md"]
    assert indexed.embedder.texts == before


def test_patterns_given_later_take_files_out_and_in_again(indexed: IndexedFolder) -> None:
    indexed.run()
    report = indexed.run(exclude=("*.py",))
    assert (report.removed, report.unchanged, report.skipped) == (2, 4, {"excluded": 2})
    assert indexed.run().unchanged == 4  # they are remembered
    report = indexed.run(include=("notes/",), exclude=("",))
    assert set(indexed.texts()) == {"notes/plan.txt", "notes/table.csv"}
    assert indexed.run(include=("",)).indexed == 4


def test_paths_are_added_and_with_rebuild_replaced(indexed: IndexedFolder, tmp_path: Path) -> None:
    write(tmp_path / "more", {"moon.md": "# Moon\n\nThe moon is made of rock.\n"})
    indexed.run()
    indexed.run(tmp_path / "more")
    assert len(indexed.texts()) == 7
    report = indexed.run(indexed.folder / "notes", indexed.folder, indexed.folder / "whales.md")
    assert (report.unchanged, report.indexed) == (7, 0)  # what lies within another PATH is taken once
    indexed.run(tmp_path / "more", rebuild=True)
    assert set(indexed.texts()) == {"moon.md"}


def test_a_file_on_its_own(indexed: IndexedFolder) -> None:
    report = indexed.run(indexed.folder / "whales.md")
    assert report.indexed == 1
    write(indexed.folder, {"whales.md": "# Whales\n\nThey sing.\n"})
    assert indexed.run(indexed.folder / "whales.md", indexed.folder / "spiders.md").indexed == 2
    assert "sing" in indexed.texts()["whales.md"]
    (indexed.folder / "whales.md").unlink()
    assert indexed.run(indexed.folder / "spiders.md").removed == 1
    assert set(indexed.texts()) == {"spiders.md"}
