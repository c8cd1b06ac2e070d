"""`ockit index --watch` when something goes wrong: what passes is waited for, what does not ends it with an error."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

import watched_index
from indexed_folder import TEXTS, new_embedder, write
from ockit.index.places import IndexPlace
from ockit.index.store.writer_lock import writing


@pytest.fixture
def docs(run_ockit: Any, ockit_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("converted")
    embedder = new_embedder(home)
    embedder.load()
    embedder.close()
    (ockit_home / "cache").mkdir(parents=True)
    (ockit_home / "cache" / "embedders").symlink_to(home / "cache" / "embedders")
    folder: Path = run_ockit.cwd / "docs"
    write(folder, TEXTS)
    return folder


@pytest.fixture
def watching(run_ockit: Any, docs: Path) -> Iterator[subprocess.Popen[str]]:
    with watched_index.watching(run_ockit, docs.name, "--json") as process:
        said(process.stderr, "watching 1 folder")
        yield process


def said(stream: IO[str] | None, words: str) -> str:
    """The next line that holds these words; nothing where the stream ends before."""
    assert stream is not None
    return next((line for line in stream if words in line), "")


def indexed(watching: subprocess.Popen[str]) -> int:
    """How many files the next run has indexed."""
    assert watching.stdout is not None
    return int(json.loads(watching.stdout.readline())["indexed"])


def test_a_store_that_is_damaged_ends_it_with_an_error(
    watching: subprocess.Popen[str], docs: Path, ockit_home: Path
) -> None:
    (ockit_home / "data" / "indexes" / "docs" / "index.db").write_bytes(b"nothing" * 1000)
    write(docs, {"new.md": "# New\n\nSomething new.\n"})
    assert said(watching.stderr, "damaged")
    assert watching.wait(timeout=20) not in (0, None)


def test_another_ockit_that_indexes_is_waited_for(
    watching: subprocess.Popen[str], docs: Path, ockit_home: Path
) -> None:
    assert indexed(watching) == 6
    with writing(IndexPlace(ockit_home / "data" / "indexes" / "docs", "docs")):
        write(docs, {"new.md": "# New\n\nSomething new.\n"})
        assert "trying again" in said(watching.stderr, "is indexing docs")
    assert indexed(watching) == 1


def test_ctrl_c_ends_it_while_another_ockit_indexes(
    watching: subprocess.Popen[str], docs: Path, ockit_home: Path
) -> None:
    with writing(IndexPlace(ockit_home / "data" / "indexes" / "docs", "docs")):
        write(docs, {"new.md": "# New\n\nSomething new.\n"})
        assert said(watching.stderr, "is indexing docs")
        watching.send_signal(signal.SIGINT)
        _, rest = watching.communicate(timeout=20)
    assert (watching.returncode, "is indexing docs" in rest) == (0, False)


def test_the_last_file_that_is_removed_leaves_the_index(watching: subprocess.Popen[str], docs: Path) -> None:
    assert indexed(watching) == 6
    for path in sorted(docs.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert watching.stdout is not None
    removed = 0
    while removed < 6:
        removed += json.loads(watching.stdout.readline())["removed"]
    write(docs, {"new.md": "# New\n\nSomething new.\n"})
    assert indexed(watching) == 1


def test_a_disk_that_is_away_is_waited_for(watching: subprocess.Popen[str], docs: Path) -> None:
    assert indexed(watching) == 6
    away, empty = docs.with_name("away"), docs.with_name("empty")
    empty.mkdir()
    exchange(docs, empty, away)
    assert "trying again" in said(watching.stderr, "has 6 files of it")
    exchange(docs, away, empty)
    write(docs, {"new.md": "# New\n\nSomething new.\n"})
    assert indexed(watching) == 1
    write(docs, {"newer.md": "# Newer\n\nSomething newer.\n"})
    assert indexed(watching) == 1


def exchange(folder: Path, by: Path, to: Path) -> None:
    """Put another folder in the place of one, which goes elsewhere."""
    folder.rename(to)
    by.rename(folder)
