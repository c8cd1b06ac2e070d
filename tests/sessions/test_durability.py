"""Kills, two writers at once, full disks, locks, places that cannot be written."""

import os
import random
import signal
import sqlite3
import stat
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from ockit.errors import StoreError
from ockit.sessions import database, writer
from ockit.sessions.store import Store
from stored_chats import chat, check_sound, start_writer
from unprivileged import as_nobody


def finish(child):
    """The lines a child printed, and what it said on stderr."""
    with child:
        out, err = child.communicate(timeout=60)
    return [line.split() for line in out.splitlines(keepends=True) if line.endswith("\n")], err


def kill_writers(path, count):
    saved = set()
    for number in range(count):
        chance = random.Random(number)
        child = start_writer(path, "forever")
        lines = [child.stdout.readline()] if number % 2 else []  # half of them die while they start
        time.sleep(chance.uniform(0, 0.2 if number % 2 else 0.4))
        child.send_signal(signal.SIGKILL)
        printed, err = finish(child)
        assert err == ""
        printed += [line.split() for line in lines]
        saved |= {message_id for kind, message_id in printed}
        if path.exists():
            with Store(path) as store:
                found = {m.id: m for s in store.list(None) for m in store.messages(s.id)}
                assert store.notices == []
            assert saved <= found.keys()
            assert {message.state for message in found.values()} <= {"complete", "interrupted"}
            assert all(len(message.text) > 200 for message in found.values() if message.role == "user")
            check_sound(path)
    assert len(saved) >= count // 2
    assert not list(path.parent.glob("*corrupt*"))


def test_kill_at_any_moment(tmp_path):
    kill_writers(tmp_path / "ockit.db", 20)


@pytest.mark.sweep
def test_kill_at_any_moment_200(tmp_path):
    kill_writers(tmp_path / "ockit.db", 200)


def test_two_processes_at_once(tmp_path):
    path = tmp_path / "ockit.db"
    children = [start_writer(path, 200) for _ in range(2)]
    saved = set()
    for child in children:
        lines, err = finish(child)
        assert err == ""
        assert {line[0] for line in lines} == {"user"}
        saved |= {line[1] for line in lines}
    assert len(saved) == 400
    with Store(path) as store:
        sessions = store.list()
        assert [session.n_messages for session in sessions] == [200, 200]
        assert {message.id for session in sessions for message in store.messages(session.id)} == saved
    check_sound(path)


def test_a_dead_writers_answer_is_interrupted(tmp_path):
    path = tmp_path / "ockit.db"
    child = start_writer(path, "leave")
    lines, _ = finish(child)
    with Store(path) as store:
        _, answer = store.messages(store.get("last").id)
    assert (answer.id, answer.state, answer.finish_reason) == (lines[1][1], "interrupted", None)
    assert answer.text.startswith("answer 0 step 0")
    assert "answer 0 step 3" in answer.text
    assert len(answer.token_ids) == 30


def test_a_live_writers_answer_is_left_alone(tmp_path):
    path = tmp_path / "ockit.db"
    child = start_writer(path, "wait")
    child.stdout.readline()
    child.stdout.readline()
    with Store(path) as store:
        session = store.get("last").id
        assert store.messages(session)[1].state == "partial"
        child.kill()
        finish(child)
        assert store.messages(session)[1].state == "interrupted"


def test_who_is_writing():
    me, now = writer.this_process(), time.time()
    assert writer.is_writing(me, 0)
    place, pid, start = me.split("|")
    assert not writer.is_writing(f"{place}|{pid}|{int(start) - 1}", now)  # the id was used again
    assert not writer.is_writing(f"{place}|{2**22 + 1}|{start}", now)
    assert writer.is_writing(f"elsewhere|{pid}|{start}", now - 30)  # another machine: by its last save
    assert not writer.is_writing(f"elsewhere|{pid}|{start}", now - 300)
    assert not writer.is_writing(None, now - 300)


def test_a_full_disk_loses_nothing(tmp_path):
    path = tmp_path / "ockit.db"
    lines, err = finish(start_writer(path, "until-full"))
    assert err == ""
    *saved, (_, kind, *what), (_, readable) = lines
    assert kind == "StoreError"
    assert "the disk under the chat store is full" in " ".join(what)
    assert "OCKIT_HOME" in " ".join(what)
    with Store(path) as store:
        found = {message.id for message in store.messages(store.get("last").id)}
        assert {message_id for _, message_id in saved} <= found
        assert len(found) == int(readable) > 10
        chat(store)
    check_sound(path)


def test_a_lock_that_is_never_released(store, monkeypatch):
    chat(store)
    store.close()
    monkeypatch.setattr(database, "BUSY_S", 0.2)
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        for call in (store.list, lambda: chat(store)):
            with pytest.raises(StoreError, match="another program kept the chat store locked"):
                call()
    assert len(store.list()) == 1


def test_a_writer_that_never_rests_shuts_nobody_out(store):
    session, asked, _ = chat(store)
    stopped = threading.Event()

    def write_slowly():  # as on a disk that takes its time
        with Store(store.path) as busy:
            while not stopped.is_set():
                busy._database.write(lambda connection: time.sleep(0.03))

    thread = threading.Thread(target=write_slowly)
    thread.start()
    try:
        for turn in range(10):
            store.add_user(session, f"more {turn}", parent=asked)
    finally:
        stopped.set()
        thread.join()
    assert len(store.messages(session)) == 12


@pytest.mark.parametrize("place", ["directory", "device", "below a file", "loop", "pipe", "long"])
def test_places_that_cannot_hold_a_store(tmp_path, place):
    path = tmp_path / "ockit.db"
    if place == "directory":
        path.mkdir()
    elif place == "device":
        path = Path("/dev/full")
    elif place == "below a file":
        path.write_text("mine")
        path = path / "data" / "ockit.db"
    elif place == "loop":
        path.symlink_to(path)
    elif place == "pipe":
        os.mkfifo(path)
    else:
        path = tmp_path / ("x" * 300)
    with Store(path) as store:
        for call in (store.list, lambda: chat(store)):
            with pytest.raises(StoreError) as error:
                call()
            assert error.value.where
            assert error.value.hint
    assert not list(tmp_path.glob("*corrupt*"))


def test_a_link_to_a_store(store, tmp_path):
    link = tmp_path / "link.db"
    link.symlink_to(store.path)
    store.path.parent.mkdir()
    with Store(link) as linked:
        chat(linked)
    assert len(store.list()) == 1


@pytest.fixture
def public():
    """A directory that others may read."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


def test_a_read_only_file(public):
    path = public / "ockit.db"
    with Store(path) as store:
        chat(store)
        chat(store)
        store.search("rhine")
    path.chmod(0o444)
    public.chmod(0o555)
    before = path.read_bytes()
    with Store(path) as store:
        assert as_nobody(lambda: len(store.list())) == "2"
        assert as_nobody(lambda: len(store.search("rhine"))) == "2"
        said = as_nobody(lambda: chat(store))
    assert said.startswith("StoreError")
    assert "the chat store cannot be written" in said
    assert str(path) in said
    assert path.read_bytes() == before
    public.chmod(0o755)


def test_a_home_that_cannot_be_written_or_read(public):
    public.chmod(0o555)
    with Store(public / "data" / "ockit.db") as store:
        assert as_nobody(store.list) == "()"
        said = as_nobody(lambda: chat(store))
    assert said.startswith("StoreError")
    assert "OCKIT_HOME" in said
    public.chmod(0o755)
    secret = public / "secret.db"
    with Store(secret) as store:
        chat(store)
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    if os.getuid() == 0:  # to its owner it is readable
        with Store(secret) as store:
            assert as_nobody(store.list).startswith("StoreError")
    assert not list(public.glob("*corrupt*"))
