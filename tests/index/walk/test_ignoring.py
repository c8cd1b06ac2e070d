"""The ignore rules against git itself: seeded trees, nested ignore files, negation, every form of pattern."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from ockit.index.walk.ignoring import rules_of
from ockit.index.walk.walker import Walk

NAMES = (
    "a",
    "b",
    "ab",
    "src",
    "docs",
    "a.txt",
    "b.txt",
    "x.log",
    "keep.log",
    "[x]",
    "a b",
    "ü.txt",
    "!n",
    "#n",
)
PATTERNS = (
    *(
        "a",
        "a/",
        "/a",
        "/a/",
        "*.log",
        "!keep.log",
        "*.txt",
        "!a.txt",
        "a*",
        "?b",
        "[ab]",
        "[!a]*",
        "**/b",
        "b/**",
    ),
    *(
        "/docs/*",
        "!/docs/a.txt",
        "src/**/a",
        "a/b",
        "/src/",
        "!src",
        "*",
        "!*/",
        "!*.txt",
        "\\!n",
        "\\#n",
        "# words",
    ),
    *(
        "",
        "   ",
        "a b",
        "a.txt ",
        "\\[x\\]",
        "[x]",
        "ü.*",
        "**",
        "*/",
        "docs/**/x.log",
        "**/",
        "[",
        "a/**/",
        "!/a/b",
    ),
)


def git_files(top: Path) -> set[str]:
    command = ["git", "-C", str(top), "ls-files", "-z", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, check=True).stdout
    return {
        name for name in listed.decode().split("\0") if name and not name.rpartition("/")[2].startswith(".")
    }


def make_tree(top: Path, dice: random.Random) -> None:
    folders = [top]
    for _ in range(dice.randint(3, 9)):
        folder = dice.choice(folders) / dice.choice(NAMES)
        if not folder.exists():
            folder.mkdir()
            folders.append(folder)
    for folder in folders:
        for name in dice.sample(NAMES, 5):
            if not (folder / name).exists():
                (folder / name).write_text("words")
        if folder == top or dice.random() < 0.4:
            lines = dice.choices(PATTERNS, k=dice.randint(1, 6))
            (folder / ".gitignore").write_text("\n".join(lines) + dice.choice(("", "\n")))


@pytest.mark.parametrize("seed", range(60))
def test_the_walk_finds_what_git_would_add(tmp_path: Path, seed: int) -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    dice = random.Random(seed)
    top = tmp_path / "repository"
    top.mkdir()
    subprocess.run(["git", "init", "-q", str(top)], check=True, capture_output=True)
    make_tree(top, dice)
    (top / ".git" / "info" / "exclude").write_text("\n".join(dice.choices(PATTERNS, k=2)))
    assert {found.path for found in Walk([str(top)])} == git_files(top)


def test_ockitignore_wins_over_gitignore_beside_it(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("words")
    (tmp_path / "draft.txt").write_text("words")
    (tmp_path / ".gitignore").write_text("notes.txt\n")
    (tmp_path / ".ockitignore").write_text("!notes.txt\ndraft.txt\n")
    walk = Walk([str(tmp_path)])
    assert [found.path for found in walk] == ["notes.txt"]
    assert walk.skipped == {"ignored": 1, "hidden": 2}


def test_rules_above_the_root_hold_up_to_the_top_of_the_repository(tmp_path: Path) -> None:
    top = tmp_path / "repository"
    root = top / "docs" / "guide"
    root.mkdir(parents=True)
    (top / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("*\n")  # beyond the repository: none of its business
    (top / ".gitignore").write_text("/docs/guide/old.md\n*.tmp\n")
    (top / "docs" / ".ockitignore").write_text("guide/draft/\n")
    for name in ("new.md", "old.md", "x.tmp", "draft/a.md", "sub/old.md"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("words")
    assert [found.path for found in Walk([str(root)])] == ["new.md", "sub/old.md"]


@pytest.mark.parametrize("line", ["a" * 2000, "\udcff[", "!", "/", "\\"])
def test_a_pattern_that_is_none_is_passed_over(line: str) -> None:
    rules = rules_of([line, "b"])
    assert rules is not None
    assert rules.verdict("b") is True
    assert rules.verdict("a" * 60) is None
