"""The reader child: order, limits, death in the middle, and what it may see."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ockit.errors import WorkerError
from ockit.index.readers.child_process import ReaderChild
from ockit.index.readers.limits import ReadingLimits
from ockit.index.readers.reading import ReadFile, ReadingFailed, ReadRequest, Unread

SLOW = "word " * (2 << 20)  # takes a second or two to cut into chunks


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(150):
        (tmp_path / f"{number:03}.md").write_text(f"# Title {number}\n\nWords of file {number}.\n")
    (tmp_path / "slow.txt").write_text(SLOW)
    return tmp_path


def request(path: Path, known: bytes | None = None) -> ReadRequest:
    return ReadRequest(path, path.name, known)


def small(folder: Path) -> list[ReadRequest]:
    return [request(path) for path in sorted(folder.glob("*.md"))]


def test_files_come_back_in_order(folder: Path):
    with ReaderChild(os.environ) as child:
        found = list(child.read_many(iter(small(folder))))
        assert [asked for asked, _ in found] == small(folder)
        for number, (_, outcome) in enumerate(found):
            assert isinstance(outcome, ReadFile)
            assert (outcome.kind, outcome.title) == ("markdown", f"Title {number}")
            assert f"Words of file {number}." in outcome.chunks[-1].text
            assert outcome.chunks[0].start_line == 1


def test_known_bytes_are_not_parsed_again(folder: Path):
    path = folder / "000.md"
    with ReaderChild(os.environ) as child:
        first = child.read(request(path))
        again = child.read(request(path, first.digest))
        assert again.same
        assert (again.chunks, again.digest) == ((), first.digest)
        path.write_text("# Other\n")
        changed = child.read(request(path, first.digest))
        assert not changed.same
        assert changed.title == "Other"


def test_a_large_file_comes_whole(folder: Path):
    text = "".join(f"line {number} of a long file ü€😀\n" for number in range(200_000))
    path = folder / "long.txt"
    path.write_text(text)
    with ReaderChild(os.environ) as child:
        assert "".join(chunk.text for chunk in child.read(request(path)).chunks) == text


def test_time_is_up_for_one_file_only(folder: Path):
    batch = [*small(folder)[:3], request(folder / "slow.txt"), *small(folder)[3:6]]
    with ReaderChild(os.environ, limits=ReadingLimits(seconds=0.4)) as child:
        child.read(batch[0])  # the child is up, its imports done
        outcomes = [outcome for _, outcome in child.read_many(batch)]
    assert [isinstance(outcome, ReadFile) for outcome in outcomes] == [True] * 3 + [False] + [True] * 3
    assert isinstance(outcomes[3], Unread)
    assert (outcomes[3].reason, outcomes[3].skipped) == ("time", False)


def test_memory_is_up_for_one_file_only(folder: Path):
    path = folder / "large.txt"
    path.write_text("some words in a line\n" * 2_000_000)
    batch = [small(folder)[0], request(path), small(folder)[1]]
    with ReaderChild(os.environ, limits=ReadingLimits(memory_bytes=96 << 20)) as child:
        before, failed, after = (outcome for _, outcome in child.read_many(batch))
    assert isinstance(before, ReadFile)
    assert isinstance(after, ReadFile)
    assert isinstance(failed, Unread)
    assert failed.reason == "memory"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_death_is_one_failed_file(folder: Path, number: signal.Signals):
    batch = [*small(folder)[:2], request(folder / "slow.txt"), *small(folder)[2:4]]
    with ReaderChild(os.environ) as child:
        child.start()
        pid = child.pid
        assert pid is not None
        outcomes = []
        for _, outcome in child.read_many(batch):
            outcomes.append(outcome)
            if len(outcomes) == 2:  # the child is at the slow one, or about to be
                time.sleep(0.1)
                os.kill(pid, number)
        assert child.pid != pid
    assert [isinstance(outcome, ReadFile) for outcome in outcomes] == [True, True, False, True, True]
    assert isinstance(outcomes[2], Unread)
    assert outcomes[2].reason == "died"
    assert number.name in outcomes[2].what


def test_a_child_that_stands_still_is_ended(folder: Path):
    with ReaderChild(os.environ, limits=ReadingLimits(seconds=5)) as child:
        child.read(small(folder)[0])
        child._worker.stall_seconds = 2.0  # the grace beyond a file's time is long
        assert child.pid is not None
        os.kill(child.pid, signal.SIGSTOP)
        assert child.read(small(folder)[1]).title == "Title 1"  # a new one
        stopped = threading.Timer(0.3, lambda: os.kill(child.pid or 0, signal.SIGSTOP))
        stopped.start()
        with pytest.raises(ReadingFailed) as caught:
            child.read(request(folder / "slow.txt"))
        assert caught.value.unread.reason == "time"
        assert child.read(small(folder)[2]).title == "Title 2"


def test_a_reader_that_goes_away_leaves_a_child_that_works(folder: Path):
    with ReaderChild(os.environ) as child:
        stream = child.read_many(small(folder))
        next(stream)
        assert isinstance(stream, Iterator)
        stream.close()  # type: ignore[attr-defined]
        assert child.read(small(folder)[7]).title == "Title 7"


def test_failures_are_errors_with_their_reason(folder: Path):
    with ReaderChild(os.environ) as child, pytest.raises(ReadingFailed) as caught:
        child.read(request(folder / "gone.md"))
    assert caught.value.unread.reason == "vanished"
    assert caught.value.unread.skipped
    assert caught.value.where == "gone.md"


def test_no_child_at_all_is_not_a_files_fault(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.executable", str(folder / "nothing"))
    with ReaderChild(os.environ) as child, pytest.raises(WorkerError):
        list(child.read_many(small(folder)))


def test_closed_from_another_thread(folder: Path):
    child = ReaderChild(os.environ)
    child.read(small(folder)[0])
    timer = threading.Timer(0.3, child.close)
    timer.start()
    [(_, outcome)] = child.read_many([request(folder / "slow.txt")])
    timer.join()
    assert isinstance(outcome, Unread)
    child.close()


def test_the_child_can_write_no_file(folder: Path):
    with ReaderChild(os.environ) as child:
        child.read(small(folder)[0])
        limits = Path(f"/proc/{child.pid}/limits")
        if not limits.exists():
            pytest.skip("this system shows no process's limits")
        [line] = [line for line in limits.read_text().split("\n") if line.startswith("Max file size")]
        assert line.split()[3:5] == ["0", "0"]


def test_the_child_sees_no_keys(folder: Path):
    with ReaderChild({**os.environ, "SECRET_TOKEN": "x", "PYTHONPATH": "/nowhere"}) as child:
        child.read(small(folder)[0])
        environ = Path(f"/proc/{child.pid}/environ")
        if not environ.exists():
            pytest.skip("this system shows no process's environment")
        assert b"SECRET_TOKEN" not in environ.read_bytes()
        assert b"PYTHONPATH" not in environ.read_bytes()
