"""The line that shows how far indexing is: it moves with what is embedded, and names the file it stands at."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from indexed_folder import write
from ockit.index.indexing.report import Progress
from terminal import terminal
from watched_index import watching


def test_what_is_left_is_reckoned_in_chunks() -> None:
    half = Progress("indexing", 1, 4, chunks=50, waiting=50, bytes_read=1000, bytes_total=2000)
    assert half.chunks_left == 150
    assert half.share == 0.25
    assert Progress("indexing", 0, 4, bytes_total=2000).share == 0
    assert (
        Progress("indexing", 1, 4, bytes_read=500, bytes_total=2000).share == 0.25
    )  # nothing but pictures so far
    assert Progress("indexing", 2, 4).share == 0.5
    assert Progress("indexing", 4, 4, chunks=9, bytes_read=2000, bytes_total=2000).share == 1


@pytest.fixture
def shown(run_ockit: Any, tmp_path: Path) -> Any:
    """An `IndexProgress` with a clock to turn, and the line it would draw."""
    import io

    from ockit.commands.index_progress import IndexProgress
    from ockit.commands.invocation import Invocation
    from ockit.console import Console
    from ockit.environment import Environment

    class Shown:
        now = 0.0

        def __init__(self) -> None:
            self.stderr = io.StringIO()
            environment = Environment(
                io.BytesIO(), io.StringIO(), self.stderr, {"OCKIT_HOME": str(tmp_path)}, tmp_path
            )
            call = Invocation(environment, Console(environment))
            self.stop = threading.Event()
            self.progress = IndexProgress(call, "it", self.stop, lambda: self.now)

        def line(self, event: Progress) -> str:
            with self.progress:
                self.progress.told(event)
                return self.progress._line(event, bar=True)

    return Shown()


def test_the_bar_moves_inside_of_a_file_and_names_it_where_it_stands(shown: Any) -> None:
    event = Progress("indexing", 0, 2, 0, 1000, 5000, 10000, "large.pdf")
    shown.line(event)
    shown.now = 10.0
    line = shown.line(Progress("indexing", 0, 2, 200, 800, 5000, 10000, "large.pdf"))
    assert "━━─" in line
    assert "200 chunks, 20 chunks/s, 1:30 left" in line
    assert "large.pdf" not in line
    shown.now = 15.0
    assert shown.line(Progress("indexing", 0, 2, 200, 800, 5000, 10000, "large.pdf")).endswith("at large.pdf")
    shown.now = 16.0
    back = shown.line(Progress("indexing", 1, 2, 220, 1800, 6000, 10000, "other.pdf"))
    assert "━━─" in back  # what is left has grown, but the bar does not go back
    assert "at other.pdf" not in back


def test_an_end_that_takes_long_is_said(shown: Any) -> None:
    with shown.progress:
        shown.stop.set()
        for _ in range(100):
            if shown.stderr.getvalue():
                break
            threading.Event().wait(0.05)
    assert shown.stderr.getvalue() == "stopping; Ctrl-C again ends it at once\n"


def test_watching_tells_a_failure_once(run_ockit: Any) -> None:
    docs = run_ockit.cwd / "docs"
    write(docs, {"a.md": "# A\n\nSomething.\n", "broken.pdf": "%PDF-1.4\n"})
    with watching(run_ockit, "docs") as watched:
        assert watched.stdout is not None
        assert watched.stderr is not None
        assert watched.stdout.readline().endswith("failed 1\n")
        while not watched.stderr.readline().startswith("watching 1 folder"):
            pass
        write(docs, {"b.md": "# B\n\nSomething else.\n"})
        assert watched.stdout.readline().startswith("docs: indexed 1 / unchanged 1 ")
        write(docs, {"worse.pdf": "%PDF-1.4\nworse"})
        assert watched.stdout.readline().endswith("failed 2\n")
        watched.send_signal(signal.SIGINT)
        assert watched.wait(timeout=20) == 0
        later = watched.stderr.read()
    assert "worse.pdf" in later
    assert "broken.pdf" not in later


def test_a_large_file_on_a_terminal(run_ockit: Any) -> None:
    text = "".join(f"Paragraph {n} tells of the number {n}. " * 8 + "\n\n" for n in range(4000))
    write(run_ockit.cwd / "docs", {"large.md": text})
    with terminal(run_ockit, "index", "docs") as screen:
        screen.until(
            lambda seen: "chunks/s" in seen.screen and "0 of 1 files" in seen.screen, "the rate", timeout=60
        )
        screen.until(lambda seen: "left" in seen.screen and "━" in seen.screen, "what is left", timeout=60)
        screen.interrupt()
        assert screen.end(timeout=20) == 130
        assert "left 1" in screen.screen
