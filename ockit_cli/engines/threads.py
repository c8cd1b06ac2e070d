"""How many threads a model runs fastest with here: measured once per machine and model, then remembered.

More is often worse: decode waits for memory, and one core that is busy elsewhere holds up every other at each of
llama.cpp's barriers. Prefill, which computes, wants more threads than decode.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import threading
import time
from pathlib import Path
from typing import Any

from ockit.engines.llama import binding
from ockit.engines.loading import AbortFlag
from ockit.errors import OckitError
from ockit.files import write_atomic

DECODE_STEPS = 4
PREFILL_TOKENS = 64
ROUNDS = 2
BUDGET_SECONDS = 2.0
"""For decode and for prefill each. A model so large that nothing is done in it keeps the physical cores."""

FIRST_SECONDS = 1.0
"""The longest a single trial may take. On a busy machine one with too many threads is fifty times slower than the
best one: without an end it would use up the whole budget, and win as the only one."""

BEHIND = 1.1
"""A trial that takes so much longer than the best one is ended: it cannot win any more."""


def cpu_name() -> str:
    """The processor's model name, as far as the system tells."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        return platform.processor() or platform.machine()
    return platform.processor() or platform.machine()


def usable_cores() -> int:
    """Logical cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def physical_cores() -> int:
    """Physical cores this process may use (hyper-threads share the units that matter here)."""
    import psutil

    return max(1, min(psutil.cpu_count(logical=False) or 1, usable_cores()))


def is_busy() -> bool:
    """Whether other programs keep half the cores or more at work, judged by the last minute."""
    return hasattr(os, "getloadavg") and os.getloadavg()[0] >= usable_cores() / 2


class ThreadCounts:
    """The remembered counts, in one small JSON file that may be deleted at any time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self, key: str) -> tuple[int, int] | None:
        """(decode, prefill) for a key, or None where nothing usable is remembered: counts that were measured on a
        busy machine hold only while it is busy."""
        counts = self._read().get(key)
        if not isinstance(counts, dict):
            return None
        decode, prefill = counts.get("decode"), counts.get("prefill")
        if not (isinstance(decode, int) and isinstance(prefill, int) and min(decode, prefill) > 0):
            return None
        if counts.get("busy") and not is_busy():  # what was measured then says little about now
            return None
        return decode, prefill

    def save(self, key: str, counts: tuple[int, int]) -> None:
        """Remember counts. An unwritable cache directory costs a new measurement next time, no more."""
        known = self._read()
        known[key] = {"decode": counts[0], "prefill": counts[1], "busy": is_busy()}
        try:
            write_atomic(self._path, json.dumps(known, indent=1, sort_keys=True))
        except OckitError as error:
            sys.stderr.write(f"thread counts are not remembered: {error}\n")

    def _read(self) -> dict[str, Any]:
        try:
            known = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}


def key_of(model_path: str) -> str:
    """One machine and one model file, as far as speed goes: processor, cores, bytes."""
    return f"{cpu_name()} | {usable_cores()} | {os.stat(model_path).st_size}"


def measure(context: Any, abort: AbortFlag) -> tuple[int, int]:
    """The fastest (decode, prefill) thread counts for a context, whose cache is emptied afterwards.

    Args:
        context: a ``llama_context*``.
        abort: the flag it was made with; lowered when this returns.
    """
    cores = physical_cores()
    # one thread comes second: it is what a busy machine does best, and must have been tried
    candidates = [cores, 1, *sorted({cores // 2, cores - 1, usable_cores()} - {0, 1, cores}, reverse=True)]
    candidates = list(dict.fromkeys(candidates))
    decode = _fastest(context, abort, candidates, [1] * DECODE_STEPS)
    return decode, _fastest(context, abort, candidates, [PREFILL_TOKENS])


def _fastest(context: Any, abort: AbortFlag, candidates: list[int], batches: list[int]) -> int:
    best: dict[int, float] = {}
    deadline = time.perf_counter() + BUDGET_SECONDS
    for threads in candidates * ROUNDS:
        limit = min(BEHIND * min(best.values(), default=FIRST_SECONDS), deadline - time.perf_counter())
        if limit <= 0:
            break
        seconds = _seconds(context, abort, threads, batches, limit)
        if seconds is not None:
            best[threads] = min(seconds, best.get(threads, seconds))
    if not best:
        return candidates[0]
    # a count must win by 3 % to be preferred over a smaller one: idle cores are worth something
    fastest = min(best.values())
    return min(threads for threads, seconds in best.items() if seconds <= fastest * 1.03)


def _seconds(context: Any, abort: AbortFlag, threads: int, batches: list[int], limit: float) -> float | None:
    """How long the batches take; None where that is longer than `limit` seconds."""
    llama = binding()
    memory = llama.llama_get_memory(context)
    llama.llama_set_n_threads(context, threads, threads)
    llama.llama_memory_clear(memory, False)
    ids = (llama.llama_token * max(batches))(*range(1, max(batches) + 1))
    timer = threading.Timer(limit, abort.raise_)
    timer.start()
    start = time.perf_counter()
    try:
        for size in batches:
            if llama.llama_decode(context, llama.llama_batch_get_one(ids, size)) != 0:
                return None
            llama.llama_synchronize(context)
        return time.perf_counter() - start
    finally:
        timer.cancel()
        timer.join()
        abort.lower()
        llama.llama_memory_clear(memory, False)
