"""How fast a loaded model reads and writes, as a person has it: through the worker and its pipe.

Knows an engine and token ids; not what the figures are for.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

from ockit.engines.hosted import HostedEngine
from ockit.errors import WorkerError
from ockit.events import End, Token
from ockit.messages import Sampling
from ockit.prompts.segments import Bos, Text

PROSE = (
    "A river does not hurry and yet it arrives. In spring it carries the snow of three valleys past the mill, "
    "the bridge with its 14 arches and the houses whose lower windows are painted on; in August a child can "
    "walk across it. Whoever measures it on one day knows that day: the depth at the second pier was 2.71 "
    "metres, the water was brown, and somebody's boat (blue, with a new name on its bow) had come loose. "
)
"""What is read to measure: ordinary prose, because a mixture of experts reads random tokens at another speed."""


@dataclass(frozen=True)
class Speed:
    """One measured answer. Seconds; ``first_token_s`` is seen from outside the worker, the others from inside."""

    read_tokens: int
    written_tokens: int
    prefill_s: float
    decode_s: float
    first_token_s: float

    @property
    def prefill_rate(self) -> float:
        """Tokens read a second."""
        return self.read_tokens / self.prefill_s

    @property
    def decode_rate(self) -> float:
        """Tokens written a second; 0 for an answer of one token, whose only work is the prefill."""
        return (self.written_tokens - 1) / self.decode_s if self.written_tokens > 1 else 0.0


def prose_ids(engine: HostedEngine, n: int) -> list[int]:
    """Exactly `n` token ids of prose, as the loaded model tokenizes it."""
    repeats = 1 + n * 20 // len(PROSE)  # hardly a token of prose has more than 20 characters
    return engine.encode([Bos(), Text(PROSE * repeats)])[:n]


def endless(engine: HostedEngine, tokens: int) -> Sampling:
    """Greedy sampling that writes exactly `tokens`: what would end the turn is never chosen."""
    never = tuple((token, -1e9) for token in engine.ends())
    return Sampling(temperature=0.0, max_tokens=tokens, logit_bias=never)


def measure(engine: HostedEngine, ids: list[int], sampling: Sampling) -> Speed:
    """Read `ids` and write an answer. Raises WorkerError where the worker dies."""
    start = time.perf_counter()
    first = None
    for event in engine.generate(ids, sampling):
        if isinstance(event, Token) and first is None:
            first = time.perf_counter() - start
        elif isinstance(event, End):
            read = event.usage.prompt_tokens - event.usage.cached_tokens
            written, timings = event.usage.completion_tokens, event.timings
            whole = time.perf_counter() - start  # an answer of half a character shows no text before its end
            return Speed(
                read, written, timings.prefill_s, timings.decode_s, first if first is not None else whole
            )
    raise WorkerError("the model's process ended an answer without saying so")


def peak_memory(pid: int) -> int | None:
    """Bytes of main memory a process held at its highest, mapped model file included; None where it is gone."""
    if sys.platform == "linux":
        try:
            status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        for line in status.splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import psutil

    try:
        memory = psutil.Process(pid).memory_info()
    except psutil.Error:
        return None
    return int(getattr(memory, "peak_wset", memory.rss))  # elsewhere than on Windows the highest is not kept
