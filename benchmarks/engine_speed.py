"""The engine against llama.cpp itself: reading and writing tokens behind 0, 1,000 and 4,000 tokens of context.

Claim: prefill and decode of ockit's engine, in its worker and through its pipe as people have it, reach at least
0.95 of the speed of raw calls (`raw_llama`): same file, same token ids, same threads, same batch size. The engine
without a worker, in this process, is measured too. All three must write the same tokens.

Prefill is the time from the call to the first token of the answer; decode the time of all tokens after it.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from ratios import Pairs, Ratio, finish, in_turn, parser, verdict, wait_for_quiet
from raw_llama import RawLlama, Timed

from ockit.commands.speed import endless, prose_ids
from ockit.engines.gguf_engine import GgufEngine
from ockit.engines.hosted import HostedEngine
from ockit.engines.options import LoadOptions
from ockit.events import Event, Token
from ockit.messages import Sampling
from ockit.models.embedded import embedded_model
from ockit.protocols import Engine

CLAIM = 0.95


class Ours:
    """An engine of ockit, measured as `RawLlama.answer` measures."""

    def __init__(self, engine: Engine, sampling: Sampling) -> None:
        self._engine = engine
        self._sampling = sampling

    def answer(self, ids: Sequence[int]) -> Timed:
        """Read what of the ids is not in the engine's cache, then write greedily."""
        start = time.perf_counter()
        events: Iterator[Event] = self._engine.generate(ids, self._sampling)
        first, rest, written = 0.0, 0.0, []
        for event in events:
            if isinstance(event, Token):
                first = first or time.perf_counter()
                written += event.ids
        rest = time.perf_counter()
        return Timed(first - start, rest - first, tuple(written))


def main() -> None:
    """Measure, print, and end with 1 where a claim is missed."""
    options = parser(__doc__)
    options.add_argument("--model", default=str(embedded_model().path), help="a GGUF file")
    options.add_argument("--threads", type=int, default=0, help="0 is what ockit measures as the best")
    options.add_argument("--contexts", type=int, nargs="*", default=[0, 1000, 4000])
    options.add_argument("--read", type=int, default=128, help="tokens of a prefill")
    options.add_argument("--write", type=int, default=32, help="tokens of an answer")
    given = options.parse_args()
    rounds = given.rounds or (2 if given.quick else 15)
    contexts = [0, 200] if given.quick else given.contexts
    n_ctx = max(contexts) + given.read + given.write + 256
    held = []
    with tempfile.TemporaryDirectory() as home:
        cache = Path(home) / "threads.json"
        load = LoadOptions(given.model, n_ctx=n_ctx, threads=given.threads, gpu_layers=0)
        hosted = HostedEngine(os.environ, cache)
        hosted.choose(load)
        wait_for_quiet(0.0 if given.quick else given.patience)
        info = hosted.load()
        print(f"{info.model}, threads: decode {info.threads_decode}, prefill {info.threads_prefill}")
        raw = RawLlama(given.model, n_ctx, info.threads_decode, info.threads_prefill)
        inside = GgufEngine(load, cache)
        inside.load()
        sampling = endless(hosted, given.write)
        text = prose_ids(hosted, max(contexts) + given.read + rounds * 20)
        for context in contexts:
            for name, engine in (("worker", hosted), ("in process", inside)):
                pairs = compare(
                    Ours(engine, sampling), raw, text, context, given.read, given.write, rounds,
                    0.0 if given.quick else given.patience,
                )  # fmt: skip
                held += report(name, context, pairs, given.read, given.write)
        hosted.close()
        inside.close()
        raw.close()
    finish(*held)


def compare(
    ours: Ours,
    raw: RawLlama,
    text: Sequence[int],
    context: int,
    read: int,
    write: int,
    rounds: int,
    patience: float,
) -> Pairs[Timed]:
    """Both answer the same prompts behind the same `context` tokens, each pair another prompt."""
    number = [0, 0]

    def prompt(who: int) -> Sequence[int]:
        # another beginning each time: the engine would find a prompt that it knows in its cache
        begin = context + 1 + number[who] % 20
        number[who] += 1
        return text[begin : begin + read]

    raw.keep(0)
    if context:
        raw.read(text[:context])
    ours.answer([*text[:context], *text[-read:]])  # the first call sets things up, on either side
    raw.answer(text[-read:], write)
    return in_turn(
        lambda: ours.answer([*text[:context], *prompt(0)]),
        lambda: (raw.keep(context), raw.answer(prompt(1), write))[1],
        rounds,
        patience_s=patience,
    )


def report(name: str, context: int, pairs: Pairs[Timed], read: int, write: int) -> list[bool]:
    """Print the two ratios of speed; whether they reach the claim."""
    same = sum(a.ids == b.ids for a, b in zip(pairs.ours, pairs.reference, strict=True))
    print(f"\n{name}, behind {context} tokens; {same} of {len(pairs.ours)} answers have the reference's ids")
    print(pairs.noise())
    held = [same == len(pairs.ours)]
    for what, key, n in (("prefill", "first_s", read), ("decode", "rest_s", write - 1)):
        ours, reference = ([getattr(t, key) for t in side] for side in (pairs.ours, pairs.reference))
        rate, raw_rate = (n / statistics.median(side) for side in (ours, reference))
        speed = Ratio(reference, ours)  # a speed's ratio is that of the times, upside down
        print(f"{what}: {rate:.1f} tokens/s, raw {raw_rate:.1f}; ratio {speed}")
        held.append(verdict(f"{what} behind {context}, {name}", speed.median, CLAIM, at_least=True))
    return held


if __name__ == "__main__":
    main()
