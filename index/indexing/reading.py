"""Changed files on their way through the reader's child. Knows which files need no reading; stores nothing."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ockit.index.readers.reading import ReadFile, ReadRequest, Unread
from ockit.index.walk.walker import Found

if TYPE_CHECKING:
    from ockit.index.readers.child_process import ReaderChild
    from ockit.index.store.rows import FileRecord

Outcome = ReadFile | Unread
OnFile = Callable[[Found, "FileRecord | None", Outcome], None]


def read_all(
    unread: Iterable[tuple[Found, FileRecord | None]],
    roots: Sequence[str],
    reader: ReaderChild,
    stopped: threading.Event,
    on_file: OnFile,
) -> None:
    """Read files in order and hand each on; returns early once `stopped` is set.

    Args:
        on_file: called with the file, what the index knows of it, and what came of reading it. It may wait: then
            nothing more is read.

    Raises:
        WorkerError: no child can be started.
    """
    asked: deque[tuple[Found, FileRecord | None]] = deque()

    def requests() -> Iterator[ReadRequest]:
        for file, known in unread:
            if stopped.is_set():
                return
            full = os.path.join(roots[file.root], file.path)
            asked.append((file, known))
            was_read = known is not None and known.state == "ok"
            yield ReadRequest(Path(full), file.path, known.digest if known is not None and was_read else None)

    for _, outcome in reader.read_many(requests()):
        if stopped.is_set():  # the child was ended: what it says of its last file means nothing
            return
        on_file(*asked.popleft(), outcome)
