"""An engine that runs in a worker process: `ockit.protocols.Engine`, as the rest of ockit sees it.

The process that holds the terminal never imports llama.cpp, which may abort on a damaged file. Where the worker
died, the next call starts a new one and loads the model again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ockit.engines.build import gpu_build
from ockit.engines.options import LoadOptions
from ockit.errors import InterruptedByUser, WorkerError
from ockit.events import End, Event, Prefill, Token
from ockit.messages import Sampling, Timings, Usage
from ockit.prompts.segments import Segment, to_json
from ockit.protocols import EngineInfo
from ockit.workers.limits import whole_memory
from ockit.workers.worker import Worker

SERVICE = "ockit.engines.service:EngineService"


def new_worker(variables: Mapping[str, str]) -> Worker:
    """A worker for a `HostedEngine`, not started. Its memory has a ceiling, but not with a GPU: a driver maps what
    it likes."""
    return Worker(SERVICE, variables, memory_limit=None if gpu_build() else whole_memory())


class HostedEngine:
    """One model in one worker.

    Args:
        variables: the parent's environment variables (the worker sees few of them).
        thread_cache: file in which measured thread counts are remembered.
        stall_seconds: silence after which the worker counts as hung.
        worker: a process that `new_worker` has begun to start already.

    Attributes:
        generating: whether a `generate` runs, so that `cancel` has something to stop.
        reused: tokens of the last `score`'s prompt that were in the cache.
    """

    def __init__(
        self,
        variables: Mapping[str, str],
        thread_cache: Path,
        *,
        stall_seconds: float = 120.0,
        worker: Worker | None = None,
    ) -> None:
        self._worker = worker if worker is not None else new_worker(variables)
        self._worker.stall_seconds = stall_seconds
        self._thread_cache = thread_cache
        self._options: LoadOptions | None = None
        self._loaded: tuple[LoadOptions, int, EngineInfo] | None = None  # with the worker's generation
        self.generating = False
        self.reused = 0

    @property
    def worker(self) -> Worker:
        """The worker, to look at."""
        return self._worker

    def warm_up(self) -> None:
        """Start the process now, so that it reads its libraries while the caller does something else."""
        self._worker.start()

    def choose(self, options: LoadOptions) -> None:
        """Which model the next call runs; loads nothing."""
        self._options = options

    @property
    def info(self) -> EngineInfo | None:
        """The chosen model, if it is loaded and its process lives. Never waits."""
        if self._loaded is None or not self._worker.alive:
            return None
        options, generation, info = self._loaded
        return info if options == self._options and generation == self._worker.generation else None

    def load(self) -> EngineInfo:
        """Load the chosen model if it is not loaded. Raises ModelFileError, DoesNotFit or WorkerError."""
        self._worker.settle()
        if (known := self.info) is not None:
            return known
        options = self._options
        if options is None:
            raise WorkerError("no model was chosen")
        fields = self._worker.call("load", options=asdict(options), thread_cache=str(self._thread_cache))
        info = EngineInfo(**fields)
        self._loaded = options, self._worker.generation, info
        return info

    def encode(self, segments: Sequence[Segment]) -> list[int]:
        """Token ids of a prompt."""
        self.load()
        ids: list[int] = self._worker.call("encode", segments=to_json(segments))
        return ids

    def ends(self) -> list[int]:
        """Every id that ends the model's turn."""
        self.load()
        ids: list[int] = self._worker.call("ends")
        return ids

    def system(self) -> dict[str, Any]:
        """What llama.cpp says of itself and its GPUs (`ockit.engines.system`); needs no model."""
        facts: dict[str, Any] = self._worker.call("system")
        return facts

    def grammar_of(self, schema: str) -> str:
        """The GBNF grammar of a JSON schema. Raises UsageError."""
        self.load()
        return str(self._worker.call("grammar", schema=schema))

    def score(self, prefix: Sequence[int], continuations: Sequence[Sequence[int]]) -> list[float]:
        """The natural logarithm of each continuation's probability after the prompt `prefix` (its tokens' sum). The
        prompt stays in a cache of its own; a conversation's is not touched. Never while a `generate` runs.

        Raises:
            ContextOverflow: prompt and continuations do not fit.
            InterruptedByUser: `cancel` was called.
            WorkerError: the worker dies or hangs, or computes what are no numbers.
        """
        self.load()
        rows = [list(ids) for ids in continuations]
        found, self.reused = self._worker.call("score", prefix=list(prefix), continuations=rows)
        if found is None:
            raise InterruptedByUser("scoring was stopped")
        if len(found) != len(rows) or any(not -1e9 < value < 1e-3 for value in found):
            raise WorkerError("the engine sent what are no log-likelihoods", hint="ask again")
        return [float(value) for value in found]

    def generate(
        self, ids: Sequence[int], sampling: Sampling, *, stopped: Callable[[], bool] = lambda: False
    ) -> Iterator[Event]:
        """Prefill and Token events, then one End. Raises WorkerError where the worker dies or hangs.

        Args:
            stopped: whether somebody wanted this call stopped before its request was on its way: the worker forgets a
                cancel that comes sooner. Asked again once the first event has come, which is before any work.
        """
        self.load()
        fields = asdict(sampling.checked())
        self.generating = True
        try:
            for number, frame in enumerate(self._worker.stream("generate", ids=list(ids), sampling=fields)):
                if number == 0 and stopped():
                    self._worker.cancel()
                yield _event(frame)
        finally:
            self.generating = False

    def cancel(self) -> None:
        """Stop the running call soon; from any thread or a signal handler."""
        self._worker.cancel()

    def kill(self) -> None:
        """End a worker that does not listen; from any thread or a signal handler."""
        self._worker.kill()

    def close(self) -> None:
        """End the worker."""
        self._worker.stop()
        self._loaded = None


def _event(frame: dict[str, Any]) -> Event:
    kind = frame.pop("event")
    if kind == "token":
        return Token(frame["text"], tuple(frame["ids"]))
    if kind == "prefill":
        return Prefill(**frame)
    return End(
        frame["finish_reason"], Usage(**frame["usage"]), Timings(**frame["timings"]), frame["verbatim"]
    )
