"""Real vocabularies, loaded by llama.cpp without weights, and small ones that hold every marker there is."""

from __future__ import annotations

import ctypes
from functools import cache, cached_property
from pathlib import Path

import pytest

import tiny_models
from ockit.engines.llama import binding
from ockit.engines.vocabulary import LlamaVocabulary
from ockit.prompts.templates import known_markers

REAL = ("smollm2", "llama-spm", "llama-bpe", "phi-3", "qwen2", "gpt-neox")
MADE = ("spm-control", "spm-user", "bpe-control", "bpe-user", "smollm2-user")
"""Every marker in a SentencePiece or byte-pair vocabulary, typed CONTROL or USER_DEFINED; SmolLM2's own retyped."""


class ReferenceVocabulary(LlamaVocabulary):
    """With llama.cpp's own way to read a whole prompt: special tokens on."""

    def parsed(self, text: str) -> list[int]:
        """Ids of a rendered prompt: the begin-of-text token where the model wants it, markers as they are spelled."""
        data = text.encode()
        room = len(data) + 16
        ids = (ctypes.c_int32 * room)()
        n = binding().llama_tokenize(self.pointer, data, len(data), ids, room, True, True)
        assert n >= 0
        return list(ids[:n])

    @cached_property
    def guarded(self) -> set[int]:
        """What must never come out of content: control tokens and the markers of any format."""
        markers = {self.marker(text) for text in known_markers()} - {None}
        return markers | {token for token in range(self.n_tokens) if self.is_control(token)}


def load(path: Path) -> ReferenceVocabulary:
    llama = binding()
    parameters = llama.llama_model_default_params()
    parameters.vocab_only = True
    model = llama.llama_model_load_from_file(str(path).encode(), parameters)
    assert model, path
    return ReferenceVocabulary(model)  # loaded once a test run and never freed


def path_of(name: str, folder: Path) -> Path:
    """The file of a vocabulary; made ones are written into `folder`."""
    if name == "smollm2":
        return tiny_models.embedded_model()
    if name in REAL:
        path = tiny_models.test_data() / "vocab" / f"ggml-vocab-{name}.gguf"
        if not path.is_file():
            pytest.skip(f"no test data {path.name}: OCKIT_TEST_DATA names no folder that has it")
        return path
    kind, _, typed = name.rpartition("-")
    markers = sorted(known_markers() - {"</s>"})
    if kind == "smollm2":
        vocabulary = tiny_models.vocabulary_of(tiny_models.embedded_model())
        special = [
            t.decode() for t, kind in zip(vocabulary.tokens, vocabulary.types, strict=True) if kind == 3
        ]
        vocabulary = vocabulary.retyped(dict.fromkeys(special, tiny_models.USER_DEFINED))
    else:
        make = tiny_models.byte_vocabulary if kind == "spm" else tiny_models.pair_vocabulary
        vocabulary = make(*markers) if kind == "spm" else make("<|endoftext|>", "</s>", *markers)
        if typed == "user":
            vocabulary = vocabulary.retyped(dict.fromkeys(markers, tiny_models.USER_DEFINED))
    return tiny_models.write_model(folder / f"{name}.gguf", vocabulary=vocabulary)


@cache
def vocabulary(name: str, folder: Path) -> ReferenceVocabulary:
    return load(path_of(name, folder))
