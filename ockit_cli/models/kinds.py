"""What a GGUF file is good for: a chat model, or something that only looks like one. Reads a header only."""

from __future__ import annotations

from typing import Literal

from ockit.formats.gguf_header import GGUFHeader

Kind = Literal["chat", "embedding", "projector", "adapter", "vocabulary"]

WHAT: dict[str, str] = {
    "embedding": "an embedding model: it turns text into numbers and cannot chat",
    "projector": "an mmproj file: the eyes or ears of another model, which holds the weights",
    "adapter": "an adapter (LoRA): it changes another model and cannot run alone",
    "vocabulary": "a vocabulary without weights",
}
"""Why a file of each kind but ``chat`` cannot chat."""

ENCODERS = frozenset(
    "bert eurobert gemma-embedding jina-bert-v2 jina-bert-v3 modern-bert neo-bert nomic-bert nomic-bert-moe "
    "t5encoder".split()
)
"""Architectures of llama.cpp that only embed."""


def kind_of(header: GGUFHeader) -> Kind:
    """What the file is, by ``general.type``, its architecture and its pooling."""
    said = header.text("general.type")
    if said == "adapter":
        return "adapter"
    if said == "mmproj" or header.architecture == "clip":
        return "projector"
    if not header.tensors:
        return "vocabulary"
    # pooling_type 0 is none; decoders that were trained to embed say 1 to 4
    if header.architecture in ENCODERS or header.of_architecture("pooling_type") in (1, 2, 3, 4):
        return "embedding"
    return "chat"
