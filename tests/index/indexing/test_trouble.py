"""What must not go wrong: disks that are away, files that come and go, another indexer, an early end."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from indexed_folder import TEXTS, IndexedFolder, write
from ockit.errors import NotFound, OckitError, StoreError, UsageError, WorkerError
from ockit.index.indexing.plan import IndexPlan, default_name
from ockit.index.indexing.report import IndexNotice, Progress
from ockit.index.indexing.run import index_folders
from ockit.index.store.index_store import IndexStore


def test_a_folder_that_is_gone_deletes_nothing(indexed: IndexedFolder) -> None:
    indexed.run()
    before = indexed.dump()
    away = indexed.folder.with_name("away")
    indexed.folder.rename(away)
    again = (away / "notes",)  # another PATH: the index still knows the first
    for plan in ({}, {"dry_run": True}):
        with pytest.raises(NotFound, match="nothing was changed") as caught:
            indexed.run(*again, **plan)
        assert caught.value.where == str(indexed.folder)
        assert "--rebuild" in (caught.value.hint or "")
    assert indexed.dump() == before
    away.rename(indexed.folder)
    assert indexed.run().unchanged == 6


def test_a_folder_that_is_empty_of_a_sudden_deletes_nothing(indexed: IndexedFolder) -> None:
    indexed.run()
    before = indexed.dump()
    away = indexed.folder.with_name("away")
    indexed.folder.rename(away)
    indexed.folder.mkdir()  # where a disk would be mounted
    with pytest.raises(NotFound, match="has 6 files of it"):
        indexed.run()
    assert indexed.dump() == before
    with pytest.raises(NotFound, match="has 6 files of it"):
        indexed.run(dry_run=True)
    indexed.events.clear()
    assert indexed.run(rebuild=True).indexed == 0
    notices = [event.text for event in indexed.events if isinstance(event, IndexNotice)]
    assert notices == [f"{indexed.folder}: nothing to read is there now; the index had 6 files of it"]
    assert indexed.dump() == {}


def test_files_that_were_all_removed_leave_the_index(indexed: IndexedFolder) -> None:
    indexed.run()
    for path in sorted(indexed.folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert indexed.run().removed == 6
    assert indexed.dump() == {}


def test_a_rebuild_tells_of_no_folder_that_has_files(indexed: IndexedFolder) -> None:
    indexed.run(indexed.folder / "notes")
    indexed.events.clear()
    indexed.run(rebuild=True)
    assert not any(isinstance(event, IndexNotice) for event in indexed.events)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_listed_keeps_what_is_known(indexed: IndexedFolder) -> None:
    indexed.run()
    before = indexed.dump()
    (indexed.folder / "code").chmod(0)
    try:
        report = indexed.run()
    finally:
        (indexed.folder / "code").chmod(0o700)
    assert [(one.reason, Path(one.path).name) for one in report.failed] == [("denied", "code")]
    assert indexed.dump() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_tried_each_time(indexed: IndexedFolder) -> None:
    (indexed.folder / "whales.md").chmod(0)
    assert [one.reason for one in indexed.run().failed] == ["denied"]
    (indexed.folder / "whales.md").chmod(0o600)
    assert indexed.run().indexed == 1


def test_a_file_that_fails_is_told_every_time_and_read_once(indexed: IndexedFolder) -> None:
    write(indexed.folder, {"broken.pdf": "%PDF-1.7\nno more\n"})
    os.utime(indexed.folder / "broken.pdf", (1e9, 1e9 + 0.25))
    time.sleep(0.15)  # one that was touched in the same tick of the clock is looked into again
    first = indexed.run()
    assert (first.indexed, [one.path for one in first.failed]) == (6, [str(indexed.folder / "broken.pdf")])
    told = len(indexed.events)
    again = indexed.run()
    assert (again.indexed, len(again.failed), again.failed[0].reason) == (0, 1, first.failed[0].reason)
    assert not any(
        isinstance(event, Progress) and event.stage == "indexing" for event in indexed.events[told:]
    )
    write(indexed.folder, {"broken.pdf": ""})
    (indexed.folder / "broken.pdf").rename(indexed.folder / "whole.txt")
    assert indexed.run().failed == []


def test_a_secret_is_left_out_whatever_it_is_called(indexed: IndexedFolder) -> None:
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\n" + "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU" * 4 + "\n"
    write(
        indexed.folder,
        {
            "readme.txt": key,
            "server.pem": key,
            ".env": "PASSWORD=1",
            "how-to.md": f"So:\n{key}",
            "a.md": "So:\n",
        },
    )
    report = indexed.run()
    assert report.skipped == {"secret": 4}
    assert indexed.run().skipped == {"secret": 4}
    before = indexed.texts()
    assert before.pop("a.md") == "So:\n"
    assert not any("PRIVATE KEY" in text for text in before.values())
    write(indexed.folder, {"a.md": f"So it is done:\n\n{key}"})
    assert indexed.run().skipped == {"secret": 5}
    after = {path: text for path, text in indexed.texts().items() if text}
    assert after == {path: text for path, text in before.items() if text}


def test_a_second_indexer_is_told_who_is_first(indexed: IndexedFolder) -> None:
    indexed.run()
    script = (
        "import sys, pathlib; from ockit.index.store.writer_lock import writing; "
        "from ockit.index.places import IndexPlace\n"
        "with writing(IndexPlace(pathlib.Path(sys.argv[1]), 'it')): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-P", "-c", script, str(indexed.place.directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        for plan in ({}, {"rebuild": True}):
            with pytest.raises(StoreError, match=re.escape(f"(process {holder.pid}) is indexing it")):
                indexed.run(**plan)
        assert indexed.run(dry_run=True).unchanged == 6  # who changes nothing need not wait
        holder.communicate("")
    assert indexed.run().unchanged == 6


def test_an_early_end_keeps_what_is_done_and_goes_on_from_there(indexed: IndexedFolder) -> None:
    write(
        indexed.folder,
        {f"many/{n}.md": f"# Number {n}\n\n" + f"This is number {n}. " * 12 for n in range(110)},
    )
    stop = threading.Event()

    class Stopping(type(indexed.embedder)):  # type: ignore[misc]
        def embed(self, texts: object, role: object) -> object:
            if self.texts > 64:
                stop.set()
            return super().embed(texts, role)

        def close(self) -> None:
            """It is the other tests' too."""

    indexed.embedder = Stopping(indexed.embedder.inner)
    report = indexed.run(stop=stop)
    assert report.stopped
    assert 0 < report.indexed < 116
    done = indexed.embedder.texts
    stop.clear()
    indexed.embedder.texts = -(10**6)
    rest = indexed.run()
    assert not rest.stopped
    assert rest.indexed + rest.unchanged == 116
    whole = indexed.dump()
    assert len(whole) == 116
    assert 0 < indexed.embedder.texts + 10**6 < done + 110
    indexed.run(rebuild=True)
    assert indexed.dump() == whole


def test_an_embedder_that_dies_loses_nothing_that_is_done(indexed: IndexedFolder) -> None:
    write(
        indexed.folder,
        {f"many/{n}.md": f"# Number {n}\n\n" + f"This is number {n}. " * 12 for n in range(110)},
    )

    class Dying(type(indexed.embedder)):  # type: ignore[misc]
        def embed(self, texts: object, role: object) -> object:
            if self.texts > 64:
                for child in psutil.Process().children():
                    dead = child.status() == psutil.STATUS_ZOMBIE
                    if not dead and any("embedding" in word for word in child.cmdline()):
                        child.suspend()  # it must die with the call under way: before it, another is started
                        threading.Timer(2.0, child.kill).start()
            return super().embed(texts, role)

    alive = indexed.embedder
    indexed.embedder = Dying(alive.inner)
    with pytest.raises(WorkerError, match="died"):
        indexed.run()
    assert 0 < len(indexed.dump()) < 116
    indexed.embedder = alive
    report = indexed.run()
    assert (report.indexed + report.unchanged, report.stopped) == (116, False)
    whole = indexed.dump()
    anew = indexed.run(rebuild=True)
    assert indexed.dump() == whole
    assert report.embedded <= anew.embedded - 64


def test_files_that_vanish_or_change_while_the_run_is_under_way(indexed: IndexedFolder) -> None:
    write(indexed.folder, {f"many/{n}.txt": f"Number {n} is here.\n" for n in range(300)})

    def meddle(event: object) -> None:
        if (
            isinstance(event, Progress)
            and event.stage == "indexing"
            and (indexed.folder / "many/299.txt").exists()
        ):
            (indexed.folder / "many/299.txt").unlink()
            write(indexed.folder, {"many/298.txt": "Another text.\n"})

    indexed.events = type("Meddling", (list,), {"append": lambda _, event: meddle(event)})()
    report = indexed.run()
    assert report.failed == []
    indexed.events = []
    indexed.run()
    texts = indexed.texts()
    assert "many/299.txt" not in texts
    assert texts["many/298.txt"] == "Another text.\n"


def test_an_index_of_another_version_refuses_and_says_what_to_type(
    indexed: IndexedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    indexed.run()
    monkeypatch.setattr("ockit.index.chunks.CHUNKER_VERSION", 10**6)
    with pytest.raises(UsageError) as caught:
        indexed.run()
    assert "ockit index --rebuild --name it" in (caught.value.hint or "")
    assert indexed.run(rebuild=True).indexed == 6
    assert indexed.run().unchanged == 6


def test_a_rebuild_goes_on_answering_from_the_old_store(indexed: IndexedFolder) -> None:
    indexed.run()
    write(indexed.folder, {"spiders.md": TEXTS["spiders.md"].replace("eight", "seven")})
    seen = []
    with IndexStore.open(indexed.place) as reader:
        indexed.events = type(
            "Looking", (list,), {"append": lambda _, event: seen.append(reader.counts().files)}
        )()
        indexed.run(rebuild=True)
        assert set(seen) == {6}
        assert any(
            "seven" in one.chunk.text
            for file in reader.files().values()
            for one in reader.span(file.id, 0, 9)
        )
    assert not list(indexed.place.directory.glob("*.part"))


def test_a_damaged_index_can_be_made_anew(indexed: IndexedFolder) -> None:
    indexed.run()
    before = indexed.dump()
    data = bytearray(indexed.place.database.read_bytes())
    data[:4096] = b"\0" * 4096
    indexed.place.database.write_bytes(data)
    with pytest.raises(StoreError, match="damaged") as caught:
        indexed.run()
    assert "--rebuild" in (caught.value.hint or "")
    assert (
        default_name(indexed.environment.directories, (indexed.folder,)) == "it"
    )  # no second one is made beside it
    index_again = indexed.run(rebuild=True)
    assert index_again.indexed == 6
    assert indexed.dump() == before


def test_a_disk_that_is_away_takes_no_file_that_was_named(indexed: IndexedFolder) -> None:
    indexed.run(indexed.folder / "whales.md")
    write(indexed.folder.parent / "other", {"x.md": "Some words.\n"})
    indexed.folder.rename(indexed.folder.with_name("away"))
    with pytest.raises(NotFound, match="nothing was changed"):
        indexed.run(indexed.folder.parent / "other")
    assert set(indexed.texts()) == {"whales.md"}


@pytest.mark.parametrize("pattern", ["/", "[", "#", "!", "  "])
def test_a_pattern_that_matches_nothing_is_refused(indexed: IndexedFolder, pattern: str) -> None:
    for option in ("include", "exclude"):
        with pytest.raises(UsageError, match=f"--{option}"):
            indexed.run(**{option: (pattern,)})


def test_an_index_of_which_nothing_is_left_can_be_made_anew_from_its_path(indexed: IndexedFolder) -> None:
    indexed.run()
    indexed.place.database.write_bytes(b"nothing" * 1000)
    indexed.place.facts.write_text("{}")
    with pytest.raises(StoreError, match="damaged") as caught:
        index_folders(IndexPlan(rebuild=True), indexed.place, indexed.environment, indexed.embedder)
    assert caught.value.hint == "name what it is to be of: ockit index FOLDER... --rebuild --name it"
    assert indexed.run(rebuild=True).indexed == 6


def test_an_index_that_is_not_of_folders_is_left_alone(indexed: IndexedFolder) -> None:
    indexed.run()
    with IndexStore.open(indexed.place, readonly=False) as store:
        store.set_facts(replace(store.facts, kind="feed"))
    for plan in ({}, {"rebuild": True}):
        with pytest.raises(UsageError, match="an index of feed"):
            indexed.run(**plan)


def test_names_of_any_bytes_are_indexed(indexed: IndexedFolder) -> None:
    folder = Path(os.fsdecode(os.fsencode(indexed.folder) + b"/\xff\n\x1b[31m"))
    folder.mkdir()
    (folder / os.fsdecode(b"\xfe.md")).write_text("# Odd\n\nThe name is odd.\n")
    report = indexed.run(folder)
    assert (report.indexed, report.failed) == (1, [])
    assert indexed.run(folder).unchanged == 1


def test_nothing_to_index(indexed: IndexedFolder, tmp_path: Path) -> None:
    for path, error in (
        (tmp_path / "missing", NotFound),
        (Path("/dev/null"), UsageError),
    ):
        with pytest.raises(error) as caught:
            indexed.run(path)
        assert isinstance(caught.value, OckitError)
        assert caught.value.where == str(path)
