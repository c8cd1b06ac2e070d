"""What a search takes: a question (embed, search, fuse, cut passages) among 100,000 chunks, and a cold command.

Claims: half of the questions take at most 30 ms in an index of 100,000 chunks, from the question to its passages;
``ockit search``, with no worker alive and its files in the page cache, ends within 0.7 s. The reference of a
question is comparing its vector with all vectors by numpy, float32 in memory. Texts and vectors are those of
`index_size` (80 words by Zipf's law); a question is six of their words, rare and frequent ones, embedded by the
real embedder.

    python benchmarks/search_speed.py [--chunks N] [--rounds N]
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import index_size
import ratios

from ockit.engines.embedders import open_embedder
from ockit.environment import Environment
from ockit.index.search.options import SearchOptions
from ockit.index.search.searcher import Searcher
from ockit.index.vectors.dense import DenseIndex

QUESTIONS = 60
P50_MS = 30.0
COLD_S = 0.7


def warm(chunks: int) -> float:
    """Ask an index of so many chunks; gives the median in milliseconds."""
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        index_size.fill(folder, chunks)
        index_size.cache(folder, chunks)
        environment = Environment.of_process()
        embedder = open_embedder(None, environment)
        embedder.load()
        chance = random.Random(3)
        asked = [
            " ".join(f"w{int(index_size.WORDS ** chance.uniform(0.25, 0.95))}" for _ in range(6))
            for _ in range(QUESTIONS + 5)
        ]
        with index_size.opened(folder) as store:
            searcher = Searcher(store, DenseIndex(store), embedder)
            matrix = np.concatenate([slab for _, slab in store.vector_slabs()]).astype(np.float32)
            options = SearchOptions(floor=False)
            total, embedding, reference = [], [], []
            for query in asked:
                begun = time.perf_counter()
                vector = embedder.embed([query], "query")[0]
                embedded = time.perf_counter()
                found = searcher.search(query, options, vector=vector)
                ended = time.perf_counter()
                assert found.passages
                np.argpartition(matrix @ vector, -100)
                reference.append(time.perf_counter() - ended)
                total.append(ended - begun)
                embedding.append(embedded - begun)
        embedder.close()
    total, embedding, reference = total[5:], embedding[5:], reference[5:]
    p50 = 1e3 * statistics.median(total)
    p95 = 1e3 * sorted(total)[int(0.95 * len(total))]
    alone = 1e3 * statistics.median(reference)
    print(
        f"{chunks} chunks: p50 {p50:.1f} ms, p95 {p95:.1f} ms (embedding {1e3 * statistics.median(embedding):.1f} ms);"
        f" comparing with all vectors by numpy alone {alone:.1f} ms"
    )
    return p50


def cold(rounds: int) -> float:
    """Run the command again and again on a small index; gives the median in seconds."""
    ockit = str(Path(sys.executable).with_name("ockit"))
    with tempfile.TemporaryDirectory() as home:
        docs = Path(home) / "docs"
        docs.mkdir()
        for page in sorted((Path(__file__).resolve().parents[1] / "docs").glob("*.md")):
            (docs / page.name).write_bytes(page.read_bytes())
        variables = {**os.environ, "OCKIT_HOME": f"{home}/ockit"}
        subprocess.run([ockit, "index", str(docs)], env=variables, check=True, capture_output=True)
        took, started = [], []
        for _ in range(rounds + 1):
            begun = time.perf_counter()
            subprocess.run(
                [ockit, "search", "how are sessions stored?"],
                env=variables,
                cwd=docs,
                check=True,
                capture_output=True,
            )
            took.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            subprocess.run([ockit, "--version"], env=variables, check=True, capture_output=True)
            started.append(time.perf_counter() - begun)
    median = statistics.median(took[1:])
    print(
        f"cold: median {median:.2f} s of {rounds} (least {min(took[1:]):.2f});"
        f" ockit --version {statistics.median(started[1:]):.2f} s"
    )
    return median


def main() -> None:
    """Measure, print, end with 1 where a claim is missed."""
    parser = ratios.parser(__doc__)
    parser.add_argument("--chunks", type=int, help="in the index (default: 100,000; 0: only the command)")
    given = parser.parse_args()
    chunks = given.chunks if given.chunks is not None else 5_000 if given.quick else 100_000
    held = [ratios.verdict("ms a question, p50", warm(chunks), P50_MS)] if chunks else []
    took = cold(given.rounds or (3 if given.quick else 15))
    ratios.finish(*held, ratios.verdict("seconds of a cold search, p50", took, COLD_S))


if __name__ == "__main__":
    main()
