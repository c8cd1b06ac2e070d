"""Several chats have one history: they wait for each other little, and a kill of one costs the others nothing."""

from __future__ import annotations

import random
import subprocess
import sys
import time

import pytest

from ockit.files import lock
from ockit.repl import history
from repl.histories import Chat

WRITER = """
import sys
from ockit.environment import Directories
from ockit.repl import history
history.COMPACT_BYTES, history.READ_BYTES = int(sys.argv[3]), int(sys.argv[4])
chat = history.ChatHistory(Directories.of({"OCKIT_HOME": sys.argv[1]}), lambda text: print("warned:", text))
for number in range(int(sys.argv[5])):
    chat.append_string(f"{sys.argv[2]} {number}\\n{'x' * (number * 37 % 3000)}")
"""


def writers(home, count, compact, read, entries):
    return [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(home), str(name), str(compact), str(read), str(entries)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for name in range(count)
    ]


def test_chats_at_once_do_not_mix(ockit_home):
    for child in writers(ockit_home, 3, history.COMPACT_BYTES, history.READ_BYTES, 300):
        assert child.communicate(timeout=120)[0] == b""
    found = Chat(ockit_home).remembered()[::-1]
    for name in range(3):
        mine = [entry for entry in found if entry.startswith(f"{name} ")]
        assert mine == [f"{name} {number}\n{'x' * (number * 37 % 3000)}" for number in range(300)]


def test_compacting_loses_nothing_of_the_others(ockit_home):
    """Every few entries one of the chats compacts, to the newest of all, so that a chat which ended first may keep few
    or none of its own; but what it keeps are its newest, without a gap, and no line is torn."""
    for child in writers(ockit_home, 3, 200_000, 150_000, 150):
        assert child.communicate(timeout=120)[0] == b""
    chat = Chat(ockit_home)
    found = chat.remembered()
    assert chat.warnings == []
    for name in range(3):
        mine = [int(entry.split()[1]) for entry in found if entry.startswith(f"{name} ")]
        assert mine == list(range(149, 149 - len(mine), -1))
    assert found
    assert int(found[0].split()[1]) == 149


@pytest.mark.parametrize("seed", range(4))
def test_a_kill_leaves_whole_entries(ockit_home, seed):
    child = writers(ockit_home, 1, 30_000, 20_000, 100_000)[0]
    waited = time.monotonic()
    while not (ockit_home / "state" / "history").exists() and time.monotonic() - waited < 60:
        time.sleep(0.01)
    time.sleep(random.Random(seed).uniform(0.02, 0.4))
    child.kill()
    child.communicate()
    chat = Chat(ockit_home)
    found = [int(entry.split()[1]) for entry in chat.remembered()]
    assert found
    assert found == list(range(found[0], found[0] - len(found), -1))
    assert chat.warnings == []


def test_a_chat_that_is_stopped_holding_the_lock_costs_one_second_in_all(ockit_home):
    chat = Chat(ockit_home)
    chat.type("a")
    with lock(chat.path.with_name("history.lock")):
        started = time.perf_counter()
        chat.type("b", "c", "d")
        assert time.perf_counter() - started < 2.5
    assert Chat(ockit_home).remembered() == ["d", "c", "b", "a"]
    assert chat.warnings == []


def test_who_does_not_get_the_lock_never_compacts(ockit_home, monkeypatch):
    """The holder is just reading what it will put in the file's place: what the other did to it would be lost."""
    monkeypatch.setattr(history, "COMPACT_BYTES", 10)
    chat = Chat(ockit_home)
    chat.type("a")
    before = chat.path.stat().st_ino
    with lock(chat.path.with_name("history.lock")):
        chat.type("b", "c")
        assert chat.path.stat().st_ino == before
    chat.type("d")
    assert chat.path.stat().st_ino != before
    assert Chat(ockit_home).remembered() == ["d", "c", "b", "a"]


def test_a_file_replaced_under_a_line_gets_the_line_too(ockit_home, monkeypatch):
    chat = Chat(ockit_home)
    chat.type("a")
    monkeypatch.setattr(history, "_append_to", replacing_once(chat.path, history._append_to))
    with lock(chat.path.with_name("history.lock")):
        chat.type("b")
    assert Chat(ockit_home).remembered() == ["b", "a"]


def replacing_once(path, append):
    """An append beside a compaction that had read the file before it."""
    old = path.read_bytes()

    def append_to(*args):
        nonlocal old
        size = append(*args)
        if old is not None:
            path.with_name("new").write_bytes(old)
            path.with_name("new").replace(path)
            old = None
        return size

    return append_to
