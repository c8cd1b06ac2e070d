"""What an index of 1,000, 10,000, 100,000 and (with --sizes) 1,000,000 chunks costs.

Texts are 80 words (above 100,000 chunks 12) drawn by Zipf's law, vectors (of 384 numbers) are clusters of clusters:
all synthetic. Each step runs in a process of its own, whose memory is what it has beyond its first moment, mapped
files aside:

    fill     files of 20 chunks, one transaction each 50 files, vectors given
    cache    the FAISS file, made of the store
    ask      opened, first question (as a cold `ockit search` asks), then 60 more; recall@20 against comparing with all

Claims: a question without its embedding takes <= 25 ms (p50) up to 100,000 chunks and finds >= 0.98 of the 20
nearest; memory beyond the first moment <= 512 MiB up to 250,000 chunks, <= 1 GiB above. The reference of a question is
comparing it with all vectors by numpy, float32 in memory, in the same process.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ratios

DIMENSION = 384
PER_FILE = 20
WORDS = 60_000
ROWS_A_QUESTION = 8000  # chunks that the words of a question may match, where rarer words are there


@contextmanager
def peak() -> Iterator[Callable[[], float]]:
    """MiB of private memory at the highest, beyond those at the beginning; seen every 5 ms."""

    def private() -> int:
        with open("/proc/self/status", encoding="ascii") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))

    base, highest, over = private(), [private()], threading.Event()

    def watch() -> None:
        while not over.wait(0.005):
            highest[0] = max(highest[0], private())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield lambda: (max(highest[0], private()) - base) / 1024
    finally:
        over.set()
        thread.join()


def opened(directory: str, *, readonly: bool = True) -> Any:
    """The index that `fill` made."""
    from ockit.index.places import IndexPlace
    from ockit.index.store.index_store import IndexStore

    return IndexStore.open(IndexPlace(Path(directory), "size"), readonly=readonly)


def centres() -> Any:
    """Where vectors lie close: 2,000 points around 60."""
    import numpy as np

    chance = np.random.default_rng(5)
    topics = chance.standard_normal((60, DIMENSION), dtype=np.float32)
    return topics[chance.integers(0, 60, 2000)] + 0.9 * chance.standard_normal(
        (2000, DIMENSION), dtype=np.float32
    )


def fill(directory: str, count: int) -> dict[str, float]:
    """An index of `count` chunks."""
    import numpy as np

    from ockit.documents import Chunk
    from ockit.index.places import IndexPlace
    from ockit.index.search.words import WORDS_VERSION
    from ockit.index.store.facts import IndexFacts
    from ockit.index.store.index_store import IndexStore
    from ockit.index.store.rows import FileRecord
    from ockit.protocols import EmbedderInfo

    chance, around = np.random.default_rng(1), centres()
    share = 1 / np.arange(1, WORDS + 1)
    words = np.array([f"w{number}" for number in range(WORDS)])
    info = EmbedderInfo("synthetic", "0", DIMENSION, "mean", 256)
    facts = IndexFacts("size", ("/size",), (), (), info, 1, WORDS_VERSION, "files", 0.0, 0.0)
    batch = 50 * PER_FILE
    begun = time.perf_counter()
    made = 0.0
    with peak() as memory, IndexStore.create(IndexPlace(Path(directory), "size"), facts) as store:
        for first in range(0, count, batch):
            start = time.perf_counter()
            number = min(batch, count - first)
            drawn = words[
                chance.choice(WORDS, (number, 80 if count <= 100_000 else 12), p=share / share.sum())
            ]
            vectors = around[chance.integers(0, len(around), number)]
            vectors = vectors + 0.7 * chance.standard_normal(vectors.shape, dtype=np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            chunks = [Chunk(0, " ".join(row) + f" n{first + at}\n", 1, 1) for at, row in enumerate(drawn)]
            made += time.perf_counter() - start
            store.add_vectors(dict(zip([chunk.key for chunk in chunks], vectors, strict=True)))
            store.put_files(
                [
                    (FileRecord(0, f"{first + at}.txt", 1, 1, 1, b"", "text"), chunks[at : at + PER_FILE])
                    for at in range(0, number, PER_FILE)
                ]
            )
        return {"s": time.perf_counter() - begun - made, "mib": memory()}


def cache(directory: str, count: int) -> dict[str, float]:
    """The FAISS file."""
    import numpy  # noqa: F401 - what is measured is beyond it

    from ockit.index.vectors.dense import DenseIndex

    with opened(directory, readonly=False) as store, peak() as memory:
        begun = time.perf_counter()
        DenseIndex(store).refresh()
        return {"s": time.perf_counter() - begun, "mib": memory()}


def lexical(store: Any, question: list[str]) -> list[tuple[int, float]]:
    """The rarest words of a question, as many as may be afforded."""
    counted = store.term_frequencies(question)
    taken: list[str] = []
    for word in sorted(question, key=counted.__getitem__):
        if not taken or sum(counted[one] for one in taken) + counted[word] <= ROWS_A_QUESTION:
            taken.append(word)
    return store.lexical(" OR ".join(f'"{word}"' for word in taken), 100, weights=(1.0, 2.0, 1.5))  # type: ignore[no-any-return]


def ask(directory: str, count: int) -> dict[str, Any]:
    """Questions, the first and others."""
    import numpy as np

    from ockit.index.vectors.dense import DenseIndex

    chance = np.random.default_rng(9)
    asked = centres()[chance.integers(0, 2000, 60)]
    asked = asked + 0.7 * chance.standard_normal(asked.shape, dtype=np.float32)
    asked /= np.linalg.norm(asked, axis=1, keepdims=True)
    draw = random.Random(2)
    questions = [[f"w{int(WORDS ** draw.uniform(0.25, 0.95))}" for _ in range(6)] for _ in asked]
    with peak() as memory:
        begun = time.perf_counter()
        store = opened(directory)
        dense = DenseIndex(store)
        dense.nearest(asked[:1], 100)
        first = time.perf_counter() - begun
        times: dict[str, list[float]] = {"dense": [], "lexical": [], "chunks": []}
        found = []
        for vector, question in zip(asked, questions, strict=True):
            begun = time.perf_counter()
            found.append(dense.nearest(vector[None], 100)[0])
            middle = time.perf_counter()
            by_words = lexical(store, question)
            end = time.perf_counter()
            store.chunks([number for number, _ in by_words[:50]])
            store.chunks_of_vectors([number for number, _ in found[-1]])
            for name, took in zip(
                times, (middle - begun, end - middle, time.perf_counter() - end), strict=True
            ):
                times[name].append(took)
        used = memory()
    ids, matrix = [], np.empty((count, DIMENSION), np.float32) if count <= 200_000 else None
    best: list[list[tuple[float, int]]] = [[] for _ in asked]
    for part, halves in store.vector_slabs():
        wide = halves.astype(np.float32)
        if matrix is not None:
            matrix[len(ids) : len(ids) + len(part)] = wide
        ids += part.tolist()
        for row, scores in zip(best, asked @ wide.T, strict=True):
            row += [(float(scores[at]), int(part[at])) for at in np.argsort(-scores)[:20]]
    right = [{number for _, number in sorted(row, reverse=True)[:20]} for row in best]
    recall = statistics.mean(
        len(a & {number for number, _ in b[:20]}) / min(20, count) for a, b in zip(right, found, strict=True)
    )
    reference = []
    for vector in asked if matrix is not None else []:
        begun = time.perf_counter()
        np.argpartition(-(matrix @ vector), min(100, count - 1))
        reference.append(time.perf_counter() - begun)
    medians = {name: 1000 * statistics.median(took) for name, took in times.items()}
    whole = [1000 * sum(took) for took in zip(*times.values(), strict=True)]
    return {
        "first_ms": 1000 * first,
        **{f"{name}_ms": took for name, took in medians.items()},
        "p50_ms": statistics.median(whole),
        "p95_ms": sorted(whole)[int(0.95 * len(whole))],
        "numpy_ms": 1000 * statistics.median(reference) if reference else None,
        "recall": recall,
        "mib": used,
        "kind": dense.describe()["kind"],
    }


def child(step: str, directory: str, count: int) -> dict[str, Any]:
    """What a step says that ran in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--step", step, directory, str(count)], stdout=subprocess.PIPE, check=True
    )
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def measure(count: int, base: str | None, patience_s: float) -> bool:
    """One size; whether its claims hold."""
    directory = tempfile.mkdtemp(prefix="ockit-size-", dir=base)
    try:
        filled = child("fill", directory, count)
        cached = child("cache", directory, count)
        ratios.wait_for_quiet(patience_s)
        asked = child("ask", directory, count)
        size = {name: os.path.getsize(f"{directory}/{name}") / 2**20 for name in os.listdir(directory)}
    finally:
        shutil.rmtree(directory)
    print(f"\n{count:,} chunks: {asked['kind']}")
    print(f"  store  {size['index.db']:8.1f} MiB, {filled['s']:6.1f} s, {count / filled['s']:,.0f} chunks/s, "
          f"+{filled['mib']:.0f} MiB memory")  # fmt: skip
    print(
        f"  cache  {size.get('vectors.faiss', 0):8.1f} MiB, {cached['s']:6.2f} s, +{cached['mib']:.0f} MiB memory"
    )
    print(f"  open and first question {asked['first_ms']:.0f} ms; +{asked['mib']:.0f} MiB memory")
    reference = "" if asked["numpy_ms"] is None else f" (numpy, all in memory: {asked['numpy_ms']:.1f} ms)"
    each = (f"{name} {asked[f'{name}_ms']:.1f} ms" for name in ("dense", "lexical", "chunks"))
    print(
        f"  question: {', '.join(each)}{reference}; p50 {asked['p50_ms']:.1f} ms, p95 {asked['p95_ms']:.1f} ms"
    )
    limit = 512 if count <= 250_000 else 1024
    return all(
        (
            ratios.verdict(f"recall@20 at {count:,}", asked["recall"], 0.98, at_least=True),
            ratios.verdict(
                f"MiB beyond the baseline at {count:,}",
                max(filled["mib"], cached["mib"], asked["mib"]),
                limit,
            ),
            count > 100_000
            or ratios.verdict(f"ms a question at {count:,}, without embedding it", asked["p50_ms"], 25.0),
        )
    )


def main() -> None:
    """The sizes one after the other, or one step of one."""
    if sys.argv[1:2] == ["--step"]:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        step = {"fill": fill, "cache": cache, "ask": ask}[sys.argv[2]]
        print(json.dumps(step(sys.argv[3], int(sys.argv[4]))))
        return
    parser = ratios.parser(__doc__)
    parser.add_argument(
        "--sizes", help="numbers of chunks, such as 1000,1000000 (the last: 15 minutes, 3 GiB)"
    )
    parser.add_argument(
        "--directory", help="where the indexes are made (default: the system's temporary directory)"
    )
    given = parser.parse_args()
    sizes = [1000, 10_000] if given.quick else [1000, 10_000, 100_000]
    if given.sizes:
        sizes = [int(size) for size in given.sizes.split(",")]
    ratios.finish(*[measure(count, given.directory, given.patience) for count in sizes])


if __name__ == "__main__":
    main()
