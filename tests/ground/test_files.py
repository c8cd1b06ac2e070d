"""Files are whole or not there, whatever fails, and every failure names its path and a way out."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
import time

import pytest

from ockit.errors import ExitCode, NotFound, StoreError, UsageError
from ockit.files import explained, free_space, lock, private_dir, read_limited, write_atomic


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_write_makes_private_files_in_private_directories(tmp_path):
    path = tmp_path / "a" / "b" / "file.txt"
    old = os.umask(0)
    try:
        write_atomic(path, "größer")
    finally:
        os.umask(old)
    assert path.read_bytes() == "größer".encode()
    assert (mode(path), mode(path.parent), mode(tmp_path / "a")) == (0o600, 0o700, 0o700)
    assert list(path.parent.iterdir()) == [path]


def test_write_replaces_what_a_link_points_at(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    link.symlink_to(real)
    write_atomic(link, b"new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_a_directory_that_exists_keeps_its_permissions(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    assert mode(private_dir(shared)) == 0o755


LIMITED = """
import resource, sys
from pathlib import Path
from ockit.files import write_atomic
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_atomic(Path(sys.argv[1]), b"x" * 10_000)
except Exception as error:
    print(type(error).__name__, error.what, error.where, error.hint, sep="|")
"""


def test_a_write_that_fails_half_way_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    ran = subprocess.run(
        [sys.executable, "-c", LIMITED, path], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    kind, what, where, hint = ran.stdout.strip().split("|")
    assert kind == "StoreError"
    assert "MiB free" in what
    assert where == str(path)
    assert "OCKIT_HOME" in hint
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_named_with_its_free_space(tmp_path):
    with pytest.raises(OSError, match="No space") as caught, open("/dev/full", "wb", buffering=0) as full:
        full.write(b"x")
    told = explained(caught.value, tmp_path / "file", "write the file")
    assert isinstance(told, StoreError)
    assert (
        told.what == f"cannot write the file: the disk is full ({free_space(tmp_path) / 2**20:.1f} MiB free)"
    )
    assert told.where == str(tmp_path / "file")


KILLED = """
import os, sys
from pathlib import Path
from ockit import files
os.replace = lambda *_: os.kill(os.getpid(), 9)
files.write_atomic(Path(sys.argv[1]), "new")
"""


def test_a_kill_before_the_rename_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    assert subprocess.run([sys.executable, "-c", KILLED, path], check=False, cwd=tmp_path).returncode == -9
    assert path.read_text() == "old"


@pytest.mark.parametrize(
    "act", [write_atomic, lambda path, _: private_dir(path), lambda path, _: lock(path).__enter__()]
)
def test_below_a_file_nothing_can_be_made(tmp_path, act):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="not a directory") as caught:
        act(tmp_path / "file" / "home" / "x", "data")
    assert str(tmp_path / "file" / "home") in caught.value.where
    assert "OCKIT_HOME" in caught.value.hint


def test_read_limited(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_limited(path, 5) == b"12345"
    with pytest.raises(UsageError, match="larger"):
        read_limited(path, 4)
    with pytest.raises(NotFound) as missing:
        read_limited(tmp_path / "none", 5)
    assert missing.value.exit_code == ExitCode.NOT_FOUND
    with pytest.raises(UsageError, match="directory"):
        read_limited(tmp_path, 5)


@pytest.mark.parametrize(
    "number", [errno.EACCES, errno.EROFS, errno.EIO, errno.EDQUOT, errno.EMFILE, errno.ENAMETOOLONG]
)
def test_every_error_of_the_system_has_a_place_and_a_hint(tmp_path, number):
    told = explained(OSError(number, os.strerror(number)), tmp_path, "write the file")
    assert told.what.startswith("cannot write the file: ")
    assert told.where == str(tmp_path)
    assert told.hint


def test_free_space_answers_for_what_is_not_there_yet(tmp_path):
    assert free_space(tmp_path / "a" / "b") > 0


HOLDER = """
import sys, time
from pathlib import Path
from ockit.files import lock
with lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_keeps_another_process_out_until_that_dies(tmp_path):
    path = tmp_path / "file.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, path], stdout=subprocess.PIPE, cwd=tmp_path
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreError, match="another ockit") as caught, lock(path, timeout=0.1):
            pass
        assert caught.value.where == str(path)
        holder.kill()
        holder.wait()
        with lock(path, timeout=5):
            assert mode(path) == 0o600


def test_a_lock_lets_threads_in_one_after_the_other(tmp_path):
    inside = []

    def enter():
        with lock(tmp_path / "lock"):
            inside.append("in")
            time.sleep(0.01)
            inside.append("out")

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inside == ["in", "out"] * 4
