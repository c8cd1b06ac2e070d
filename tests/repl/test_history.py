"""The history comes back in the next chat, whatever is in its file, and no failure of it stops a chat."""

from __future__ import annotations

import asyncio
import json
import os
import random
import stat
import subprocess
import sys
import time
from pathlib import Path
from tempfile import gettempdir

import pytest
from prompt_toolkit.buffer import Buffer

from ockit.repl import history
from ockit.repl.pastes import Pastes
from repl.histories import Chat, lines, written

ENTRIES = [
    "one",
    "two\nlines\n\nand an end\n",
    "größer 日本 👩‍🚀",
    '/system "quoted" \\ back',
    "\ttab",
    '"""\nblock\n"""',
]


def test_entries_come_back_in_the_next_chat(ockit_home):
    first = Chat(ockit_home)
    first.type(*ENTRIES)
    second = Chat(ockit_home)
    assert second.remembered() == ENTRIES[::-1]
    assert second.history.get_strings() == ENTRIES
    assert first.warnings + second.warnings == []
    assert stat.S_IMODE(first.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(first.path.parent.stat().st_mode) == 0o700
    assert first.path.read_text().count("\n") == len(ENTRIES)


def test_the_arrow_keys_and_the_search_have_them(ockit_home):
    Chat(ockit_home).type("first question", "second\nquestion")

    async def keys():
        buffer = Buffer(history=Chat(ockit_home).history, multiline=True)
        buffer.load_history_if_not_yet_loaded()
        await asyncio.sleep(0.1)
        buffer.history_backward()
        newest = buffer.text
        buffer.history_backward()
        return newest, buffer.text

    assert asyncio.run(keys()) == ("second\nquestion", "first question")


def test_what_was_typed_before_the_history_was_loaded_stays(ockit_home):
    Chat(ockit_home).type("old")
    chat = Chat(ockit_home)
    chat.type("new")
    assert chat.remembered() == ["new", "old"]


def test_the_same_twice_is_once(ockit_home):
    chat = Chat(ockit_home)
    chat.type("a", "a", "b", "a", "")
    assert chat.remembered() == ["a", "b", "a"]
    again = Chat(ockit_home)
    again.type("a")
    assert again.remembered() == ["a", "b", "a"]
    assert chat.path.read_bytes() == lines("a", "b", "a")


def test_memory_only_touches_no_file(ockit_home):
    chat = Chat(ockit_home, memory_only=True)
    chat.type("secret")
    assert chat.remembered() == ["secret"]
    assert not ockit_home.exists()
    Chat(ockit_home).type("saved")
    assert Chat(ockit_home, memory_only=True).remembered() == []


def test_large_entries_are_for_this_chat_only(ockit_home):
    chat = Chat(ockit_home)
    chat.type("before", "x" * (64 << 10), "after")
    assert len(chat.remembered()) == 3
    assert Chat(ockit_home).remembered() == ["after", "before"]
    assert chat.warnings == []


def test_a_paste_is_saved_whole_and_shown_short(ockit_home):
    pastes, chat = Pastes(), Chat(ockit_home)
    short = history.ChatHistory(chat.directories, chat.warnings.append, expand=pastes.expand)
    placeholder = pastes.shrink("line\n" * 30)
    short.append_string(f"see {placeholder}")
    assert short.get_strings() == [f"see {placeholder}"]
    assert chat.remembered() == ["see " + "line\n" * 30]


def test_a_day_of_large_entries_does_not_fill_the_memory(ockit_home):
    chat = Chat(ockit_home)
    for number in range(40):
        chat.type(f"{number}" + "x" * (1 << 20))
    assert sum(map(len, chat.remembered())) <= 16 << 20
    assert chat.remembered()[0].startswith("39x")


@pytest.mark.parametrize(
    ("data", "left"),
    [
        (b"\0" * 5000, []),
        (random.Random(3).randbytes(100_000), []),
        (lines("a") + b"\0\0\n" + lines("b"), ["b", "a"]),
        (lines("a") + '"gr\xf6'.encode("latin-1") + b'"\n' + lines("b"), ["b", "a"]),
        (b'{"x": 1}\n[1]\n17\nnull\n' + lines("a"), ["a"]),
        (b"\n# 2026-11-21 10:00:00\n+an entry of another format\n" + lines("a"), ["a"]),
        (b"[" * 100_000 + b"\n" + lines("a"), ["a"]),
        (b"\xff\xfe" + "\n".join(["a"]).encode("utf-16-le"), []),
    ],
    ids="nulls garbage null-line latin1 json foreign nested utf16".split(),
)
def test_what_can_be_read_of_a_broken_file_is_read(ockit_home, data, left):
    chat = written(ockit_home, data)
    assert chat.remembered() == left
    assert len(chat.warnings) == 1
    assert "damaged" in chat.warnings[0]
    assert str(chat.path) in chat.warnings[0]
    assert chat.path.read_bytes() == data  # looking changes nothing
    chat.type("new")
    assert chat.path.with_name("history.damaged").read_bytes() == data
    after = Chat(ockit_home)
    assert after.remembered() == ["new", *left]
    assert (len(chat.warnings), after.warnings) == (1, [])


@pytest.mark.parametrize("bytes_left", range(1, 30))
def test_a_line_whose_write_was_cut_is_kept_as_far_as_it_came(ockit_home, bytes_left):
    """A kill can cut a write anywhere; this line has characters of one to four bytes, and escapes."""
    whole = 'grö\n日 👩 \\ "q" \t'
    written_of_it = json.dumps(whole, ensure_ascii=False).encode()[:bytes_left]
    chat = written(ockit_home, lines("a") + written_of_it)
    found = chat.remembered()
    rest = "".join(found[:-1])
    assert found[-1] == "a"
    assert whole.startswith(rest)
    assert len(json.dumps(rest, ensure_ascii=False).encode()) - 2 >= len(written_of_it) - 1 - 3
    chat.type("new")
    assert Chat(ockit_home).remembered() == ["new", *found]
    assert chat.warnings == []
    assert not chat.path.with_name("history.damaged").exists()


def test_a_cut_line_with_escaped_surrogates(ockit_home):
    line = json.dumps("ab\ud800c👩d").encode()
    for bytes_left in range(1, len(line)):
        chat = written(ockit_home / str(bytes_left), line[:bytes_left])
        chat.remembered()
        assert chat.warnings == []


def test_blank_lines_and_line_ends_of_windows_are_no_damage(ockit_home):
    chat = written(ockit_home, b"\n\n" + lines("a").replace(b"\n", b"\r\n") + b"\n" + lines("b"))
    assert chat.remembered() == ["b", "a"]
    assert chat.warnings == []


def test_control_characters_in_the_file_do_not_come_in(ockit_home):
    chat = written(ockit_home, lines("a\x1b]0;title\x07\r\nb", "\ud800", "c"))
    assert chat.remembered() == ["c", "a]0;title\nb"]


def test_bytes_that_were_no_text_can_be_saved(ockit_home):
    chat = Chat(ockit_home)
    chat.type("half \udcc3 character", "next")
    assert Chat(ockit_home).remembered() == ["next", "half  character"]
    assert chat.warnings == []


@pytest.mark.parametrize("kind", ["directory", "pipe", "loop", "device"])
def test_something_else_in_its_place(ockit_home, kind):
    chat = Chat(ockit_home)
    chat.path.parent.mkdir(parents=True)
    if kind == "directory":
        chat.path.mkdir()
    elif kind == "pipe":
        os.mkfifo(chat.path)
    elif kind == "loop":
        chat.path.symlink_to("history")
    else:
        chat.path.symlink_to("/dev/null")
    chat.type("a", "b")
    assert chat.remembered() == ["b", "a"]
    assert len(chat.warnings) == 2
    assert "cannot be read" in chat.warnings[0]
    assert "not saved" in chat.warnings[1]
    assert all(str(chat.path) in warning for warning in chat.warnings)


def test_a_link_is_followed_and_stays_one(ockit_home, tmp_path, monkeypatch):
    real = tmp_path / "elsewhere"
    real.write_bytes(lines("a"))
    chat = Chat(ockit_home)
    chat.path.parent.mkdir(parents=True)
    chat.path.symlink_to(real)
    chat.type("b")
    assert real.read_bytes() == lines("a", "b")
    monkeypatch.setattr(history, "COMPACT_BYTES", 10)
    chat.type("c")
    assert chat.path.is_symlink()
    assert real.read_bytes() == lines("a", "b", "c")
    assert chat.warnings == []


UNPRIVILEGED = """
import os, sys
from ockit.environment import Directories
from ockit.repl.history import ChatHistory
if os.getuid() == 0:
    os.setgid(65534), os.setuid(65534)
history = ChatHistory(Directories.of({"OCKIT_HOME": sys.argv[1]}), lambda text: print("warned:", text))
for entry in ("a", "b", "c"):
    history.append_string(entry)
print(history.get_strings())
"""


@pytest.mark.parametrize(("file_mode", "warnings"), [(0o000, 2), (0o444, 1)])
def test_files_that_are_not_ours(tmp_path_factory, file_mode, warnings):
    home = tmp_path_factory.mktemp("theirs")
    ours = [place for place in home.parents if Path(gettempdir()) in place.parents]
    for directory in (home, *ours):
        directory.chmod(0o755)  # whoever runs the child must reach it
    chat = written(home, lines("old"))
    (home / "state" / "history.lock").touch(0o666)
    (home / "state" / "history.lock").chmod(0o666)
    chat.path.chmod(file_mode)
    if os.getuid() != 0:
        chat.path.parent.chmod(0o500)
    done = subprocess.run(
        [sys.executable, "-c", UNPRIVILEGED, str(home)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    chat.path.parent.chmod(0o700)
    shown = done.stdout.splitlines()
    assert done.stderr == ""
    assert shown[-1] == str(["a", "b", "c"] if file_mode == 0 else ["old", "a", "b", "c"])
    assert len(shown) == warnings + 1
    assert all("permission denied" in warning for warning in shown[:-1])


def test_a_home_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    chat = Chat(tmp_path / "file" / "home")
    chat.type("a", "b", "c")
    assert chat.remembered() == ["c", "b", "a"]
    assert len([warning for warning in chat.warnings if "not saved" in warning]) == 1


FULL = """
import resource, signal, sys
from ockit.environment import Directories
from ockit.repl.history import ChatHistory
history = ChatHistory(Directories.of({"OCKIT_HOME": sys.argv[1]}), lambda text: print("warned:", text))
history.append_string("before")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
for number in range(5):
    history.append_string(f"{number}" + "x" * 60)
print(len(history.get_strings()))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
history.append_string("after")
"""


def test_a_full_disk_is_told_once_and_what_comes_later_is_saved_again(ockit_home):
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(ockit_home)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == ""
    *warnings, count = done.stdout.splitlines()
    assert (len(warnings), count) == (1, "6")
    assert "MiB free" in warnings[0]
    later = Chat(ockit_home)
    assert later.remembered() == ["after", "0" + "x" * 60, "before"]
    assert later.warnings == []


def test_a_large_file_is_read_from_its_end(ockit_home):
    chat = Chat(ockit_home)
    chat.path.parent.mkdir(parents=True)
    with chat.path.open("wb") as file:
        file.truncate(200 << 20)  # a hole: the disk is not filled
        file.seek(0, os.SEEK_END)
        file.write(b"\n" + lines(*(f"{number} {'x' * 1000}" for number in range(3000))))
    started = time.perf_counter()
    found = chat.remembered()
    assert time.perf_counter() - started < 5
    assert found[0].startswith("2999 ")
    assert 2000 < len(found) < 2100  # 2 MiB of them
    assert chat.warnings == []
    chat.type("new")
    assert chat.path.stat().st_size < 3 << 20
    assert Chat(ockit_home).remembered()[:1900] == ["new", *found][:1900]


def test_at_most_five_thousand_entries(ockit_home):
    chat = written(ockit_home, lines(*(str(number) for number in range(9000))))
    assert chat.remembered() == [str(number) for number in range(8999, 3999, -1)]
    chat.type("new")
    assert len(chat.remembered()) == 5000


def test_compacting_keeps_the_newest_and_the_permissions(ockit_home):
    chat = Chat(ockit_home)
    for number in range(80):
        chat.type(f"{number} {'x' * 60_000}")
    assert chat.path.stat().st_size < 5 << 20
    found = Chat(ockit_home).remembered()
    assert [entry.split()[0] for entry in found] == [str(number) for number in range(79, 79 - len(found), -1)]
    assert len(found) == 34  # 2 MiB
    assert stat.S_IMODE(chat.path.stat().st_mode) == 0o600
    assert sorted(path.name for path in chat.path.parent.iterdir()) == ["history", "history.lock"]
