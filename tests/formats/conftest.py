"""Tiny models, written once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tiny_models import CHATML, byte_vocabulary, pair_vocabulary, write_model


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A llama of 230 KB with a SentencePiece vocabulary of bytes."""
    path = tmp_path_factory.mktemp("tiny") / "tiny.gguf"
    return write_model(path, vocabulary=byte_vocabulary(), weights="F16", chat_template=CHATML)


@pytest.fixture(scope="session")
def tiny_pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A qwen2 of 230 KB with a byte-pair vocabulary."""
    path = tmp_path_factory.mktemp("tiny") / "pairs.gguf"
    return write_model(
        path, architecture="qwen2", vocabulary=pair_vocabulary(), weights="F16", chat_template=CHATML
    )


@pytest.fixture(scope="session")
def tiny_neox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gptneox of 230 KB."""
    return write_model(tmp_path_factory.mktemp("tiny") / "neox.gguf", architecture="gptneox", weights="F16")
