"""Opening files that somebody else changes, and those that are none."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
import time
from pathlib import Path

import pytest

from ockit.index.below import open_below
from ockit.index.indexing.comparing import digest_of
from ockit.index.readers.child_process import ReaderChild
from ockit.index.readers.limits import ReadingLimits
from ockit.index.readers.opened import open_and_read
from ockit.index.readers.reading import ReadingFailed, ReadRequest

LIMITS = ReadingLimits()


def reason_of(path: Path, limits: ReadingLimits = LIMITS) -> str:
    with pytest.raises(ReadingFailed) as caught:
        open_and_read(str(path), limits)
    return caught.value.unread.reason


def test_what_was_read_is_what_is_said(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"words\n" * 5000)
    opened = open_and_read(str(path), LIMITS)
    status = path.stat()
    assert opened.data == path.read_bytes()
    assert opened.digest == hashlib.blake2b(opened.data, digest_size=16).digest()
    assert (opened.kind, opened.size, opened.mtime_ns, opened.ino) == (
        "text",
        30_000,
        status.st_mtime_ns,
        status.st_ino,
    )


def test_what_is_no_file_is_refused_at_once(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    started = time.monotonic()
    assert reason_of(tmp_path / "pipe") == "special"
    assert reason_of(tmp_path) == "special"
    assert reason_of(Path("/dev/zero")) == "special"
    assert reason_of(tmp_path / "link") == "link"
    assert reason_of(tmp_path / "nothing") == "vanished"
    assert reason_of(tmp_path / "pipe" / "below") == "vanished"
    assert time.monotonic() - started < 1


def test_sizes_are_refused_unread(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.touch()
    os.truncate(path, 1 << 36)
    started = time.monotonic()
    assert reason_of(path) == "too-large"
    assert time.monotonic() - started < 0.5
    limits = ReadingLimits(text_bytes=10, container_bytes=20)
    for size, name, reason in (
        (11, "b.txt", "too-large"),
        (11, "unnamed", "too-large"),
        (21, "b.pdf", "too-large"),
    ):
        (tmp_path / name).write_bytes(b"x" * size)
        assert reason_of(tmp_path / name, limits) == reason
    (tmp_path / "b.pdf").write_bytes(b"x" * 20)
    assert open_and_read(str(tmp_path / "b.pdf"), limits).size == 20


def test_permission_denied():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        path = Path(folder) / "a.txt"
        path.write_text("x")
        path.chmod(0)
        superuser = os.geteuid() == 0
        if superuser:  # who may read everything; nobody may not
            os.seteuid(65534)
        try:
            assert reason_of(path) == "denied"
        finally:
            if superuser:
                os.seteuid(0)


def test_a_file_that_changes_is_told_or_read_whole(tmp_path: Path):
    """A writer replaces the bytes without pause: what is read is one of the versions, or "changed"."""
    path = tmp_path / "a.txt"
    versions = [bytes([65 + number]) * (3_000_000 + number) for number in range(3)]
    path.write_bytes(versions[0])
    stop = threading.Event()

    def write() -> None:
        number = 0
        with path.open("r+b", buffering=0) as file:
            while not stop.is_set():
                number = (number + 1) % 3
                file.seek(0)
                file.write(versions[number])
                file.truncate()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        reasons = set()
        for _ in range(5):
            try:
                assert open_and_read(str(path), LIMITS).data in versions
            except ReadingFailed as failure:
                reasons.add(failure.unread.reason)
    finally:
        stop.set()
        writer.join()
    assert reasons == {"changed"}
    assert open_and_read(str(path), LIMITS).data in versions


def test_a_change_right_after_another_shows(tmp_path: Path):
    """Two writes within a tick of the clock leave the same time; a file is read only once that is over."""
    path = tmp_path / "a.txt"
    for number in range(20):
        path.write_text("old")
        opened = open_and_read(str(path), LIMITS)
        path.write_text("new")
        assert (opened.data, number) == (b"old", number)
        assert path.stat().st_mtime_ns > opened.mtime_ns


def test_a_file_that_vanishes_and_comes_back(tmp_path: Path):
    path = tmp_path / "a.txt"
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            path.write_text("there\n")
            path.unlink()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        found = set()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and not {"vanished", "read"} <= found:
            try:
                open_and_read(str(path), LIMITS)
                found.add("read")
            except ReadingFailed as failure:
                found.add(failure.unread.reason)
    finally:
        stop.set()
        writer.join()
    assert found <= {"read", "vanished", "changed"}
    assert {"read", "vanished"} <= found


def test_a_folder_that_became_a_link_is_not_followed(tmp_path: Path):
    """Between the walk and the reading somebody may put a link to elsewhere in a folder's place."""
    top, outside = tmp_path / "top", tmp_path / "outside"
    (top / "in").mkdir(parents=True)
    outside.mkdir()
    (outside / "a.txt").write_text("somebody else's")
    path = top / "in" / "a.txt"
    path.write_text("ours")
    assert open_and_read(str(path), LIMITS, root=str(top)).data == b"ours"
    (top / "in").rename(tmp_path / "away")
    (top / "in").symlink_to(outside)
    with pytest.raises(ReadingFailed) as caught:
        open_and_read(str(path), LIMITS, root=str(top))
    assert caught.value.unread.reason == "vanished"
    with ReaderChild(os.environ) as child, pytest.raises(ReadingFailed):
        child.read(ReadRequest(path, "in/a.txt"))
    assert digest_of(str(top), "in/a.txt", 15) is None


def test_the_folder_itself_may_be_reached_by_a_link(tmp_path: Path):
    (tmp_path / "real" / "in").mkdir(parents=True)
    (tmp_path / "real" / "in" / "a.txt").write_text("words")
    (tmp_path / "link").symlink_to("real")
    path = tmp_path / "link" / "in" / "a.txt"
    assert open_and_read(str(path), LIMITS, root=str(tmp_path / "link")).data == b"words"


def test_nothing_leads_upwards(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="does not lie below"):
        open_below(str(tmp_path), "../etc/hostname", os.O_RDONLY)
    with pytest.raises(FileNotFoundError, match="does not lie below"):
        open_below(str(tmp_path), "/etc/hostname", os.O_RDONLY)
