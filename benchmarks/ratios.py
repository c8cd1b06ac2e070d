"""How the benchmarks measure: two things in turn in one run, and the ratio of each pair.

A figure in seconds belongs to one machine in one minute. Here every measurement of ockit stands beside one of a
reference taken right before or after it, the order changes from round to round, and what is reported is the
median of the pairs' ratios with their quartiles: what slows the machine down slows both sides of a pair.

A pair during which other programs took more than a tenth of the processors is set aside and taken again, as long
as patience lasts; which pairs count is decided by that load alone, never by what was measured.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import psutil

T = TypeVar("T")

QUIET = 0.10
"""Share of all processors that other programs may take during a pair."""

PR_SET_CHILD_SUBREAPER = 36


@dataclass
class Pairs(Generic[T]):
    """What `in_turn` measured: ``ours[i]`` and ``reference[i]`` were taken side by side.

    Attributes:
        others: share of the processors that other programs took during each pair.
        set_aside: pairs that were taken on a busier machine and do not count.
    """

    ours: list[T] = field(default_factory=list)
    reference: list[T] = field(default_factory=list)
    others: list[float] = field(default_factory=list)
    set_aside: int = 0

    def noise(self) -> str:
        """How quiet the machine was, in words."""
        return (
            f"{len(self.ours)} pairs; other programs took {statistics.median(self.others):.0%} of the "
            f"processors (median; at most {max(self.others):.0%}); {self.set_aside} pairs set aside"
        )


@dataclass(frozen=True)
class Ratio:
    """The ratio of paired measurements."""

    ours: Sequence[float]
    reference: Sequence[float]

    @property
    def each(self) -> list[float]:
        """The ratio of each pair."""
        return [a / b for a, b in zip(self.ours, self.reference, strict=True)]

    @property
    def median(self) -> float:
        """The median of the pairs' ratios."""
        return statistics.median(self.each)

    def __str__(self) -> str:
        low, high = quartiles(self.each)
        return f"{self.median:.3f} (quartiles {low:.3f} to {high:.3f})"


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """The first and the third quartile; of a single value, itself twice."""
    if len(values) == 1:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


def in_turn(
    ours: Callable[[], T], reference: Callable[[], T], rounds: int, *, patience_s: float = 120.0
) -> Pairs[T]:
    """Both measured in turn: A B, B A, A B ... so that a drift of the machine favours neither.

    Ends with `rounds` pairs of a quiet machine, or after `patience_s` seconds with the quietest there were.
    """
    _adopt_orphans()
    taken: list[tuple[float, T, T]] = []
    deadline = time.monotonic() + patience_s
    while len(taken) < rounds or (
        sum(busy <= QUIET for busy, _, _ in taken) < rounds and time.monotonic() < deadline
    ):
        before = time.monotonic(), _machine_cpu_s(), _own_cpu_s()
        if len(taken) % 2 == 0:
            a = ours()
            b = reference()
        else:
            b = reference()
            a = ours()
        seconds = (time.monotonic() - before[0]) * (os.cpu_count() or 1)
        others = (_machine_cpu_s() - before[1]) - (_own_cpu_s() - before[2])
        taken.append((max(0.0, others / seconds), a, b))
    kept = [taken[i] for i in quietest([busy for busy, _, _ in taken], rounds)]
    return Pairs(
        [a for _, a, _ in kept], [b for _, _, b in kept], [busy for busy, _, _ in kept], len(taken) - rounds
    )


def wait_for_quiet(patience_s: float) -> None:
    """Return once nothing else runs here, or after `patience_s` seconds: for what ockit measures once and remembers
    (its thread counts), which a busy moment would spoil for the whole run."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline and psutil.cpu_percent(0.5) > 100 * QUIET:
        continue


def quietest(others: Sequence[float], rounds: int) -> list[int]:
    """Which pairs count: the first `rounds` that were quiet, else those with the least of other programs."""
    quiet = [i for i, busy in enumerate(others) if busy <= QUIET]
    if len(quiet) >= rounds:
        return quiet[:rounds]
    return sorted(sorted(range(len(others)), key=lambda i: others[i])[:rounds])


def _machine_cpu_s() -> float:
    """CPU seconds that all programs have used since the machine started."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0))


def _own_cpu_s() -> float:
    """CPU seconds of this process and everything it started, ended or not."""
    while True:  # an orphan that has ended counts once it is waited for
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                break
        except ChildProcessError:
            break
    total = 0.0
    this = psutil.Process()
    for process in (this, *this.children(recursive=True)):
        try:
            total += sum(process.cpu_times()[:4])  # user, system, and those of its ended children
        except psutil.Error:
            continue
    return total


def _adopt_orphans() -> None:
    """On Linux: a worker whose parent was killed becomes our child, so that its CPU time is counted as ours."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def verdict(claim: str, value: float, limit: float, *, at_least: bool = False) -> bool:
    """Print whether a claim holds; gives that."""
    holds = value >= limit if at_least else value <= limit
    sign = ">=" if at_least else "<="
    print(f"{'holds ' if holds else 'MISSED'}  {claim}: {value:.3f} {sign} {limit}")
    return holds


def machine() -> str:
    """Processor and cores, as the figures name them."""
    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{names[0] if names else name}, {cores} cores"


def parser(doc: str | None) -> argparse.ArgumentParser:
    """The command line every benchmark has: ``--quick``, ``--rounds``, ``--patience``."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--quick", action="store_true", help="few rounds: does it run, not what is the figure")
    made.add_argument("--rounds", type=int, default=0, help="pairs to measure")
    made.add_argument("--patience", type=float, default=180.0, help="seconds to wait for a quiet machine")
    return made


def finish(*claims: bool) -> None:
    """End with 0 where every claim holds, else with 1."""
    print(f"machine: {machine()}")
    sys.exit(0 if all(claims) else 1)
