"""Tiny guard models: random weights, a real vocabulary, and answers that are put into them.

Whatever such a model reads, it finds every next token as probable as it was told to. So its verdict is known, and what
is tested is everything around it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path

from ockit.engines.hosted import HostedEngine
from ockit.engines.options import LoadOptions
from ockit.formats.gguf_header import read_header
from ockit.prompts.segments import Text
from tiny_models import Vocabulary, write_model


def guard_model(
    path: Path,
    weights: Mapping[str, float],
    *,
    vocabulary: Vocabulary | None = None,
    chat_template: str | None = None,
    name: str = "tiny",
) -> Path:
    """Write a model that finds each token of these texts as likely as its weight says; all others get 1e-6 together."""
    write_model(
        path, vocabulary=vocabulary, chat_template=chat_template, name=name, n_ctx=4096, n_layers=1, width=32
    )
    engine = HostedEngine(os.environ, path.with_name("threads.json"))
    engine.choose(LoadOptions(str(path), n_ctx=256, threads=1, gpu_layers=0))
    try:
        ids = {text: engine.encode([Text(text)]) for text in weights}
    finally:
        engine.close()
    likely: dict[int, float] = {}
    for text, weight in weights.items():
        for token in ids[text]:
            likely[token] = max(weight, likely.get(token, 0.0))
    put_in(path, likely)
    return path


def put_in(path: Path, likely: Mapping[int, float]) -> None:
    """Give tokens their weights: every embedding points the same way, and the output looks along it."""
    import numpy as np

    # gguf's own reader takes ten seconds for 128k words
    found = {tensor.name: tensor for tensor in read_header(path).tensors}

    def values(name: str) -> np.memmap:
        # a header has the fastest dimension first, and offsets from the start of the file
        return np.memmap(path, "<f4", "r+", found[name].offset, found[name].shape[::-1])

    embedding, output = values("token_embd.weight"), values("output.weight")
    way = np.ones(embedding.shape[1], np.float32)
    embedding += 10_000 * way
    rest = math.log(1e-6 / len(output))
    output[:] = rest / len(way) * way  # the last norm makes every coordinate 1
    for token, weight in likely.items():
        output[token] = math.log(weight) / len(way) * way
    embedding.flush()
    output.flush()
