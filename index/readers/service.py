"""The reader child's service: files in, chunks out. Hosted by `ockit.workers.child`.

The kernel's alarm ends this process where a file takes too long: no C library and no regular expression can hold it up.
Nothing here touches the network, starts a process or writes a file.
"""

from __future__ import annotations

import os
import resource
import signal
import threading
from collections.abc import Generator, Iterator
from typing import Any

from ockit.documents import Chunk
from ockit.index.chunks import chunk_document
from ockit.index.readers.limits import ReadingLimits
from ockit.index.readers.opened import OpenedFile, open_and_read
from ockit.index.readers.reading import ReadingFailed
from ockit.index.readers.registry import document_of
from ockit.index.readers.secrets import held_secret

_GROUP = 1 << 20
"""Characters of the chunks in one frame: a file's text can be longer than a frame may be."""


class ReaderService:
    """Reads files one after the other."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()
        resource.setrlimit(
            resource.RLIMIT_FSIZE, (0, 0)
        )  # whatever a file makes a parser do, it writes no file

    def arm(self) -> None:
        """A call has come in."""
        self._cancelled.clear()

    def cancel(self) -> None:
        """Stop after the file that is being read."""
        self._cancelled.set()

    def handle(self, method: str, params: dict[str, Any]) -> Generator[dict[str, Any], None, Any]:
        """``read``: see `ockit.index.readers.child_process`, which asks and understands the events."""
        if method != "read":
            raise ValueError(f"a reader knows no {method!r}")
        limits = ReadingLimits(**params["limits"])
        yield {"ready": True}  # a death before this is not a file's fault
        for file, path, known in params["files"]:
            if self._cancelled.is_set():
                break
            yield from _answers(file, path, known, limits)
        return None


def _answers(file: str, path: str, known: str | None, limits: ReadingLimits) -> Iterator[dict[str, Any]]:
    """The events of one file. The alarm is off while they are written: the other side may be busy."""
    spent = False
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, limits.seconds)
    try:
        facts, chunks = _read(file, path, known, limits)
        events: Iterator[dict[str, Any]] = _frames(facts, chunks)
    except ReadingFailed as failure:
        unread = failure.unread
        spent = unread.reason == "memory"
        events = iter([{"unread": [unread.reason, unread.what, unread.hint], "spent": spent}])
    except MemoryError:
        what = f"reading it takes more than {limits.memory_bytes >> 20} MiB"
        events = iter([{"unread": ["memory", what, None], "spent": True}])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    yield from events


def _read(
    file: str, path: str, known: str | None, limits: ReadingLimits
) -> tuple[dict[str, Any], list[Chunk]]:
    root = file.removesuffix(path) if file.endswith("/" + path) else os.path.dirname(file)
    opened = open_and_read(file, limits, root=root)
    if opened.digest.hex() == known:
        return _facts(opened, same=True), []
    document = document_of(opened.data, path, limits)
    if (secret := held_secret(document.text)) is not None:
        raise ReadingFailed("secret", f"it holds {secret}")
    facts = _facts(opened) | {
        "kind": document.kind,
        "title": document.title,
        "has_lines": document.has_lines,
        "notices": list(document.notices),
    }
    return facts, list(chunk_document(document, path))


def _facts(opened: OpenedFile, *, same: bool = False) -> dict[str, Any]:
    return {
        "kind": opened.kind,
        "title": "",
        "has_lines": True,
        "notices": [],
        "digest": opened.digest.hex(),
        "size": opened.size,
        "mtime_ns": opened.mtime_ns,
        "ino": opened.ino,
        "same": same,
    }


def _frames(facts: dict[str, Any], chunks: list[Chunk]) -> Iterator[dict[str, Any]]:
    group: list[list[Any]] = []
    length = 0
    for chunk in chunks:
        group.append(
            [
                chunk.start,
                chunk.text,
                chunk.start_line,
                chunk.end_line,
                chunk.page,
                chunk.heading,
                chunk.defines,
            ]
        )
        length += len(chunk.text)
        if length > _GROUP:
            yield {"chunks": group}
            group, length = [], 0
    yield {"file": facts, "chunks": group}
