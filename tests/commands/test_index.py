"""`ockit index` as it is typed: what it prints, how it ends, and what it does to a disk that does not want it."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from indexed_folder import TEXTS, write
from terminal import terminal
from watched_index import watching


@pytest.fixture(scope="session")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache directory in which the embedder is converted, once for all."""
    from indexed_folder import new_embedder

    home = tmp_path_factory.mktemp("converted")
    embedder = new_embedder(home)
    embedder.load()
    embedder.close()
    return home / "cache" / "embedders"


@pytest.fixture
def docs(run_ockit: Any, ockit_home: Path, converted: Path) -> Path:
    """A folder of documents in the working directory, and a home that knows the embedder."""
    (ockit_home / "cache").mkdir(parents=True)
    (ockit_home / "cache" / "embedders").symlink_to(converted)
    folder: Path = run_ockit.cwd / "Docs & more"
    write(folder, TEXTS)
    return folder


def many(folder: Path, count: int) -> None:
    write(
        folder,
        {f"many/{n}.md": f"# Number {n}\n\n" + f"This is number {n} of many. " * 50 for n in range(count)},
    )


def test_a_folder_is_indexed_and_refreshed(run_ockit: Any, docs: Path) -> None:
    write(docs, {".env": "KEY=1", ".gitignore": "*.csv\n", "picture.png": "\x89PNG\0\0"})
    first = run_ockit("index", docs.name)
    assert first.code == 0
    assert first.stdout.startswith("docs-more: indexed 5 / unchanged 0 / skipped 4 (")
    for why in ("secret: 1", "hidden: 1", "binary: 1", "ignored: 1"):
        assert why in first.stdout
    assert first.stdout.endswith(" / failed 0\n")
    assert "ockit search QUESTION -i docs-more" in first.stderr
    again = run_ockit("index", "--name", "docs-more", "--json")
    assert again.code == 0
    found = json.loads(again.stdout)
    assert (found["schema_version"], found["indexed"], found["unchanged"], found["skipped"]["secret"]) == (
        1,
        0,
        5,
        1,
    )
    assert run_ockit("index", str(docs)).stdout.startswith("docs-more: indexed 0 / unchanged 5 ")


def test_files_that_fail_are_listed_and_the_exit_code_says_so(run_ockit: Any, docs: Path) -> None:
    write(
        docs,
        {f"broken-{n:02}.pdf": "%PDF-1.4\nnothing\n" for n in range(12)} | {"esc\x1b[2J.pdf": "%PDF-1.4\n"},
    )
    done = run_ockit("index", docs.name)
    assert done.code == 7
    assert done.stdout.count("failed 13\n") == 1
    assert done.stderr.count("warning: ") == 11
    assert "3 more failed: ockit indexes show docs-more --failed lists them" in done.stderr
    assert "\x1b" not in done.stderr + done.stdout
    listed = run_ockit("indexes", "show", "docs-more", "--failed")
    assert listed.code == 0
    assert listed.stdout.count("\tfailed\tdamaged\t") == 13
    assert "\x1b" not in listed.stdout
    found = json.loads(run_ockit("indexes", "show", "docs-more", "--failed", "--json").stdout)
    assert len(found["listed"]) == found["failed"] == 13


def test_a_dry_run_writes_nothing(run_ockit: Any, docs: Path, ockit_home: Path) -> None:
    done = run_ockit("index", docs.name, "--dry-run")
    assert (done.code, done.stdout) == (0, "docs-more: would index 6 / unchanged 0 / skipped 0 / failed 0\n")
    assert not (ockit_home / "data").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "there is nothing to index"),
        (("missing",), 3, "there is no such file or folder"),
        (("--name", "nothing"), 3, "ockit index FOLDER --name nothing"),
        (("/dev/zero",), 2, "neither a file nor a folder"),
        ((".", "--name", "../up"), 2, "a name that would do"),
        ((".", "--watch", "--dry-run"), 2, "exclude each other"),
        (("Docs & more", "--embedder", "no such one"), 2, "names no model"),
    ],
)
def test_what_cannot_be_done_says_what_to_type(
    run_ockit: Any, docs: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    done = run_ockit("index", *words)
    assert done.code == code
    assert said in done.stderr
    assert "try: " in done.stderr


def test_a_whole_home_wants_a_yes(run_ockit: Any, docs: Path) -> None:
    home = str(run_ockit.cwd)
    looked = run_ockit("index", home, "--dry-run")
    assert (looked.code, "whole home directory" in looked.stderr) == (0, True)
    for wide in (home, str(run_ockit.cwd.parent), "/"):
        refused = run_ockit("index", wide, "--name", "wide")
        assert (refused.code, "try: --yes" in refused.stderr) == (2, True)
    assert run_ockit("indexes", "show", "wide").code == 3
    instead = run_ockit("ask", "--index-dir", ".", "hello")
    assert (instead.code, f"ockit index --yes {home}" in instead.stderr) == (2, True)
    with terminal(run_ockit, "index", home) as screen:
        screen.until(lambda seen: "[y/N]" in seen.screen, "the question")
        screen.line("n")
        assert screen.end(timeout=20) == 1
    assert run_ockit("index", home, "--name", "wide", "--yes").code == 0
    assert run_ockit("index", home).code == 0  # it is of it already


def test_two_folders_of_one_name_are_two_indexes(run_ockit: Any, docs: Path) -> None:
    write(run_ockit.cwd / "a" / "docs", {"x.md": "One.\n"})
    write(run_ockit.cwd / "b" / "docs", {"y.md": "Two.\n"})
    assert run_ockit("index", "a/docs").stdout.startswith("docs: indexed 1 ")
    assert run_ockit("index", "b/docs").stdout.startswith("docs-2: indexed 1 ")
    assert run_ockit("index", "b/docs").stdout.startswith("docs-2: indexed 0 / unchanged 1 ")
    listed = json.loads(run_ockit("indexes", "list", "--json").stdout)
    assert [one["name"] for one in listed["indexes"]] == ["docs", "docs-2"]
    assert run_ockit("indexes", "rm", "docs-2").code == 2
    assert run_ockit("indexes", "rm", "docs-2", "--yes").code == 0
    assert [line.split("\t")[0] for line in run_ockit("indexes", "list").stdout.splitlines()] == [
        "NAME",
        "docs",
    ]
    assert run_ockit("indexes", "show", "docs-2").code == 3


def test_an_index_as_one_file(run_ockit: Any, docs: Path) -> None:
    run_ockit("index", docs.name)
    assert run_ockit("indexes", "export", "docs-more", "kept.index").code == 0
    there = run_ockit("indexes", "export", "docs-more", "kept.index")
    assert (there.code, "try: --force replaces it" in there.stderr) == (2, True)
    assert run_ockit("indexes", "export", "docs-more", "kept.index", "--force").code == 0
    away = run_ockit("indexes", "export", "docs-more", "no such/kept.index")
    assert (away.code, "there is no folder" in away.stderr, "mkdir -p" in away.stderr) == (3, True, True)
    assert run_ockit("indexes", "rm", "docs-more", "--yes").code == 0
    imported = run_ockit("indexes", "import", "kept.index")
    assert imported.code == 0
    assert "ockit index --name kept PATH..." in imported.stderr
    refused = run_ockit("index", "--name", "kept")
    assert (refused.code, "ockit index --name kept PATH" in refused.stderr) == (2, True)
    found = json.loads(run_ockit("indexes", "show", "kept", "--json").stdout)
    assert (found["files"], found["roots"], found["foreign"]) == (6, [str(docs.resolve())], True)
    assert "imported: these are paths of another machine" in run_ockit("indexes", "show", "kept").stdout
    assert run_ockit("index", "--name", "kept", docs.name).code == 0
    assert "imported" not in run_ockit("indexes", "show", "kept").stdout


def test_a_full_disk_is_said_and_the_next_run_goes_on(run_ockit: Any, docs: Path) -> None:
    run_ockit("index", docs.name)
    many(docs, 120)
    done = subprocess.run(
        [*run_ockit.command(), "index", docs.name],
        env=run_ockit.variables(),
        cwd=run_ockit.cwd,
        capture_output=True,
        timeout=120,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000)),
    )
    assert done.returncode == 1, done.stderr
    assert b"full" in done.stderr
    assert b"Traceback" not in done.stderr
    rest = run_ockit("index", docs.name)
    assert rest.code == 0
    found = json.loads(run_ockit("index", docs.name, "--json").stdout)
    assert (found["indexed"], found["unchanged"]) == (0, 126)


def test_a_data_directory_that_cannot_be_written(run_ockit: Any, docs: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    done = run_ockit("index", docs.name, env={"OCKIT_HOME": str(tmp_path / "file" / "home")})
    assert done.code == 1
    assert str(tmp_path / "file") in done.stderr
    assert "try: " in done.stderr
    if os.geteuid() != 0:
        run_ockit("index", docs.name)
        place = Path(run_ockit.home) / "data" / "indexes" / "docs-more"
        place.chmod(0o500)
        write(docs, {"new.md": "New.\n"})
        done = run_ockit("index", docs.name)
        place.chmod(0o700)
        assert (done.code, "error: " in done.stderr) == (1, True)


def test_ctrl_c_keeps_what_is_done_on_a_terminal(run_ockit: Any, docs: Path) -> None:
    many(docs, 400)
    with terminal(run_ockit, "index", docs.name) as screen:
        screen.until(lambda seen: "files" in seen.screen and "━" in seen.screen, "the bar")
        screen.until(lambda seen: "chunks/s" in seen.screen, "the rate", timeout=60)
        begun = time.monotonic()
        screen.interrupt()
        assert screen.end(timeout=20) == 130
        assert time.monotonic() - begun < 10
        assert "the same command goes on from there" in screen.screen
        assert "━" not in screen.screen
    done = run_ockit("index", docs.name, "--dry-run", "--json")
    kept = json.loads(done.stdout)
    assert 0 < kept["unchanged"] < 406
    assert kept["unchanged"] + kept["indexed"] == 406


def test_watching_follows_what_changes(run_ockit: Any, docs: Path) -> None:
    with watching(run_ockit, docs.name, "--json") as watched:
        assert watched.stdout is not None
        assert watched.stderr is not None
        assert json.loads(watched.stdout.readline())["indexed"] == 6
        while not watched.stderr.readline().startswith("watching 1 folder"):
            pass
        write(docs, {"new.md": "# New\n\nSomething new.\n"})
        assert json.loads(watched.stdout.readline())["indexed"] == 1
        (docs / "new.md").unlink()
        assert json.loads(watched.stdout.readline())["removed"] == 1
        assert run_ockit("index", docs.name).code == 0  # it holds no lock while it waits
        watched.send_signal(signal.SIGINT)
        assert watched.wait(timeout=20) == 0
