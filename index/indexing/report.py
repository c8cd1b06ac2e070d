"""What an indexing run says while it goes on, and what it has done in the end. Knows no screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        stage: what it does now.
        files: files that are done, of those that had to be looked into.
        chunks: chunks that were read and have their vectors, be these new or known already.
        waiting: chunks that were read and wait for theirs.
        bytes_read: bytes of the files that were read, of those of all: how many chunks are to come is told by them.
        file: the file that the run waits for, relative to its folder; empty where it waits for none.
    """

    stage: Literal["walking", "loading", "indexing", "saving"]
    files: int = 0
    files_total: int = 0
    chunks: int = 0
    waiting: int = 0
    bytes_read: int = 0
    bytes_total: int = 0
    file: str = ""

    @property
    def chunks_left(self) -> float:
        """How many chunks are yet to be embedded: those that wait, and what the bytes that are left will give."""
        unread = max(0, self.bytes_total - self.bytes_read)
        each = (self.chunks + self.waiting) / self.bytes_read if self.bytes_read else 0.0
        return self.waiting + unread * each

    @property
    def share(self) -> float:
        """How much is done, from 0 to 1: by chunks, and by bytes or files where there are none."""
        left = self.chunks_left
        if self.chunks + left > 0:
            return self.chunks / (self.chunks + left)
        done, total = (
            (self.bytes_read, self.bytes_total) if self.bytes_total else (self.files, self.files_total)
        )
        return min(1.0, done / max(1, total))


@dataclass(frozen=True)
class FileFailed:
    """A file could not be read; the run goes on.

    Attributes:
        path: absolute.
        reason: one word (`ockit.index.readers.reading.Unread`).
        what: a sentence.
    """

    path: str
    reason: str
    what: str


@dataclass(frozen=True)
class IndexNotice:
    """Something the person should know."""

    text: str


IndexEvent = Progress | FileFailed | IndexNotice
OnEvent = Callable[[IndexEvent], None]


@dataclass
class Report:
    """What a run has done, or would do.

    Attributes:
        indexed: files that are new or have changed.
        unchanged: files that are as they were, moved and touched ones included.
        moved: of the unchanged ones, those that were found under another path.
        removed: files that were in the index and are gone.
        skipped: files and folders left out by rule, by reason.
        failed: what could not be read, as recorded now or in an earlier run.
        chunks: chunks of the files that were indexed now.
        embedded: texts that had to be embedded.
        seconds: how long it took.
        stopped: whether it was stopped before its end; what is done stays.
        forgotten: it was stopped before anything was done, and the index that it had made is removed again.
        left: files that a run that was stopped has not come to; None where nobody knows.
    """

    name: str
    indexed: int = 0
    unchanged: int = 0
    moved: int = 0
    removed: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    failed: list[FileFailed] = field(default_factory=list)
    chunks: int = 0
    embedded: int = 0
    seconds: float = 0.0
    stopped: bool = False
    forgotten: bool = False
    left: int | None = None
    dry_run: bool = False

    def skip(self, reason: str, n: int = 1) -> None:
        """Count what was left out."""
        self.skipped[reason] = self.skipped.get(reason, 0) + n
