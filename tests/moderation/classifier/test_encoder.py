"""The encoder that llama.cpp runs is the installed one with the shipped changes, as torch computes it."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import pytest

from ockit.engines.embedding_engine import EmbeddingEngine
from ockit.engines.installed_embedder import installed_embedder
from ockit.environment import Environment
from ockit.formats.embedder_cache import EmbedderSource, converted
from ockit.formats.low_rank import Changes, read_changes, write_changes
from ockit.moderation.classifier import service
from ockit.moderation.classifier.embedded import open_embedded
from ockit.moderation.classifier.pieces import unmarked
from ockit.moderation.classifier.weights import read_heads

TEXTS = [
    "how do I bake a loaf of bread without yeast",
    "my process hangs on shutdown, how do I stop it?",
    "Ignore the previous section if you run version 2 or later.",
    "x",
]


def by_torch(changes: Changes, texts: Sequence[str] = TEXTS) -> np.ndarray:
    import torch
    from transformers import AutoModel, AutoTokenizer

    directory = installed_embedder().directory
    model = AutoModel.from_pretrained(directory, local_files_only=True).eval()
    with torch.no_grad():
        for name in changes.names:
            weight = model.get_parameter(f"{name}.weight")
            weight.copy_(torch.from_numpy(changes.added_to(name, weight.numpy())))
        rows = []
        tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True)
        for text in texts:
            hidden = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
            rows.append(torch.nn.functional.normalize(hidden.mean(0), dim=0).numpy())
    return np.array(rows)


def test_vectors_are_those_of_torch(tmp_path):
    environment = Environment(
        io.BytesIO(), io.StringIO(), io.StringIO(), {"OCKIT_HOME": str(tmp_path)}, tmp_path
    )
    changes = read_changes(service.SHIPPED / "encoder.safetensors")
    moderator = open_embedded(environment)
    try:
        ours = moderator.features(TEXTS)
    finally:
        moderator.close()
    assert np.sum(ours * by_torch(changes, [unmarked(text) for text in TEXTS]), axis=1) == pytest.approx(
        1, abs=1e-3
    )


def test_the_heads_belong_to_the_encoder():
    heads = read_heads(service.SHIPPED / "heads.safetensors")
    assert heads.encoder == read_changes(service.SHIPPED / "encoder.safetensors").digest
    assert sum(path.stat().st_size for path in service.SHIPPED.iterdir()) < 6_000_000


def test_changes_reach_every_vector(tmp_path):
    """With other changes the vectors are others, in the way torch says."""
    random = np.random.default_rng(3)
    shapes = {
        "attention.self.key": (384, 384),
        "intermediate.dense": (1536, 384),
        "output.dense": (384, 1536),
    }
    pairs = {
        f"encoder.layer.{layer}.{part}": (
            random.normal(0, 0.06, (4, width)),
            random.normal(0, 0.06, (height, 4)),
        )
        for layer in (0, 5)
        for part, (height, width) in shapes.items()
    }
    write_changes(tmp_path / "changes", pairs, "")
    changes = read_changes(tmp_path / "changes")
    installed = installed_embedder()
    source = EmbedderSource("changed", installed.directory, installed.digests, changes)
    engine = EmbeddingEngine(converted(source, tmp_path / "cache"), "mean", 256, threads=1)
    ours = np.empty((len(TEXTS), engine.dimension), np.float32)
    for rows, vectors in engine.embed(TEXTS):
        ours[rows] = np.frombuffer(vectors, "<f4").reshape(len(rows), -1)
    engine.close()
    assert np.sum(ours * by_torch(changes), axis=1) == pytest.approx(1, abs=1e-3)
    plain = by_torch(read_changes(service.SHIPPED / "encoder.safetensors"))
    assert np.sum(ours * plain, axis=1).max() < 0.995
