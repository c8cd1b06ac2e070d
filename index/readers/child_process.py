"""The parent's side of reading: a child that may hang, die or run out of memory, one failed file at a time.

Knows nothing of formats. Files go to the child in batches, so that it reads the next ones while the caller is busy with
the last; a small file costs no waiting.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import islice
from types import TracebackType
from typing import Any

from ockit.documents import Chunk
from ockit.errors import WorkerError
from ockit.index.readers.limits import ReadingLimits
from ockit.index.readers.reading import ReadFile, ReadingFailed, ReadRequest, Unread
from ockit.workers.worker import Worker

_BATCH = 64
_GRACE_SECONDS = 15.0
"""Beyond a file's time, in which the kernel's alarm has ended any child that it can end."""


class ReaderChild:
    """One child that reads files. For one thread.

    Args:
        variables: the environment, of which the child gets what `ockit.workers.limits` keeps.
        limits: what one file may cost.
    """

    def __init__(self, variables: Mapping[str, str], *, limits: ReadingLimits | None = None) -> None:
        self._limits = limits or ReadingLimits()
        self._stillborn = False  # the last child was gone before it was heard of
        self._worker = Worker(
            "ockit.index.readers.service:ReaderService",
            variables,
            stall_seconds=self._limits.seconds + _GRACE_SECONDS,
            memory_limit=self._limits.memory_bytes,
        )

    def __enter__(self) -> ReaderChild:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The running child's process id."""
        return self._worker.pid

    def start(self) -> None:
        """Start the child, so that it is there when the first file is asked for. Raises WorkerError."""
        self._worker.start()

    def close(self) -> None:
        """End the child, at once."""
        self._worker.stop()

    def read(self, request: ReadRequest) -> ReadFile:
        """Read one file.

        Raises:
            ReadingFailed: it cannot be read, or is left out by rule.
            WorkerError: no child can be started.
        """
        [(_, outcome)] = self.read_many([request])
        if isinstance(outcome, Unread):
            raise ReadingFailed(outcome.reason, outcome.what, where=request.path, hint=outcome.hint)
        return outcome

    def read_many(self, requests: Iterable[ReadRequest]) -> Iterator[tuple[ReadRequest, ReadFile | Unread]]:
        """Read files; each comes back with its request, in order.

        Raises:
            WorkerError: no child can be started. Never for a file.
        """
        waiting = iter(requests)
        while batch := deque(islice(waiting, _BATCH)):
            while batch:
                yield from self._batch(batch)

    def _batch(self, batch: deque[ReadRequest]) -> Iterator[tuple[ReadRequest, ReadFile | Unread]]:
        """Read files until the batch is empty or a child has ended; what was answered is taken off."""
        ready = False  # what ends before this is not the file's fault: a second child will tell
        chunks: list[Chunk] = []
        try:
            for event in self._worker.stream("read", files=_asked(batch), limits=asdict(self._limits)):
                ready, self._stillborn = True, False
                chunks += [Chunk(*fields) for fields in event.get("chunks", ())]
                if "file" in event:
                    yield batch.popleft(), _read_file(event["file"], chunks)
                    chunks = []
                elif "unread" in event:
                    if event["spent"]:
                        self._worker.stop()  # what a failed allocation leaves behind is not to be relied on
                    yield batch.popleft(), Unread(*event["unread"])
                    if event["spent"]:
                        return
        except WorkerError as error:
            if not ready:
                if self._stillborn:
                    raise
                self._stillborn = True
                return
            yield batch.popleft(), self._ended(error)

    def _ended(self, error: WorkerError) -> Unread:
        """What the end of the child says of the file it was reading."""
        if "SIGALRM" in error.what or "no sign of life" in error.what:
            return Unread("time", f"reading it took more than {self._limits.seconds:g} seconds and was ended")
        return Unread("died", error.what.replace("the model's process", "the process that read it"))


def _asked(batch: Iterable[ReadRequest]) -> list[list[Any]]:
    return [
        [str(request.file), request.path, request.known.hex() if request.known is not None else None]
        for request in batch
    ]


def _read_file(facts: dict[str, Any], chunks: list[Chunk]) -> ReadFile:
    return ReadFile(
        kind=facts["kind"],
        title=facts["title"],
        chunks=tuple(chunks),
        has_lines=facts["has_lines"],
        notices=tuple(facts["notices"]),
        digest=bytes.fromhex(facts["digest"]),
        size=facts["size"],
        mtime_ns=facts["mtime_ns"],
        ino=facts["ino"],
        same=facts["same"],
    )
