"""How many threads an embedder's next batch runs with: as many as were fastest lately, tried again now and then.

A thread that another program holds up holds up all others at each step of a computation: on a busy machine one
thread may be three times as fast as two. An index run is long and shares the machine with its own readers, so what was
measured at its start says little later. Knows no model.
"""

from __future__ import annotations

from ockit.engines.threads import is_busy, physical_cores

SHORT = 128
"""Tokens; a batch of fewer is over before anything can be learned from it."""
TRY_AFTER = 8
"""Batches until another count is tried after the best one has changed; the longer it lasts, the rarer."""
TRY_EVERY = 64
"""Batches between two trials at the most."""
SLUMP = 0.6
"""Share of its usual speed below which, twice in a row, all counts are measured anew."""
_MOST_FOR_A_QUESTION = 4


class BatchThreads:
    """Chooses a count for each batch and is told how long it took.

    Args:
        always: the count for all batches; None: what is fastest.
    """

    def __init__(self, always: int | None = None) -> None:
        cores = physical_cores()
        self._counts = list(dict.fromkeys([cores, 1, max(1, cores // 2)]))
        self._speeds: dict[int, float] = {}
        self._since = self._slumps = 0
        self._best, self._patience = 0, TRY_AFTER
        self._short = 1 if is_busy() else min(cores, _MOST_FOR_A_QUESTION)
        self._always = always

    def choose(self, tokens: int) -> int:
        """The threads for a batch of so many tokens."""
        if self._always is not None:
            return self._always
        if tokens < SHORT:
            return self._short
        if len(self._speeds) < len(self._counts):
            return next(count for count in self._counts if count not in self._speeds)
        best = max(self._speeds, key=self._speeds.__getitem__)
        if best != self._best:
            self._best, self._patience = best, TRY_AFTER
        if self._since < self._patience or len(self._counts) == 1:
            return best
        self._since, self._patience = 0, min(2 * self._patience, TRY_EVERY)
        self._counts.append(self._counts.pop(0))
        return next(count for count in self._counts if count != best)

    def took(self, threads: int, tokens: int, seconds: float) -> None:
        """A batch has run."""
        if tokens < SHORT or seconds <= 0:
            return
        speed = tokens / seconds
        known = self._speeds.get(threads)
        self._since += 1
        self._slumps = self._slumps + 1 if known is not None and speed < SLUMP * known else 0
        if self._slumps == 2:  # one may be chance
            self._speeds.clear()
            known, self._slumps = None, 0
        if known is not None and threads == self._best:  # what is known of another is from other times
            speed = known + 0.3 * (speed - known)
        self._speeds[threads] = speed
