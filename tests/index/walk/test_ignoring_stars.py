"""Patterns of many stars: matched as git matches them, and never for long."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from ockit.index.walk.ignoring import rules_of
from ockit.index.walk.walker import Walk

PIECES = (
    *("a", "b", "ab", "a.b", "*", "*", "*", "**", "**", "***", "?", "/", "/", "/", "/", "[ab]", "[!a]"),
    *(
        "[]a]",
        "[a-c]",
        "[!]",
        "[[:alpha:]]",
        "[[:no:]]",
        "[a/b]",
        "\\a",
        "\\*",
        "\\",
        "é",
        "[é]",
        "-",
        "[b-a]",
    ),
)
NAMES = ("a", "b", "ab", "ba", "aab", "abab", "a.b", "b.a", "é", "a*b", "-", "]")


def pattern(dice: random.Random) -> str:
    return ("!" if dice.random() < 0.25 else "") + "".join(dice.choices(PIECES, k=dice.randint(1, 9)))


@pytest.mark.parametrize("seed", range(12))
def test_patterns_of_many_stars_are_gits(tmp_path: Path, seed: int) -> None:
    """What git says of each path, asked for one file of one pattern (or a few) at a time."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    dice = random.Random(seed)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True, capture_output=True)
    for _ in range(60):
        folder = tmp_path.joinpath(*dice.choices(NAMES, k=dice.randint(0, 4)))
        if any(place.is_file() for place in (folder, *folder.parents)):
            continue
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / (name := dice.choice(NAMES))).exists():
            (folder / name).write_text("words")
    for _ in range(25):
        lines = [pattern(dice) for _ in range(dice.choice((1, 1, 1, 4)))]
        (tmp_path / ".gitignore").write_text("\n".join(lines) + "\n")
        command = ["git", "-C", str(tmp_path), "ls-files", "-z", "--others", "--exclude-standard"]
        listed = subprocess.run(command, capture_output=True, check=True).stdout
        expected = {os.fsdecode(name) for name in listed.split(b"\0") if name} - {".gitignore"}
        assert {found.path for found in Walk([str(tmp_path)])} == expected, lines


@pytest.mark.parametrize(
    ("line", "path", "ignored"),
    [
        ("a/*", "a/", None),
        ("a/*", "a/b/", True),
        ("?/*", "a/", None),
        ("a/**/*", "a/", None),
        ("a/**", "a/", None),
        ("a*/**", "ab/", None),
        ("a**/**", "a/", True),
        ("a**/**", "a", True),
        ("a**/**", "ab", True),
        ("a**/**", "a/b", True),
        ("a**/**/**", "a", True),
        ("/a**", "a", True),
        ("/a**", "b", None),
        ("a*/**", "ab", None),
        ("a/**", "a", None),
        ("a/**/**", "a", None),
        ("a**/x/**", "ax", None),
    ],
)
def test_stars_behind_a_letter(tmp_path: Path, line: str, path: str, ignored: bool | None) -> None:
    rules = rules_of([line])
    assert rules is not None
    assert rules.verdict(path) is ignored
    if shutil.which("git") is not None:
        subprocess.run(["git", "init", "-q", str(tmp_path)], check=True, capture_output=True)
        (tmp_path / ".gitignore").write_text(line + "\n")
        (tmp_path / path).mkdir(parents=True)  # a folder for git too
        asked = subprocess.run(
            ["git", "-C", str(tmp_path), "check-ignore", "-q", path.rstrip("/")], check=False
        )
        assert (asked.returncode == 0) is (ignored is True)


def test_what_is_taken_back_out_of_a_folder_of_which_all_is_left_out(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "a" / "in").mkdir(parents=True)
    for name in ("keep.md", "no.md", "in/x.md"):
        (tmp_path / "a" / name).write_text("words")
    for lines in ("a/*\n!a/keep.md\n", "/a/**\n!a/keep.md\n", "?/*\n!?/k*\n"):
        (tmp_path / ".gitignore").write_text(lines)
        assert {found.path for found in Walk([str(tmp_path)])} == {"a/keep.md"}, lines


HOSTILE = {
    "stars": (["a*a*a*a*a*a*a*a*b"], "a" * 250),
    "very many stars": (["*a" * 400 + "b"], "a" * 250),
    "pairs of stars": (["a**" * 60 + "b"], "a" * 200),
    "folders": (["**/a/" * 30 + "b"], "a/" * 60 + "c"),
    "stars in folders": (["x/" + "**/a*a*b/" * 50 + "b"], "x/" + "aaaaab/" * 300 + "c"),
    "long folders": (["x/**/" + "a/" * 300 + "b/**/c"], "x/" + "a/" * 1500 + "c"),
    "many of them": ([f"*a*a*b{number}" for number in range(2000)], "a" * 250),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_pattern_takes_for_ever(name: str) -> None:
    lines, path = HOSTILE[name]
    for whole in (False, True):
        rules = rules_of(lines, whole=whole)
        assert rules is not None
        started = time.monotonic()
        assert rules.verdict(path) is None
        assert time.monotonic() - started < 1.0


def test_a_folder_that_is_included_stands_for_all_below_it() -> None:
    rules = rules_of(["docs/", "*.md", "!draft*", "/top/**/x"], whole=True)
    assert rules is not None
    asked = {
        "docs/a.txt": True,
        "in/docs/deep/a.txt": True,
        "a.md": True,
        "b.md/c": True,
        "docs": None,
        "docs/draft.md": False,
        "top/a/x/y": True,
        "in/top/x": None,
        "a.txt": None,
    }
    assert {path: rules.verdict(path) for path in asked} == asked
