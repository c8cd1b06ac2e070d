"""How long a search's reads wait while another process indexes. Claim: at most 100 ms for 99 of 100.

A writer puts, removes and sweeps without a pause, files of 5 to 200 chunks, in an index of 10,000 chunks; a reader
looks up words, chunks and vectors again and again. The reference is the same reader without a writer, before and after.
"""

from __future__ import annotations

import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import index_size
import ratios

QUESTIONS_A_ROUND = 300


def write(directory: str) -> None:
    """Change files until killed."""
    import numpy as np

    from ockit.documents import Chunk
    from ockit.index.store.rows import FileRecord

    chance, draw = np.random.default_rng(3), random.Random(3)
    with index_size.opened(directory, readonly=False) as store:
        for number in range(10**9):
            words = [
                " ".join(f"w{int(60_000 ** draw.random())}" for _ in range(80))
                for _ in range(draw.choice((5, 20, 200)))
            ]
            chunks = [Chunk(0, text, 1, 1) for text in words]
            vectors = chance.standard_normal((len(chunks), index_size.DIMENSION), dtype=np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            store.add_vectors(dict(zip([chunk.key for chunk in chunks], vectors, strict=True)))
            store.put_file(FileRecord(0, f"new{number % 50}.txt", 1, 1, 1, b"", "text"), chunks)
            if number % 10 == 9:
                store.remove((0, f"new{draw.randrange(50)}.txt") for _ in range(5))
                store.sweep_vectors()
            if number == 0:
                print("writing", flush=True)


def read(directory: str, questions: int) -> list[float]:
    """Milliseconds of each question."""
    draw, took = random.Random(4), []
    with index_size.opened(directory) as store:
        for _ in range(questions):
            words = [f"w{int(60_000 ** draw.uniform(0.4, 0.95))}" for _ in range(6)]
            begun = time.perf_counter()
            found = index_size.lexical(store, words)
            store.chunks([number for number, _ in found[:20]])
            store.vectors(range(1, 100), used=True)
            took.append(1000 * (time.perf_counter() - begun))
            time.sleep(0.005)
    return took


def beside_a_writer(directory: str) -> list[float]:
    """The same while another process writes."""
    with subprocess.Popen(
        [sys.executable, __file__, "--write", directory], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        try:
            return read(directory, QUESTIONS_A_ROUND)
        finally:
            writer.kill()


def main() -> None:
    """Pairs of rounds with and without a writer."""
    if sys.argv[1:2] == ["--write"]:
        write(sys.argv[2])
        return
    given = ratios.parser(__doc__).parse_args()
    directory = tempfile.mkdtemp(prefix="ockit-readers-")
    try:
        index_size.child("fill", directory, 2000 if given.quick else 10_000)
        pairs = ratios.in_turn(
            lambda: beside_a_writer(directory),
            lambda: read(directory, QUESTIONS_A_ROUND),
            given.rounds or (1 if given.quick else 4),
            patience_s=given.patience,
        )
    finally:
        shutil.rmtree(directory)
    for name, rounds in (("beside a writer", pairs.ours), ("alone", pairs.reference)):
        every = sorted(took for one in rounds for took in one)
        p99 = every[int(0.99 * len(every))]
        print(
            f"{name}: {len(every)} questions, p50 {statistics.median(every):.1f} ms, p99 {p99:.1f} ms, "
            f"most {every[-1]:.1f} ms"
        )
    every = sorted(took for one in pairs.ours for took in one)
    # the writer is one of the processors' users here, so that a pair is never quiet: the load is ours
    print(pairs.noise())
    ratios.finish(ratios.verdict("ms a question waits and works, p99", every[int(0.99 * len(every))], 100.0))


if __name__ == "__main__":
    main()
