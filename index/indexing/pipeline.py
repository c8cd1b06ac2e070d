"""Reading, embedding and storing at the same time. One thread reads, one embeds, the caller's stores.

A file is stored in one transaction, once all its vectors are; these are stored as they come, so that a run that is
killed never embeds them again. Knows no walk and no screen.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ockit.index.indexing.comparing import ALWAYS_AGAIN, trusted
from ockit.index.indexing.reading import Outcome, read_all
from ockit.index.readers.reading import ReadFile, Unread
from ockit.index.store.rows import FileRecord, State
from ockit.index.walk.walker import Found

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ockit.documents import Chunk
    from ockit.index.readers.child_process import ReaderChild
    from ockit.index.store.index_store import IndexStore
    from ockit.protocols import Embedder

_BATCH = 64  # texts: a second or two of a slow processor
_BATCHES = 2  # that are with the embedder: it must never wait for us
_HELD = 24 * _BATCH  # chunks between reading and storing, over which reading waits
_TOGETHER = 64  # files of one transaction
_FLUSH_S = 0.5
_LOOK_S = 0.1  # how often somebody's wish to stop is looked for

_HEAVIEST = 16 << 20  # bytes

# What may be over by the next run though the file's date stays: it is tried again each time.
_PASSING = frozenset({"denied", "unreadable", "changed"})

# What says nothing of the file itself: what is indexed of it stays, and it is tried again each time.
_NO_FAULT_OF_IT = _PASSING | {"time", "memory", "died"}

_Item = tuple[Found, "FileRecord | None", Outcome]


@dataclass
class Tally:
    """What came through so far. Files are told with what became of them: ``indexed``, ``same``, ``skipped``, ``failed``
    or ``gone``.

    Attributes:
        files, chunks: what is stored.
        embedded: texts.
        ready: chunks that were read and have their vectors, though their file be not stored yet.
        waiting: chunks that were read and wait for theirs.
        bytes_read: `weight` of the files that were read.
        file: the one that is waited for, to be read or embedded.
    """

    files: int = 0
    chunks: int = 0
    embedded: int = 0
    ready: int = 0
    waiting: int = 0
    bytes_read: int = 0
    file: str = ""


def weight(size: int) -> int:
    """Bytes that a file counts in how far a run is: one that is too large to be read is no long work."""
    return min(size, _HEAVIEST)


@dataclass
class _Pending:
    """A file that waits for vectors."""

    record: FileRecord
    chunks: Sequence[Chunk]
    waits_for: set[bytes] = field(default_factory=set)


OnStored = Callable[[str, Found, FileRecord, "Unread | None"], None]


class Pipeline:
    """Brings files into a store.

    Args:
        embedder: gives its embedder; called once something must be embedded.
        stopped: set by whoever wants an early end; only looked at.
        on_stored: called with what became of a file, the file, its record, and why it was not read.
        on_progress: called now and then.
    """

    def __init__(
        self,
        store: IndexStore,
        roots: Sequence[str],
        reader: ReaderChild,
        embedder: Callable[[], Embedder],
        stopped: threading.Event,
        *,
        on_stored: OnStored,
        on_progress: Callable[[Tally], None],
    ) -> None:
        self._store, self._roots, self._reader = store, roots, reader
        self._open_embedder = embedder
        self._embedder: Embedder | None = None
        self._stopped = stopped
        self._over = threading.Event()  # the two threads are no longer needed, whatever the reason
        self._whole = False
        self._on_stored, self._on_progress = on_stored, on_progress
        self.tally = Tally()
        self._inbox: queue.SimpleQueue[_Item | Future[object]] = queue.SimpleQueue()
        self._room = threading.Condition()
        self._held = 0  # chunks that were read and are not stored
        self._texts: dict[bytes, str] = {}  # to be embedded, in order
        self._waiting: dict[bytes, list[_Pending]] = {}
        self._batches: dict[Future[object], list[bytes]] = {}
        self._ready: list[_Pending] = []
        self._flushed = time.monotonic()
        self._read_chunks = self._taken = 0

    def run(self, unread: Sequence[tuple[Found, FileRecord | None]]) -> bool:
        """Bring files in. Returns whether all of them are; if not, somebody stopped it, and what was done is stored.

        Raises:
            OckitError: embedding or storing fails. What was done by then is stored.
        """
        with ThreadPoolExecutor(1, "reading") as readers, ThreadPoolExecutor(1, "embedding") as embedders:
            try:
                return self._run(unread, readers, embedders)
            finally:
                self._let_go()

    def _run(
        self,
        unread: Sequence[tuple[Found, FileRecord | None]],
        readers: ThreadPoolExecutor,
        embedders: ThreadPoolExecutor,
    ) -> bool:
        reading: Future[object] = readers.submit(
            read_all, unread, self._roots, self._reader, self._over, self._read
        )
        reading.add_done_callback(self._inbox.put)
        while not (reading.done() and self._inbox.empty() and not self._texts and not self._batches):
            if self._stopped.is_set():
                break
            self._submit(embedders, last=reading.done())
            try:
                item = self._inbox.get(timeout=_LOOK_S)
            except queue.Empty:
                self._flush()
                self._tell(unread)
                continue
            if not isinstance(item, Future):
                self._take(*item)
            elif item in self._batches:
                self._embedded(item)
            self._tell(unread)
        self._flush(now=True)
        self._tell(unread)
        if not self._stopped.is_set():
            reading.result()  # it may have failed
        self._whole = not self._stopped.is_set()
        return self._whole

    def _tell(self, unread: Sequence[tuple[Found, FileRecord | None]]) -> None:
        tally = self.tally
        tally.waiting = len(self._waiting)
        tally.ready = self._read_chunks - tally.waiting
        oldest = next(iter(self._waiting.values()), None)
        if oldest:
            tally.file = oldest[0].record.path
        else:
            tally.file = unread[self._taken][0].path if self._taken < len(unread) else ""
        self._on_progress(tally)

    def _let_go(self) -> None:
        """End what the two threads wait for, however this ends."""
        if not self._whole:
            self._over.set()
            with self._room:
                self._room.notify_all()
            self._reader.close()
            for batch in self._batches:
                batch.cancel()
            if self._embedder is not None and any(batch.running() for batch in self._batches):
                self._embedder.close()

    def _read(self, file: Found, known: FileRecord | None, outcome: Outcome) -> None:
        """In the reading thread: hand on, and wait while too much is held."""
        size = len(outcome.chunks) if isinstance(outcome, ReadFile) else 0
        with self._room:
            self._held += size
        self._inbox.put((file, known, outcome))
        with self._room:
            self._room.wait_for(lambda: self._held < _HELD or self._over.is_set())

    def _take(self, file: Found, known: FileRecord | None, outcome: Outcome) -> None:
        self._taken += 1
        self.tally.bytes_read += weight(file.size)
        if isinstance(outcome, Unread):
            self._refused(file, known, outcome)
            return
        record = FileRecord(
            file.root,
            file.path,
            outcome.size,
            outcome.mtime_ns,
            outcome.ino,
            outcome.digest,
            outcome.kind,
            has_lines=outcome.has_lines,
            title=outcome.title,
            ctime_ns=trusted(file, outcome.mtime_ns),
        )
        if outcome.same and known is not None:
            record = replace(
                known, size=record.size, mtime_ns=record.mtime_ns, ino=record.ino, ctime_ns=record.ctime_ns
            )
            self._store.touch(record)
            self._done("same", file, record)
            return
        self._read_chunks += len(outcome.chunks)
        pending = _Pending(record, outcome.chunks)
        texts = {chunk.key: chunk.embedded for chunk in outcome.chunks}
        fresh = [key for key in texts if key not in self._waiting]
        missing = self._store.missing(fresh) if fresh else set()
        for key, text in texts.items():
            if key in missing:
                self._texts[key] = text
                self._waiting[key] = []
            if key in self._waiting:
                self._waiting[key].append(pending)
                pending.waits_for.add(key)
        if not pending.waits_for:
            self._ready.append(pending)
        self._flush()

    def _refused(self, file: Found, known: FileRecord | None, why: Unread) -> None:
        """A file that is left out, or cannot be read: it is noted, so that it is not opened again until it changes."""
        if known is not None and known.state == "ok" and why.reason in _NO_FAULT_OF_IT:
            record = replace(known, ctime_ns=ALWAYS_AGAIN)
            self._store.touch(record)
            self._done("failed", file, record, why)
            return
        state: State = "skipped" if why.skipped or why.reason == "secret" else "failed"
        record = FileRecord(
            file.root,
            file.path,
            file.size,
            file.mtime_ns,
            file.ino,
            b"",
            "",
            state=state,
            reason=why.reason,
            ctime_ns=ALWAYS_AGAIN if why.reason in _PASSING else trusted(file, file.mtime_ns),
        )
        if why.reason == "vanished":
            if known is not None:
                self._store.remove([(file.root, file.path)])
            self._done("gone", file, record, why)
            return
        self._store.put_file(record, ())
        self._done(state, file, record, why)

    def _submit(self, embedders: ThreadPoolExecutor, *, last: bool) -> None:
        """Give the embedder what it can take: full batches, or whatever there is before it would be idle."""
        while self._texts and len(self._batches) < _BATCHES:
            if len(self._texts) < _BATCH and not last and self._batches:
                return
            if self._embedder is None:
                self._embedder = self._open_embedder()
            keys = [key for key, _ in zip(self._texts, range(_BATCH), strict=False)]
            texts = [self._texts.pop(key) for key in keys]
            batch: Future[object] = embedders.submit(self._embedder.embed, texts, "passage")
            self._batches[batch] = keys
            batch.add_done_callback(self._inbox.put)

    def _embedded(self, batch: Future[object]) -> None:
        keys = self._batches.pop(batch)
        if batch.exception() is not None:
            self._flush(now=True)
        vectors: NDArray[np.float32] = batch.result()  # type: ignore[assignment]
        self._store.add_vectors(dict(zip(keys, vectors, strict=True)))
        self.tally.embedded += len(keys)
        for key in keys:
            for pending in self._waiting.pop(key):
                pending.waits_for.discard(key)
                if not pending.waits_for:
                    self._ready.append(pending)
        self._flush()

    def _flush(self, *, now: bool = False) -> None:
        """Store the files that are complete."""
        late = time.monotonic() - self._flushed > _FLUSH_S
        many = len(self._ready) >= _TOGETHER or sum(len(one.chunks) for one in self._ready) >= _BATCH
        if not self._ready or not (now or late or many):
            return
        ready, self._ready = self._ready, []
        self._store.put_files([(pending.record, pending.chunks) for pending in ready])
        self._flushed = time.monotonic()
        for pending in ready:
            self.tally.chunks += len(pending.chunks)
            with self._room:
                self._held -= len(pending.chunks)
                self._room.notify_all()
            record = pending.record
            file = Found(record.root, record.path, record.size, record.mtime_ns, record.ino)
            self._done("indexed", file, record)

    def _done(self, what: str, file: Found, record: FileRecord, why: Unread | None = None) -> None:
        self.tally.files += 1
        self._on_stored(what, file, record, why)
