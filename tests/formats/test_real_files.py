"""Sound files are read, all of them, and quickly: the embedded model, llama.cpp's vocabularies, tiny models."""

from __future__ import annotations

from pathlib import Path

import pytest

from loading_child import loader
from ockit.errors import ModelFileError
from ockit.formats.gguf_header import read_header
from ockit.formats.loadable import check_loadable, read_loadable
from tiny_models import (
    CHATML,
    USER_DEFINED,
    byte_vocabulary,
    embedded_model,
    pair_vocabulary,
    test_data,
    vocabulary_of,
    write_model,
)

VOCABULARIES = sorted((test_data() / "vocab").glob("*.gguf"))


def test_the_embedded_model() -> None:
    header = read_loadable(embedded_model())
    assert header.architecture == "llama"
    assert header.quantization == "Q4_1"
    assert header.n_params == 134_515_008
    assert header.n_ctx_train == 8192
    assert header.n_layers == 30
    assert header.n_vocab == 49_152
    assert header.chat_template is not None
    assert "<|im_start|>" in header.chat_template
    assert len(header.tensors) == 272
    assert header.tensors[-1].offset + header.tensors[-1].n_bytes <= header.file_size
    assert header.weight_bytes < header.file_size
    assert header.strings("tokenizer.ggml.tokens")[1] == b"<|im_start|>"
    assert header.numbers("tokenizer.ggml.token_type")[:3] == [3, 3, 3]


@pytest.mark.skipif(not VOCABULARIES, reason="the test data has no folder vocab with GGUF vocabularies")
@pytest.mark.parametrize("path", VOCABULARIES, ids=lambda path: path.stem)
def test_vocabularies_are_read_but_not_loadable(path: Path) -> None:
    header = read_header(path)
    assert header.n_vocab > 30_000
    assert header.quantization is None
    assert header.doubled_token is None
    assert len(set(header.strings("tokenizer.ggml.tokens"))) == header.n_vocab
    with pytest.raises(ModelFileError, match="a vocabulary but no weights"):
        check_loadable(header)


def test_the_official_reader_sees_the_same(tiny_pairs: Path) -> None:
    gguf = pytest.importorskip("gguf")
    official, ours = gguf.GGUFReader(tiny_pairs), read_header(tiny_pairs)
    fields = {name: field for name, field in official.fields.items() if not name.startswith("GGUF.")}
    assert list(fields) == list(ours.metadata)
    for name, field in fields.items():
        array = ours.array(name)
        if array is None:
            assert field.contents() == ours.metadata[name]
        elif array.element_type == "str":
            assert field.contents() == [text.decode() for text in ours.strings(name)]
        else:
            assert field.contents() == ours.numbers(name)
    assert [(t.name, tuple(map(int, t.shape)), t.data_offset, t.n_bytes) for t in official.tensors] == [
        (t.name, t.shape, t.offset, t.n_bytes) for t in ours.tensors
    ]


def test_tiny_models_generate_in_llama_cpp(tmp_path: Path) -> None:
    with loader() as child:
        for architecture in ("llama", "qwen2", "gptneox"):
            for vocabulary in (byte_vocabulary(), pair_vocabulary(), vocabulary_of(embedded_model())):
                path = write_model(
                    tmp_path / "model.gguf",
                    architecture=architecture,
                    vocabulary=vocabulary,
                    weights="Q8_0",
                    chat_template=CHATML,
                    token_types={"<|im_start|>": USER_DEFINED},
                    name="A tiny one",
                    n_ctx=1024,
                )
                header = read_loadable(path)
                assert (header.name, header.n_ctx_train, header.chat_template) == ("A tiny one", 1024, CHATML)
                assert header.quantization == "Q8_0"
                marker = header.strings("tokenizer.ggml.tokens").index(b"<|im_start|>")
                assert header.numbers("tokenizer.ggml.token_type")[marker] == USER_DEFINED
                assert child.outcome(path) == ("runs", "")


@pytest.mark.parametrize("weights", ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"])
def test_the_quantization_is_named(tmp_path: Path, weights: str) -> None:
    assert read_header(write_model(tmp_path / "m.gguf", weights=weights)).quantization == weights


@pytest.mark.skipif(not VOCABULARIES, reason="the test data has no folder vocab with GGUF vocabularies")
def test_tiny_models_take_any_vocabulary(tmp_path: Path) -> None:
    source = next(path for path in VOCABULARIES if path.stem.endswith("llama-spm"))
    path = write_model(tmp_path / "m.gguf", vocabulary=vocabulary_of(source), weights="F16")
    assert read_loadable(path).strings("tokenizer.ggml.tokens") == read_header(source).strings(
        "tokenizer.ggml.tokens"
    )
    with loader() as child:
        assert child.outcome(path) == ("runs", "")
