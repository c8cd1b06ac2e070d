"""How the benchmarks measure: two things in turn in one run, and the ratio of each pair.

A figure in seconds belongs to one machine in one minute. Here every measurement of ockit stands beside one of a
reference taken right before or after it, the order changes from round to round, and what is reported is the
median of the pairs' ratios with their quartiles: what slows the machine down slows both sides of a pair.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Ratio:
    """Paired measurements of one quantity: ``ours[i]`` and ``reference[i]`` were taken side by side."""

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
        return f"{self.median:.3f} (quartiles {low:.3f} to {high:.3f}, {len(self.each)} pairs)"


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """The first and the third quartile; of a single value, itself twice."""
    if len(values) == 1:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


def in_turn(ours: Callable[[], T], reference: Callable[[], T], rounds: int) -> tuple[list[T], list[T]]:
    """Both measured `rounds` times: A B, B A, A B ... so that a drift of the machine favours neither."""
    first: list[T] = []
    second: list[T] = []
    for number in range(rounds):
        order = [(ours, first), (reference, second)]
        for measure, results in order if number % 2 == 0 else reversed(order):
            results.append(measure())
    return first, second


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
    """The command line every benchmark has: ``--quick``."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--quick", action="store_true", help="few rounds: does it run, not what is the figure")
    return made


def finish(*claims: bool) -> None:
    """End with 0 where every claim holds, else with 1."""
    print(f"machine: {machine()}")
    sys.exit(0 if all(claims) else 1)
