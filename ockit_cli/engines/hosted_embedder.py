"""An embedder that runs in a worker process: `ockit.protocols.Embedder`, as the rest of ockit sees it.

Knows the frames of `ockit.engines.embedding_service`, which the services of other libraries speak as well. Where the
worker died, the next call starts a new one and loads the model again.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from ockit.errors import InterruptedByUser, WorkerError
from ockit.protocols import EmbedderInfo
from ockit.workers.worker import Worker

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_CHARACTERS = 1 << 20
"""Of one text that are sent: the longest context of any embedder is far shorter."""
_FRAME_CHARACTERS = 8 << 20
_FRAME_TEXTS = 1024


class HostedEmbedder:
    """One embedder in one worker.

    Args:
        worker: hosts a service with the calls ``load`` and ``embed``; started when it is needed.
        load: the parameters of its ``load``.
        stall_seconds: silence after which the worker counts as hung.
    """

    def __init__(self, worker: Worker, load: dict[str, Any], *, stall_seconds: float = 120.0) -> None:
        self._worker = worker
        self._worker.stall_seconds = stall_seconds
        self._load = load
        self._loaded: tuple[int, EmbedderInfo] | None = None  # with the worker's generation

    @property
    def worker(self) -> Worker:
        """The worker, to look at."""
        return self._worker

    def warm_up(self) -> None:
        """Start the process now, so that it reads its libraries while the caller does something else."""
        self._worker.start()

    def load(self) -> EmbedderInfo:
        """Load the model if it is not loaded.

        Raises:
            NotFound, ModelFileError, StoreError, DoesNotFit, MissingExtra: as its files are.
            WorkerError: the process dies or hangs.
        """
        self._worker.settle()
        if self._loaded is not None and self._worker.alive and self._loaded[0] == self._worker.generation:
            return self._loaded[1]
        fields = self._worker.call("load", **self._load)
        info = EmbedderInfo(**fields)
        if self._loaded is not None and self._loaded[1] != info:
            raise WorkerError(f"the embedder {info.name} was replaced while it was used", hint="ask again")
        self._loaded = self._worker.generation, info
        return info

    def embed(self, texts: Sequence[str], role: Literal["passage", "query"]) -> NDArray[np.float32]:
        """Vectors of length 1, shape (len(texts), dimension).

        Raises:
            InterruptedByUser: `cancel` was called.
            WorkerError: the process died or hangs.
        """
        import numpy as np

        found = np.empty((len(texts), self.load().dimension), np.float32)
        for rows, vectors in self.embed_each(texts, role):
            found[rows] = vectors
        return found

    def embed_each(
        self, texts: Sequence[str], role: Literal["passage", "query"]
    ) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
        """Vectors as they are ready: the numbers of their texts, and one row for each. Raises as `embed`."""
        import numpy as np

        dimension = self.load().dimension
        for first, part in _frames(texts):
            expected = len(part)
            stream = self._worker.stream("embed", texts=part, role=role)
            while True:
                try:
                    frame = next(stream)
                except StopIteration as end:
                    if end.value["cancelled"]:
                        raise InterruptedByUser("embedding was stopped") from None
                    break
                numbers = np.frombuffer(base64.b64decode(frame["vectors"]), "<f4")
                rows = frame["rows"]
                if len(numbers) != len(rows) * dimension or not np.isfinite(numbers).all():
                    raise WorkerError("the embedder sent what are no vectors", hint="ask again")
                expected -= len(rows)
                yield [first + row for row in rows], numbers.reshape(len(rows), dimension)
            if expected:
                raise WorkerError(f"the embedder left {expected} texts out", hint="ask again")

    def cancel(self) -> None:
        """Stop the running call soon; from any thread or a signal handler."""
        self._worker.cancel()

    def close(self) -> None:
        """End the worker."""
        self._worker.stop()


def _frames(texts: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Texts in portions that fit into a frame, each with the number of its first."""
    first, size = 0, 0
    part: list[str] = []
    for number, text in enumerate(texts):
        shown = text[:MOST_CHARACTERS]
        if part and (size + len(shown) > _FRAME_CHARACTERS or len(part) == _FRAME_TEXTS):
            yield first, part
            first, part, size = number, [], 0
        part.append(shown)
        size += len(shown)
    if part:
        yield first, part
