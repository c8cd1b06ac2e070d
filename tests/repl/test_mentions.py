"""``@path`` names a file where there is one, and is text everywhere else."""

from __future__ import annotations

import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ockit.repl.mentions import mentions, quoted, unquoted


@pytest.fixture
def folder(tmp_path):
    for name in ("notes.md", "my file.md", "user", "end.", 'say "hi" now.txt', "größe.txt", "back\\slash x"):
        (tmp_path / name).write_text(name)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.py").write_text("pass")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("@notes.md", ["notes.md"]),
        ("what does @notes.md say?", ["notes.md"]),
        ("@notes.md, @src/main.py; and (see\t@größe.txt).", ["notes.md", "src/main.py", "größe.txt"]),
        ("first\n@./notes.md:\n", ["notes.md"]),
        ("is it @notes.md?!", ["notes.md"]),
        ("@end. and so on", ["end."]),
        ('@"my file.md" is it', ["my file.md"]),
        ('@"say \\"hi\\" now.txt"', ['say "hi" now.txt']),
        ("@user is a file here", ["user"]),
        ("@notes.md @./notes.md @src/../notes.md", ["notes.md"]),
        ("  @\u00a0@notes.md", ["notes.md"]),
    ],
)
def test_files(folder, text, files):
    found = mentions(text, folder)
    assert [os.path.relpath(os.path.realpath(path), folder) for path in found.files] == files
    assert all(path.is_absolute() for path in found.files)
    assert (found.missing, found.text) == ((), text)


@pytest.mark.parametrize(
    "text",
    [
        "mail me@notes.md",
        "a@b.c",
        "(@notes.md)",
        "@nobody said",
        "@dataclass(frozen=True)",
        '@app.route("/x")',
        "@property\ndef f(): ...",
        "@",
        "@ notes.md",
        '@"',
        '@""',
        '@"unclosed notes.md',
        "@3.5",
        "@src",
        "@\0",
        "@\udcc3",
        "@[link](x/y.md)",
    ],
)
def test_what_is_text(folder, text):
    found = mentions(text, folder)
    assert (found.files, found.missing, found.text) == ((), (), text)


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("@note.md, please", ("note.md",)),
        ("@src/other.py and @src/other.py!", ("src/other.py",)),
        ("@src/", ("src/",)),
        ('@"not here"', ("not here",)),
        ("@~/nowhere/at-all", ("~/nowhere/at-all",)),
        (f"@{'a' * 300}/b", (f"{'a' * 300}/b",)),
    ],
)
def test_what_was_meant_as_a_path_is_told(folder, text, missing):
    found = mentions(text, folder)
    assert (found.files, found.missing, found.text) == ((), missing, text)


def test_a_backslash_makes_it_text(folder):
    found = mentions(r"\@notes.md and @notes.md, a\@b \@x/y.md", folder)
    assert [path.name for path in found.files] == ["notes.md"]
    assert found.missing == ()
    assert found.text == r"@notes.md and @notes.md, a\@b @x/y.md"


def test_home_and_absolute_paths(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    found = mentions(f"@~/notes.md @{folder}/user", folder / "src")
    assert [path.name for path in found.files] == ["notes.md", "user"]


def test_only_regular_files_are_named(folder):
    os.mkfifo(folder / "pipe.txt")
    (folder / "loop.md").symlink_to("loop.md")
    (folder / "link.md").symlink_to("notes.md")
    found = mentions("@pipe.txt @loop.md @link.md @notes.md", folder)
    assert [path.name for path in found.files] == ["link.md"]  # notes.md is the same file
    assert found.missing == ("pipe.txt", "loop.md")


@given(st.text(min_size=1).filter(lambda text: "\n" not in text and not text.startswith("@")))
def test_what_is_quoted_comes_back(path):
    assert unquoted(quoted(path, always=True)) == path


def test_every_file_name_can_be_mentioned(tmp_path):
    for name in ("a b", 'q"q', '"q', "b\\", "b\\ c", "\u00a0", "a.", "'x'", "日本 語.md", "@at"):
        (tmp_path / name).write_text("")
        found = mentions(f"see @{quoted(name)} there", tmp_path)
        assert [path.name for path in found.files] == [name]


@pytest.mark.parametrize(
    "text",
    [
        "@a/" * 300_000,
        "@" + "a/" * 500_000 + "(",
        '@"' + "a" * 1_000_000,
        '@"a\\' * 250_000,
        "@x " * 300_000,
        "".join(f"@f{number}.md " for number in range(100_000)),
        "@" + "." * 1_000_000,
        " " * 1_000_000 + "@",
    ],
    ids=["slashes", "path", "quote", "escapes", "same", "different", "dots", "spaces"],
)
def test_a_megabyte_takes_no_time(folder, text):
    started = time.perf_counter()
    assert mentions(text, folder).files == ()
    assert (
        time.perf_counter() - started < 5
    )  # each well under half a second on a machine that does nothing else
