"""The embedder: speed over many texts against raw llama.cpp calls, and the time of a question.

Claim: through its worker the embedder that comes with ockit turns as many chunks a second into vectors as 0.9 of raw
llama.cpp calls do in the same run: the same file, chunks, batch size and flash attention, one thread or as many as
cores, whichever is faster just before, token ids made before the clock starts. The raw calls read no text, normalize
nothing and send nothing through a pipe.

Also told, without a claim: seconds from nothing (no worker alive, files in the page cache) to the vector of a
question, and of a question once the worker runs.
"""

from __future__ import annotations

import ctypes
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from ratios import Ratio, finish, in_turn, parser, quartiles, verdict

from ockit.engines.embedders import open_embedder
from ockit.engines.installed_embedder import installed_embedder
from ockit.engines.llama import binding
from ockit.engines.threads import physical_cores
from ockit.environment import Environment

CLAIM = 0.9
BATCH = 512
WORDS = 190
QUESTION = "how are the threads of the embedder chosen?"
ROOT = Path(__file__).resolve().parent.parent


class Raw:
    """llama.cpp's own calls: ids in, nothing out but the time."""

    def __init__(self, path: Path) -> None:
        self._llama = llama = binding()
        params = llama.llama_model_default_params()
        params.n_gpu_layers = 0
        self._model = llama.llama_model_load_from_file(str(path).encode(), params)
        made = llama.llama_context_default_params()
        made.n_ctx = made.n_batch = made.n_ubatch = BATCH
        made.n_seq_max = 64
        made.kv_unified = made.embeddings = True
        made.flash_attn_type = 1
        self._context = llama.llama_init_from_model(self._model, made)

    def choose_threads(self, texts: list[list[int]]) -> int:
        """Take the faster of one thread and as many as cores; gives the count."""
        took = {}
        for threads in dict.fromkeys([1, physical_cores()]):
            self._llama.llama_set_n_threads(self._context, threads, threads)
            took[threads] = min(self.run(texts) for _ in range(2))
        best = min(took, key=took.__getitem__)
        self._llama.llama_set_n_threads(self._context, best, best)
        return best

    def use_threads(self, threads: int) -> None:
        """Take this count."""
        self._llama.llama_set_n_threads(self._context, threads, threads)

    def run(self, texts: list[list[int]]) -> float:
        """Seconds for all texts, filled into batches in their order."""
        start = time.perf_counter()
        part: list[list[int]] = []
        for ids in [*texts, None]:
            if ids is None or sum(map(len, part)) + len(ids) > BATCH:
                self._batch(part)
                part = []
            if ids is not None:
                part.append(ids)
        return time.perf_counter() - start

    def _batch(self, part: list[list[int]]) -> None:
        llama = self._llama
        batch: Any = llama.llama_batch_init(BATCH, 0, 1)
        for sequence, ids in enumerate(part):
            for place, token in enumerate(ids):
                at = batch.n_tokens
                batch.token[at], batch.pos[at], batch.n_seq_id[at] = token, place, 1
                batch.seq_id[at][0], batch.logits[at] = sequence, 1
                batch.n_tokens = at + 1
        if llama.llama_encode(self._context, batch) != 0:
            raise SystemExit("llama.cpp cannot embed")
        for sequence in range(len(part)):
            ctypes.string_at(llama.llama_get_embeddings_seq(self._context, sequence), 4)
        llama.llama_batch_free(batch)


def chunks(most: int) -> list[str]:
    """Pieces of about 190 words of ockit's own guides and sources."""
    found: list[str] = []
    for path in sorted([*ROOT.glob("docs/*.md"), *ROOT.glob("ockit_cli/*/*.py")]):
        lines: list[str] = []
        for line in path.read_text(encoding="utf-8").splitlines():
            lines.append(line)
            if sum(len(each.split()) for each in lines) >= WORDS:
                found.append("\n".join(lines))
                lines = []
    return found[:: max(1, len(found) // most)][:most]


def ids_of(texts: list[str], most: int) -> list[list[int]]:
    """Token ids by the tokenizers library."""
    from tokenizers import Tokenizer

    made = Tokenizer.from_file(str(installed_embedder().directory / "tokenizer.json"))
    made.no_padding()
    made.enable_truncation(most)
    return [encoded.ids for encoded in made.encode_batch(texts)]


def first_vector(environment: Environment) -> float:
    """Seconds from nothing to the vector of a question, in this process, which has numpy."""
    start = time.perf_counter()
    embedder = open_embedder(None, environment)
    embedder.embed([QUESTION], "query")
    seconds = time.perf_counter() - start
    embedder.close()
    return seconds


def main() -> None:
    """Measure, print, and end with 1 where the claim is missed."""
    given = parser(__doc__).parse_args()
    rounds = given.rounds or (1 if given.quick else 9)
    patience = 0.0 if given.quick else given.patience
    with tempfile.TemporaryDirectory() as home:
        process = Environment.of_process()
        variables = {**process.variables, "OCKIT_HOME": home}
        environment = Environment(process.stdin, process.stdout, process.stderr, variables, process.cwd)
        started = time.perf_counter()
        embedder = open_embedder(None, environment)
        info = embedder.load()
        print(f"made and loaded for the first time in {time.perf_counter() - started:.2f} s")
        (path,) = Path(home, "cache", "embedders").glob("*.gguf")
        texts = chunks(24 if given.quick else 160)
        ids = ids_of(texts, info.max_tokens)
        tokens = sum(map(len, ids))
        raw = Raw(path)
        threads = raw.choose_threads(ids[:16])
        embedder.embed(texts[:16], "passage")

        def ours() -> float:
            start = time.perf_counter()
            embedder.embed(texts, "passage")
            return time.perf_counter() - start

        pairs = in_turn(ours, lambda: raw.run(ids), rounds, patience_s=patience)
        ratio = Ratio([1 / each for each in pairs.ours], [1 / each for each in pairs.reference])
        print(f"{len(texts)} chunks, {tokens} tokens, raw calls with {threads} threads; {pairs.noise()}")
        for name, seconds in (("worker", pairs.ours), ("raw calls", pairs.reference)):
            middle = statistics.median(seconds)
            print(f"  {name}: {len(texts) / middle:.1f} chunks/s, {tokens / middle:,.0f} tokens/s")
        print(f"  ratio of speeds {ratio}")

        def question() -> float:
            start = time.perf_counter()
            embedder.embed([QUESTION], "query")
            return time.perf_counter() - start

        warm = [question() for _ in range(10 * rounds)]
        embedder.close()
        cold = [first_vector(environment) for _ in range(rounds)]
        for name, seconds in (("no worker alive", cold), ("worker alive", warm)):
            low, high = quartiles(seconds)
            print(f"question, {name}: {statistics.median(seconds):.4f} s ({low:.4f} to {high:.4f})")
    finish(verdict("chunks a second, worker to raw calls", ratio.median, CLAIM, at_least=True))


if __name__ == "__main__":
    main()
