"""The measurements behind ``ockit bench``: a model loaded, read and written with, each time in a new process.

A new process each time, because that is what ``ockit ask`` pays, and because nothing of one measurement (key/value
cache, memory high-water mark) reaches the next. The first one finds the file out of the page cache.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ockit.assistant.opening import OpenModel
from ockit.commands.speed import Speed, endless, measure, peak_memory, prose_ids
from ockit.engines.hosted import HostedEngine
from ockit.engines.threads import ThreadCounts, key_of
from ockit.environment import Environment
from ockit.models.parts import parts_of
from ockit.protocols import EngineInfo
from ockit.settings import Settings


@dataclass(frozen=True)
class Trials:
    """All measurements of one model. Seconds and bytes.

    Attributes:
        load_s: from the start of the process to a loaded model, each time; the first read the file from the disk
            (as far as the system let go of it), the others found it in the page cache.
        engine_load_s: the part of it inside llama.cpp.
        peak_memory: the most main memory the process held, mapped file included; None where nobody tells.
    """

    model: OpenModel
    info: EngineInfo
    size: int
    load_s: tuple[float, ...]
    engine_load_s: tuple[float, ...]
    speeds: tuple[Speed, ...]
    peak_memory: int | None

    @property
    def cached_load(self) -> float | None:
        """The median load with the file in the page cache; None after a single trial."""
        return statistics.median(self.load_s[1:]) if self.load_s[1:] else None

    def median(self, quantity: str) -> float:
        """The median of an attribute of `Speed`."""
        values: list[float] = [getattr(speed, quantity) for speed in self.speeds]
        return statistics.median(values)

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready object: medians, and every single value."""
        rates = ("first_token_s", "prefill_rate", "decode_rate")
        keys = ("first_token_s", "prefill_tokens_per_s", "decode_tokens_per_s")
        return {
            "name": self.model.entry.name,
            "path": str(self.model.entry.path),
            "size": self.size,
            "n_ctx": self.info.n_ctx,
            "threads_decode": self.info.threads_decode,
            "threads_prefill": self.info.threads_prefill,
            "gpu_layers": self.info.gpu_layers,
            "load_s": self.load_s[0],
            "cached_load_s": self.cached_load,
            **{key: self.median(rate) for key, rate in zip(keys, rates, strict=True)},
            "peak_memory": self.peak_memory,
            "values": {
                "load_s": self.load_s,
                "engine_load_s": self.engine_load_s,
                **{
                    key: [getattr(speed, rate) for speed in self.speeds]
                    for key, rate in zip(keys, rates, strict=True)
                },
            },
        }


def run_trials(
    environment: Environment,
    settings: Settings,
    model: OpenModel,
    prompt_tokens: int,
    answer_tokens: int,
    repeat: int,
    say: Callable[[str], None],
) -> Trials:
    """Measure a model `repeat` times; `say` hears what is being done.

    Raises:
        ModelFileError, DoesNotFit, WorkerError: the model cannot be loaded or run.
    """
    parts = parts_of(model.entry.path)
    thread_cache = environment.directories.cache / "threads.json"
    engine = HostedEngine(environment.variables, thread_cache, stall_seconds=settings.stall_seconds)
    engine.choose(model.options)
    loads: list[float] = []
    infos: list[EngineInfo] = []
    speeds: list[Speed] = []
    peaks: list[int] = []
    try:
        if not _knows_threads(thread_cache, model):
            say(f"{model.entry.label}: finding the best number of threads")
            engine.load()  # measuring them must not count as loading
            engine.close()
        for number in range(1, repeat + 1):
            say(f"{model.entry.label}: {number} of {repeat}")
            if number == 1:
                drop_from_page_cache(parts)
            start = time.perf_counter()
            infos.append(engine.load())
            loads.append(time.perf_counter() - start)
            ids = prose_ids(engine, prompt_tokens)
            speeds.append(measure(engine, ids, endless(engine, answer_tokens)))
            assert engine.worker.pid is not None
            peak = peak_memory(engine.worker.pid)
            if peak is not None:
                peaks.append(peak)
            engine.close()
    finally:
        engine.close()
    return Trials(
        model,
        infos[-1],
        sum(part.stat().st_size for part in parts),
        tuple(loads),
        tuple(info.load_s for info in infos),
        tuple(speeds),
        max(peaks, default=None),
    )


def _knows_threads(thread_cache: Path, model: OpenModel) -> bool:
    options = model.options
    chosen = options.threads and (options.threads_prefill or options.threads)
    return bool(chosen) or ThreadCounts(thread_cache).load(key_of(options.path)) is not None


def drop_from_page_cache(parts: Sequence[Path]) -> None:
    """Ask the system to forget what it holds of the files' content in memory.

    A wish: pages that another process has mapped stay. Systems without ``posix_fadvise`` keep everything.
    """
    if not hasattr(os, "posix_fadvise"):
        return
    for part in parts:
        descriptor = os.open(part, os.O_RDONLY)
        try:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)
