"""`ockit indexes` for people: what it shows, and what it says of a name that stands for something else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from indexed_folder import TEXTS, write
from ockit.environment import Directories
from ockit.index.live import source_file
from ockit.index.live.source_file import SourceFile
from terminal import terminal


@pytest.fixture
def docs(run_ockit: Any) -> Path:
    folder: Path = run_ockit.cwd / "docs"
    write(folder, {**TEXTS, "a.png": "\x89PNG\0\0", "b.png": "\x89PNG\0\0"})
    assert run_ockit("index", "docs").code == 0
    return folder


def test_an_index_is_shown_in_words(run_ockit: Any, docs: Path) -> None:
    shown = run_ockit("indexes", "show", "docs").stdout.splitlines()
    found = json.loads(run_ockit("indexes", "show", "docs", "--json").stdout)
    assert shown[:3] == ["docs", f"of: {docs.resolve()}", "files: 6"]
    assert f"vectors: {found['vectors']['behind']} in the database, searched exactly" in shown
    assert "embedder: all-minilm-l6-v2, 384 dimensions" in shown
    left_out = "left out by what is in them: 2 (binary: 2); by their names: ockit index --name docs --dry-run"
    assert left_out in shown
    assert "skipped 2 (binary: 2)" in run_ockit("index", "docs").stdout
    assert not any("{" in line or "None" in line for line in shown)


def test_what_was_taken_for_a_secret_is_listed_with_what_failed(run_ockit: Any) -> None:
    body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDhX7w0a9Jm3kQv\n" * 3
    write(run_ockit.cwd / "docs", {"a.md": "Words.\n", "deploy.md": f"-----BEGIN PRIVATE KEY-----\n{body}"})
    write(run_ockit.cwd / "docs", {"b.png": "\x89PNG\0\0"})
    assert run_ockit("index", "docs").code == 0
    listed = json.loads(run_ockit("indexes", "show", "docs", "--failed", "--json").stdout)["listed"]
    assert [(one["path"], one["state"], one["reason"]) for one in listed] == [
        ("deploy.md", "skipped", "secret")
    ]


def test_a_narrow_terminal_shows_the_day(run_ockit: Any, docs: Path) -> None:
    with terminal(run_ockit, "indexes", "list", size=(24, 40)) as screen:
        assert screen.end() == 0
        row = next(line for line in screen.screen.splitlines() if line.startswith("docs"))
    assert "T" not in row.partition("/")[0]
    assert "20" in row
    listed = run_ockit("indexes", "list").stdout.splitlines()[1]
    assert "T" in listed.split("\t")[5]


def test_a_name_that_stands_for_something_else(run_ockit: Any, docs: Path) -> None:
    refused = run_ockit("indexes", "refresh", "docs")
    assert (refused.code, "docs is an index of files, not a feed" in refused.stderr) == (2, True)
    assert "ockit index --name docs" in refused.stderr
    directories = Directories.of({"OCKIT_HOME": str(run_ockit.home)})
    source_file.save(directories, "web", SourceFile("http", "http://localhost/?q={query}", "a", "b"))
    for command in (("refresh", "web"), ("export", "web", "web.index")):
        refused = run_ockit("indexes", *command)
        assert (refused.code, "http://localhost/" in refused.stderr) == (2, True), refused
    assert run_ockit("indexes", "refresh", "nothing").code == 3


def test_passwords_of_the_system_come_into_no_index(run_ockit: Any) -> None:
    write(run_ockit.cwd / "etc", {"shadow": "root:$6$x:1::::::\n", "gshadow-": "x", "master.passwd": "x"})
    for path in ("etc", "etc/shadow"):
        done = run_ockit("index", path, "--name", path.replace("/", "-"))
        assert (done.code, "left out: secret: " in done.stderr) == (0, True)
        assert "indexed 0" in done.stdout


def test_a_dry_run_sees_that_there_is_no_such_embedder(run_ockit: Any) -> None:
    write(run_ockit.cwd / "docs", {"a.md": "Words.\n"})
    refused = run_ockit("index", "docs", "--dry-run", "--embedder", "nobody/nothing")
    assert (refused.code, "nobody/nothing" in refused.stderr) == (3, True)
