"""The nouns of reading a file: what is asked for, what comes back, why nothing did. Knows no format."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ockit.documents import Chunk
from ockit.errors import OckitError

SKIPPED_REASONS = frozenset({"binary", "special", "link", "vanished", "secret"})
"""Words for files that are left out by rule: nothing went wrong."""

FAILED_REASONS = frozenset(
    "denied unreadable too-large too-much-text expands damaged encrypted changed time memory died".split()
)
"""Words for files that somebody may want to do something about."""


@dataclass(frozen=True)
class ReadRequest:
    """A file to read.

    Attributes:
        file: where it lies, absolute; a symbolic link there is not followed.
        path: what it is called in the index.
        known: the digest of what was read last time: if the bytes have it still, nothing is parsed.
    """

    file: Path
    path: str
    known: bytes | None = None


@dataclass(frozen=True)
class ReadFile:
    """A file that was read.

    Attributes:
        kind: `Document.kind`.
        title: what the document calls itself, or nothing.
        chunks: its pieces, in order; none where it has no visible text, or where `same` is true.
        has_lines: whether an editor shows the chunks' line numbers.
        notices: what was left out, in sentences.
        digest: blake2b of the bytes, 16 bytes long.
        size: bytes.
        mtime_ns: time of the last change before the read, which was the same after it.
        ino: number of the inode that was read.
        same: the bytes have the digest of the request.
    """

    kind: str
    title: str
    chunks: tuple[Chunk, ...]
    has_lines: bool
    notices: tuple[str, ...]
    digest: bytes
    size: int
    mtime_ns: int
    ino: int
    same: bool = False


@dataclass(frozen=True)
class Unread:
    """Why a file was not read.

    Attributes:
        reason: one of `SKIPPED_REASONS` or `FAILED_REASONS`.
        what: the same as a sentence, with the value that caused it.
        hint: what to do about it, or None.
    """

    reason: str
    what: str
    hint: str | None = None

    @property
    def skipped(self) -> bool:
        """Left out by rule, which is no failure."""
        return self.reason in SKIPPED_REASONS


class ReadingFailed(OckitError):
    """A file that cannot be read, or is left out by rule; `unread` says which."""

    def __init__(self, reason: str, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(what, where=where, hint=hint)
        self.unread = Unread(reason, what, hint)
