"""How many threads a model runs fastest with here: measured once per machine and model, then remembered.

More is often worse: decode waits for memory, and one core that is busy elsewhere holds up every other at each of
llama.cpp's barriers. Prefill, which computes, wants more threads than decode.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

from ockit.engines.llama import binding
from ockit.errors import OckitError
from ockit.files import write_atomic

DECODE_STEPS = 4
PREFILL_TOKENS = 64
ROUNDS = 2
BUDGET_SECONDS = 2.0
"""A model so large that one round takes longer keeps the first candidate, the physical cores."""


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


def measure(context: Any) -> tuple[int, int]:
    """The fastest (decode, prefill) thread counts for a context, whose cache is emptied afterwards."""
    cores = physical_cores()
    candidates = sorted({cores, max(1, cores // 2), max(1, cores - 1), 1, usable_cores()}, reverse=True)
    candidates.remove(cores)
    deadline = time.perf_counter() + BUDGET_SECONDS
    decode = _fastest(context, [cores, *candidates], [1] * DECODE_STEPS, deadline)
    prefill = _fastest(context, [cores, *candidates], [PREFILL_TOKENS], deadline + BUDGET_SECONDS)
    return decode, prefill


def _fastest(context: Any, candidates: list[int], batches: list[int], deadline: float) -> int:
    best: dict[int, float] = {}
    for _ in range(ROUNDS):
        for threads in candidates:
            if best and time.perf_counter() > deadline:
                break
            seconds = _seconds(context, threads, batches)
            best[threads] = min(seconds, best.get(threads, seconds))
    # a count must win by 3 % to be preferred over a smaller one: idle cores are worth something
    fastest = min(best.values())
    return min(threads for threads, seconds in best.items() if seconds <= fastest * 1.03)


def _seconds(context: Any, threads: int, batches: list[int]) -> float:
    llama = binding()
    memory = llama.llama_get_memory(context)
    llama.llama_set_n_threads(context, threads, threads)
    llama.llama_memory_clear(memory, False)
    ids = (llama.llama_token * max(batches))(*range(1, max(batches) + 1))
    start = time.perf_counter()
    for size in batches:
        llama.llama_decode(context, llama.llama_batch_get_one(ids, size))
        llama.llama_synchronize(context)
    seconds = time.perf_counter() - start
    llama.llama_memory_clear(memory, False)
    return seconds
