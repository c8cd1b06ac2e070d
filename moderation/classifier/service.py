"""The classifier as a worker's service (see `ockit.workers.child`): llama.cpp runs the encoder, plain Python the heads.

``load`` (``cache``: a directory, ``heads``: a file or None) gives what `EmbeddedModerator` wants to know. ``check``
(``items``: role and, of each collapsed text, length, stretches and breaks) and ``features`` (``texts``) send a frame
for each text, the last ones as ``frames`` of the result. Many texts go through the encoder together. Neither numpy nor
torch is loaded, but for the second or two in which the encoder is made.
"""

from __future__ import annotations

import base64
from array import array
from collections.abc import Generator, Iterator, Sequence
from math import sqrt
from pathlib import Path
from typing import Any

from ockit.engines.embedding_engine import EmbeddingEngine
from ockit.engines.installed_embedder import installed_embedder
from ockit.engines.llama import binding
from ockit.errors import ModelFileError, WorkerError
from ockit.formats.embedder_cache import EmbedderSource, usable
from ockit.formats.low_rank import read_changes
from ockit.formats.sentence_model import read_limits
from ockit.moderation.classifier.batch import Batch, Coded
from ockit.moderation.classifier.features import hashed
from ockit.moderation.classifier.heads import Scores, scored
from ockit.moderation.classifier.judging import judged
from ockit.moderation.classifier.pieces import unmarked, windows
from ockit.moderation.classifier.weights import Heads, read_heads
from ockit.moderation.classifier.words import installed_words
from ockit.moderation.normalizing import normalized

SHIPPED = Path(__file__).parent / "shipped"
NAME = "moderation-minilm-l6-v2"
"""What the encoder is called in the cache; not the index's embedder, whose files would be swept away with its own."""
_GROUP = 4096
"""Tokens after which the texts so far are answered."""
_QUIET = 1024
"""Tokens that are computed without a sign of life: on a machine that starves it, this process may need minutes for a
long text, and must not be taken for one that hangs."""
_FEATURE_WINDOWS = 8


class ModerationService:
    """Hosts the classifier that comes with ockit."""

    def __init__(self) -> None:
        binding()  # read the libraries while the parent is still busy with its own start
        self._engine: EmbeddingEngine | None = None
        self._heads: Heads | None = None
        self._most = 0

    def handle(self, method: str, params: dict[str, Any]) -> Generator[dict[str, Any], None, Any]:
        """Run one call: see the module."""
        if method == "load":
            return self._load(Path(params["cache"]), params["heads"])
        if self._engine is None or self._heads is None:
            raise WorkerError(f"{method!r} was called before the classifier was loaded")
        last: list[dict[str, Any]] = []
        if method == "check":
            for group in self._check(self._engine, self._heads, params["items"]):
                if not group:
                    yield {"beat": True}
                    continue
                yield from last
                last = group
        elif method == "features":
            yield from self._features(self._engine, params["texts"])
        else:
            raise WorkerError(f"the classifier has no call {method!r}")
        # the last ones with the result: a frame less for the one text that somebody waits for
        return {"cancelled": self._engine.cancelled, "frames": last}

    def arm(self) -> None:
        """The next cancel means the call that has come in."""
        if self._engine is not None:
            self._engine.arm()

    def cancel(self) -> None:
        """Stop the running call."""
        if self._engine is not None:
            self._engine.cancel()

    def _load(self, cache: Path, own: str | None) -> dict[str, Any]:
        changes = read_changes(SHIPPED / "encoder.safetensors")
        path = Path(own) if own is not None else SHIPPED / "heads.safetensors"
        heads = read_heads(path)
        if heads.encoder != changes.digest:
            raise ModelFileError(
                "the heads were trained on another encoder than this version has",
                where=str(path),
                hint="train them again with this version",
            )
        installed = installed_embedder()
        source = EmbedderSource(NAME, installed.directory, installed.digests, changes)
        pooling, self._most = read_limits(installed.directory)
        if self._engine is not None:
            self._engine.close()
        with usable(source, cache) as file:
            # one thread: the others belong to the model that is asked, and on a busy machine two wait for each other
            self._engine = EmbeddingEngine(file, pooling, self._most, threads=1)
        self._heads = heads
        width = len(heads.vector[0])
        if width != self._engine.dimension:
            raise ModelFileError(
                f"the heads are for vectors of {width} numbers, not {self._engine.dimension}",
                where=str(path),
                hint="train them again with this version",
            )
        return {
            "encoder": source.identity,
            "cuts": dict(heads.cuts),
            "note": heads.note,
            "digest": heads.digest,
            "dimension": width,
        }

    def _check(
        self, engine: EmbeddingEngine, heads: Heads, items: Sequence[dict[str, Any]]
    ) -> Iterator[list[dict[str, Any]]]:
        """Frames, group by group; none as a sign of life where much is computed."""
        batch = Batch(engine.token_ids, self._most)
        waiting: list[tuple[int, Coded]] = []
        for row, item in enumerate(items):
            if engine.cancelled:
                return
            by_sentence = item["role"] == "retrieved"
            coded = batch.add(item["stretches"], item["length"], by_sentence, item["breaks"])
            waiting.append((row, coded))
            if batch.tokens < _GROUP and row + 1 < len(items):
                continue
            scores: dict[int, Scores] = {}
            for _ in _scored(engine, heads, batch, scores):
                if batch.tokens > _QUIET:
                    yield []
            if len(scores) < len(batch.coded):  # cancelled
                return
            yield [
                {
                    "row": number,
                    "judgement": judged(
                        heads, [(piece, scores[at]) for piece, at in coded.pieces], coded.unread
                    ).to_json(),
                }
                for number, coded in waiting
            ]
            batch, waiting = Batch(engine.token_ids, self._most), []

    def _features(self, engine: EmbeddingEngine, texts: Sequence[str]) -> Iterator[dict[str, Any]]:
        """A vector of length 1 for each text: the mean over the first windows of what it means."""
        for row, text in enumerate(texts):
            plain = normalized(text, installed_words).text
            parts = [unmarked(plain[a:b]) for a, b in windows(plain)][:_FEATURE_WINDOWS] or [""]
            total = [0.0] * engine.dimension
            for _, vectors in engine.embed(parts):
                numbers = array("f", vectors)
                for at in range(0, len(numbers), engine.dimension):
                    total = [a + b for a, b in zip(total, numbers[at : at + engine.dimension], strict=True)]
            if engine.cancelled:
                return
            length = sqrt(sum(number * number for number in total)) or 1.0
            mean = array("f", [number / length for number in total])
            yield {"row": row, "vector": base64.b64encode(mean.tobytes()).decode()}


def _scored(engine: EmbeddingEngine, heads: Heads, batch: Batch, found: dict[int, Scores]) -> Iterator[None]:
    """Score a batch into `found`, by the numbers of its pieces; yields after every computation."""
    width = engine.dimension
    for rows, vectors in engine.embed_ids(batch.coded):
        numbers = array("f", vectors)
        for place, row in enumerate(rows):
            vector = tuple(numbers[place * width : (place + 1) * width])
            found[row] = scored(heads, vector, hashed(batch.texts[row]) if heads.hashed else ())
        yield
