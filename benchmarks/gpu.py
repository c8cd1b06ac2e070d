"""A graphics card: all layers, some layers, none; decode against llama.cpp itself with the same layers there.

Claims, where llama.cpp sees a card: ``--gpu-layers auto`` puts every layer of a model that fits on it, half of the
layers can be put there, and decode through ockit's worker reaches at least 0.95 of raw calls. Without a card, or
without a llama.cpp that was built for one, it says so and ends with 0.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from pathlib import Path

from engine_speed import CLAIM, Ours
from ratios import Ratio, finish, in_turn, parser, verdict
from raw_llama import RawLlama

from ockit.assistant.opening import open_model
from ockit.commands.machine_checks import cards_present
from ockit.commands.speed import endless, prose_ids
from ockit.engines.hosted import HostedEngine
from ockit.environment import Directories
from ockit.formats.gguf_header import read_header
from ockit.settings import Settings


def why_not(engine: HostedEngine) -> str | None:
    """Why there is nothing to measure; None where there is."""
    system = engine.system()
    if system["devices"]:
        return None
    cards = ", ".join(name for _, name in cards_present())
    if not cards:
        return "this machine has no graphics card"
    if not system["offload"]:
        return (
            f"{cards} is present, but llama.cpp was built without support for it; `ockit doctor` has the line"
        )
    return f"{cards} is present, but llama.cpp sees no device"


def main() -> None:
    """Measure, print, and end with 1 where a claim is missed."""
    options = parser(__doc__)
    options.add_argument("--model", default="smollm2", help="a name, an alias or a GGUF file")
    given = options.parse_args()
    rounds = given.rounds or (2 if given.quick else 9)
    read, write = 256, 64
    held = []
    with tempfile.TemporaryDirectory() as home:
        engine = HostedEngine(os.environ, Path(home) / "threads.json")
        reason = why_not(engine)
        if reason is not None:
            engine.close()
            print(f"skipped: {reason}")
            return
        for device in engine.system()["devices"]:
            print(f"{device['description']}, {device['free'] / 2**30:.1f} GiB free")
        places = Directories.of({"OCKIT_HOME": home})
        path = open_model(Settings(), places, Path.cwd(), given.model).entry.path
        n_layers = read_header(path).n_layers
        for layers in ("auto", n_layers // 2, 0):
            settings = Settings(gpu_layers=layers, ctx_size=read + write + 256)
            engine.choose(open_model(settings, places, Path.cwd(), given.model).options)
            info = engine.load()
            print(
                f"\n--gpu-layers {layers}: {info.gpu_layers} of {n_layers} layers and the output on the card"
            )
            if layers == "auto":
                held.append(verdict("layers that auto puts there", info.gpu_layers, n_layers, at_least=True))
            raw = RawLlama(
                str(path), info.n_ctx, info.threads_decode, info.threads_prefill, gpu_layers=info.gpu_layers
            )
            ids = prose_ids(engine, read + 1)
            ours, turns = Ours(engine, endless(engine, write)), [0]

            def answer(ours: Ours = ours, turns: list[int] = turns, ids: list[int] = ids) -> float:
                turns[0] += 1  # every second prompt begins elsewhere: none is in the cache
                begin = turns[0] % 2
                return ours.answer(ids[begin : begin + read]).rest_s

            def reference(raw: RawLlama = raw, ids: list[int] = ids) -> float:
                raw.keep(0)
                return raw.answer(ids[:read], write).rest_s

            answer(), reference()
            pairs = in_turn(answer, reference, rounds, patience_s=0.0 if given.quick else given.patience)
            raw.close()
            rates = [(write - 1) / statistics.median(side) for side in (pairs.ours, pairs.reference)]
            speed = Ratio(pairs.reference, pairs.ours)
            print(f"decode: {rates[0]:.1f} tokens/s, raw {rates[1]:.1f}; ratio {speed}\n{pairs.noise()}")
            held.append(verdict(f"decode, --gpu-layers {layers}", speed.median, CLAIM, at_least=True))
        engine.close()
    finish(*held)


if __name__ == "__main__":
    main()
