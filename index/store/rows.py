"""Files and chunks as the store keeps them, and how each becomes a row of SQLite and again itself.

Every row carries the CRC-32 of its fields; one that does not fit raises `Damaged`, so that no passage is ever shown
that was not written so.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ockit.documents import Chunk
from ockit.errors import UsageError

State = Literal["ok", "failed", "skipped"]

FILE_COLUMNS = (
    "files.id, root, path, size, mtime_ns, ino, ctime_ns, digest, kind, state, reason, has_lines, title, "
    "n_chunks, files.sum"
)
CHUNK_COLUMNS = (
    "chunks.id, chunks.file_id, ordinal, vector_id, start, text, start_line, end_line, page, heading, defines, "
    "chunks.sum"
)


class Damaged(Exception):
    """What was read cannot have been written by ockit."""


@dataclass(frozen=True)
class FileRecord:
    """A file of an index.

    Attributes:
        root: number of the root it lies below.
        path: its path below the root.
        size: bytes.
        mtime_ns: nanoseconds since 1970 of its last change.
        ino: its inode, below 2**64.
        digest: hash of the bytes that were read; empty where none were.
        kind: what it is, as `Document.kind`.
        state: whether it was read.
        reason: why it was not.
        has_lines: as `Document.has_lines`.
        title: as `Document.title`.
        n_chunks: how many chunks it has; the store counts them.
        id: given by the store, kept for as long as the file is there.
        ctime_ns: as `mtime_ns`, of the last change of the file or of what the system notes of it, which no program
            can set back; another number where the file is to be looked into again in any case.
    """

    root: int
    path: str
    size: int
    mtime_ns: int
    ino: int
    digest: bytes
    kind: str
    state: State = "ok"
    reason: str = ""
    has_lines: bool = True
    title: str = ""
    n_chunks: int = 0
    id: int = 0
    ctime_ns: int = 0

    @property
    def place(self) -> tuple[int, str]:
        """What `IndexStore.files` calls it."""
        return self.root, self.path


@dataclass(frozen=True)
class StoredChunk:
    """A chunk and where it stands: the `ordinal`-th of its file, from 0. The other fields are those of the file."""

    chunk: Chunk
    id: int
    file_id: int
    ordinal: int
    vector_id: int
    root: int
    path: str
    kind: str
    has_lines: bool
    mtime_ns: int
    title: str


@dataclass(frozen=True)
class Counts:
    """How much there is in an index. `files` are those that were read."""

    files: int
    failed: int
    skipped: int
    chunks: int
    vectors: int
    file_bytes: int


def raw(text: str) -> bytes:
    """A text as it stands in a row; lone surrogates are kept."""
    return text.encode("utf-8", "surrogatepass")


def cooked(data: object) -> str:
    """The text of a row again. Raises Damaged."""
    if not isinstance(data, bytes):
        raise Damaged(f"a text is a {type(data).__name__}")
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise Damaged(f"a text is no UTF-8: {error}") from error


def file_values(record: FileRecord) -> tuple[Any, ...]:
    """The columns from ``root`` to ``n_chunks``. Raises UsageError for a number that SQLite cannot hold."""
    return (
        whole("the root", record.root),
        raw(record.path),
        whole("the size", record.size),
        whole("the time of the last change", record.mtime_ns, low=-(2**63)),
        record.ino - 2**64 if whole("the inode", record.ino, high=2**64) >= 2**63 else record.ino,
        whole("the time of the last change", record.ctime_ns, low=-(2**63)),
        record.digest,
        record.kind,
        record.state,
        raw(record.reason),
        int(record.has_lines),
        raw(record.title),
        whole("the number of chunks", record.n_chunks),
    )


def file_of(row: Sequence[Any]) -> FileRecord:
    """The file of a row of `FILE_COLUMNS`. Raises Damaged."""
    if sum_of(row[1:-1]) != row[-1]:
        raise Damaged(f"the row of file {row[0]} has changed")
    (
        _,
        root,
        path,
        size,
        mtime_ns,
        ino,
        ctime_ns,
        digest,
        kind,
        state,
        reason,
        has_lines,
        title,
        n_chunks,
        _,
    ) = row
    return FileRecord(
        root=root,
        path=cooked(path),
        size=size,
        mtime_ns=mtime_ns,
        ino=ino % 2**64,
        digest=digest,
        kind=kind,
        state=state,
        reason=cooked(reason),
        has_lines=bool(has_lines),
        title=cooked(title),
        n_chunks=n_chunks,
        id=row[0],
        ctime_ns=ctime_ns,
    )


def chunk_values(file_id: int, ordinal: int, vector_id: int, chunk: Chunk) -> tuple[Any, ...]:
    """The columns from ``file_id`` to ``defines``. Raises UsageError for a number that SQLite cannot hold."""
    return (
        file_id,
        ordinal,
        vector_id,
        whole("the start", chunk.start),
        raw(chunk.text),
        whole("the first line", chunk.start_line),
        whole("the last line", chunk.end_line),
        None if chunk.page is None else whole("the page", chunk.page),
        raw(chunk.heading),
        raw(chunk.defines),
    )


def chunk_of(row: Sequence[Any]) -> Chunk:
    """The chunk of a row of `CHUNK_COLUMNS`. Raises Damaged."""
    if sum_of(row[1:11]) != row[11]:
        raise Damaged(f"the row of chunk {row[0]} has changed")
    return Chunk(
        start=row[4],
        text=cooked(row[5]),
        start_line=row[6],
        end_line=row[7],
        page=row[8],
        heading=cooked(row[9]),
        defines=cooked(row[10]),
    )


def sum_of(values: Sequence[object]) -> int:
    """The CRC-32 of the fields of a row, types and all."""
    return zlib.crc32(repr(tuple(values)).encode("ascii", "backslashreplace"))


def whole(what: str, value: int, *, low: int = 0, high: int = 2**63) -> int:
    """The number itself. Raises UsageError where it does not lie in [low, high)."""
    if not low <= value < high:
        raise UsageError(
            f"{what} is {value}, but must lie between {low} and {high - 1}",
            hint="exclude this file with --exclude",
        )
    return value
