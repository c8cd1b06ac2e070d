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
        chunks: chunks stored so far in this run.
        embedded: those of them that had to be embedded; a text that was known already is not.
        bytes_done: bytes of the files that are done: what is left to do is best told by them.
    """

    stage: Literal["walking", "loading", "indexing", "saving"]
    files: int = 0
    files_total: int = 0
    chunks: int = 0
    embedded: int = 0
    bytes_done: int = 0
    bytes_total: int = 0


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
    dry_run: bool = False

    def skip(self, reason: str, n: int = 1) -> None:
        """Count what was left out."""
        self.skipped[reason] = self.skipped.get(reason, 0) + n
