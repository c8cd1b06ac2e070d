"""A reranker that runs in a worker process: `ockit.protocols.Reranker`, as the rest of ockit sees it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ockit.errors import InterruptedByUser, WorkerError
from ockit.workers.worker import Worker

MOST_CHARACTERS = 1 << 16
"""Of a question or a passage that are sent; cross-encoders read a few hundred tokens."""


class HostedReranker:
    """One cross-encoder in one worker.

    Args:
        worker: hosts `ockit.engines.sentence_service.RerankService`; started when it is needed.
        path: the model's directory.
    """

    def __init__(self, worker: Worker, path: Path) -> None:
        self._worker = worker
        self._path = path
        self._loaded: int | None = None  # the worker's generation

    def warm_up(self) -> None:
        """Start the process now, so that it reads its libraries while the caller does something else."""
        self._worker.start()

    def load(self) -> None:
        """Load the model if it is not loaded. Raises ModelFileError, WorkerError."""
        self._worker.settle()
        if self._worker.alive and self._loaded == self._worker.generation:
            return
        self._worker.call("load", path=str(self._path))
        self._loaded = self._worker.generation

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers the question, from 0 to 1.

        Raises:
            ModelFileError: it cannot be loaded.
            WorkerError: its process died or hangs.
            InterruptedByUser: `cancel` was called.
        """
        self.load()
        found: list[float] = []
        shown = [text[:MOST_CHARACTERS] for text in texts]
        stream = self._worker.stream("score", query=query[:MOST_CHARACTERS], texts=shown)
        while True:
            try:
                found += next(stream)["scores"]
            except StopIteration as end:
                if end.value["cancelled"]:
                    raise InterruptedByUser("reranking was stopped") from None
                break
        if len(found) != len(texts) or any(not 0 <= score <= 1 for score in found):
            raise WorkerError("the reranker sent what are no scores", hint="use another one: --rerank MODEL")
        return found

    def cancel(self) -> None:
        """Stop the running call soon; from any thread or a signal handler."""
        self._worker.cancel()

    def close(self) -> None:
        """End the worker."""
        self._worker.stop()
