"""Ignore files that are none, cannot be read or are too large; folders that change into links during a walk."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from ockit.index.walk.walker import Walk


def tree(top: Path) -> None:
    for name in ("a.txt", "in/b.txt", "in/deep/c.txt", "next/d.txt"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text("words")


ALL = ["a.txt", "in/b.txt", "in/deep/c.txt", "next/d.txt"]


def paths(walk: Walk) -> list[str]:
    return [found.path for found in walk]


@pytest.mark.parametrize("name", [".gitignore", ".ockitignore"])
def test_an_ignore_file_that_is_none_is_never_opened(tmp_path: Path, name: str) -> None:
    """A pipe would wait for ever; git follows no link either."""
    tree(tmp_path)
    (tmp_path / "rules").write_text("*\n")
    os.mkfifo(tmp_path / name)
    (tmp_path / "in" / name).symlink_to(tmp_path / "rules")
    (tmp_path / "next" / name).mkdir()
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "in" / "deep" / name))
    walk = Walk([str(tmp_path)])
    assert paths(walk) == ["a.txt", "rules", *ALL[1:]]
    assert walk.unlisted == []


def test_a_pipe_above_the_root_is_never_opened(tmp_path: Path) -> None:
    tree(tmp_path)
    (tmp_path / ".git" / "info").mkdir(parents=True)
    os.mkfifo(tmp_path / ".gitignore")
    os.mkfifo(tmp_path / ".git" / "info" / "exclude")
    assert paths(Walk([str(tmp_path / "in")])) == ["b.txt", "deep/c.txt"]


@pytest.mark.parametrize("content", ["b.txt\n" * 6000, f"b.txt\n#{'x' * 300_000}\n"])
def test_what_a_file_that_is_too_large_ignores_does_not_come_in(tmp_path: Path, content: str) -> None:
    """Nobody knows what it leaves out: the folder is not looked at, and what is known of it stays."""
    tree(tmp_path)
    (tmp_path / "in" / ".gitignore").write_text(content)
    walk = Walk([str(tmp_path)])
    assert paths(walk) == ["a.txt", "next/d.txt"]
    [unlisted] = walk.unlisted
    assert (unlisted.path, unlisted.denied) == ("in", False)
    assert unlisted.what == ".gitignore in it: it holds more than 5000 patterns or 256 KiB"


def test_what_an_unreadable_file_ignores_does_not_come_in(tmp_path: Path) -> None:
    tree(tmp_path)
    rules = tmp_path / "in" / ".gitignore"
    rules.write_text("b.txt\n")
    rules.chmod(0)
    if os.access(rules, os.R_OK):
        pytest.skip("the superuser may read everything")
    walk = Walk([str(tmp_path)])
    assert paths(walk) == ["a.txt", "next/d.txt"]
    assert [(one.path, one.denied) for one in walk.unlisted] == [("in", True)]


def test_a_file_above_the_root_that_cannot_be_read(tmp_path: Path) -> None:
    tree(tmp_path)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("b.txt\n" * 6000)
    walk = Walk([str(tmp_path / "in")])
    assert paths(walk) == []
    [unlisted] = walk.unlisted
    assert unlisted.path == ""
    assert f"{tmp_path}/.gitignore: it holds more than" in unlisted.what


def test_a_folder_that_becomes_a_link_is_not_entered(tmp_path: Path) -> None:
    top, outside = tmp_path / "top", tmp_path / "outside"
    top.mkdir()
    tree(top)
    outside.mkdir()
    (outside / "secret.txt").write_text("somebody else's")
    found = []
    for file in Walk([str(top)]):
        found.append(file.path)
        if file.path == "a.txt":
            (top / "in").rename(tmp_path / "away")
            (top / "in").symlink_to(outside)
    assert found == ["a.txt", "next/d.txt"]
