"""Sound headers of models that cannot be: named before llama.cpp dies of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gguf import GGUFValueType, GGUFWriter

from loading_child import loader
from ockit.errors import ModelFileError
from ockit.formats.gguf_header import read_header
from ockit.formats.loadable import check_loadable, part_paths
from tiny_models import Vocabulary, byte_vocabulary, pair_vocabulary, write_model

U32, F32, STR = GGUFValueType.UINT32, GGUFValueType.FLOAT32, GGUFValueType.STRING


@pytest.fixture
def refused(tmp_path: Path) -> Callable[..., str]:
    """Writes a model and gives the words in which it is refused."""

    def write(**options: Any) -> str:
        header = read_header(write_model(tmp_path / "m.gguf", **options))
        with pytest.raises(ModelFileError) as caught:
            check_loadable(header)
        assert caught.value.hint
        return caught.value.what

    return write


@pytest.mark.parametrize(
    ("key", "value", "kind", "what"),
    [
        ("llama.block_count", 0, U32, "block_count is 0"),
        ("llama.block_count", 513, U32, "between 1 and 512"),
        ("llama.embedding_length", 1 << 31, U32, "embedding_length"),
        ("llama.context_length", 0, U32, "context_length is 0"),
        ("llama.context_length", 2**32 - 1, U32, "context_length"),
        ("llama.context_length", "long", STR, "context_length is 'long'"),
        ("llama.attention.head_count", 0, U32, "missing or 0"),
        ("llama.attention.head_count", 6, U32, "divided among 6"),
        ("llama.attention.head_count_kv", 3, U32, "cannot share 3"),
        ("llama.rope.dimension_count", 0, U32, "rope.dimension_count is 0"),
        ("llama.rope.dimension_count", 15, U32, "but the heads have 16"),
        ("llama.rope.dimension_count", 8, U32, "but the heads have 16"),
        ("llama.rope.dimension_count", 18, U32, "but the heads have 16"),
        ("llama.attention.layer_norm_rms_epsilon", float("nan"), F32, "epsilon is nan"),
        ("llama.attention.layer_norm_rms_epsilon", -1.0, F32, "epsilon is -1"),
        ("llama.rope.freq_base", float("nan"), F32, "freq_base is nan"),
        ("llama.rope.scaling.type", "sideways", STR, "sideways"),
        ("llama.expert_count", 5000, U32, "expert_count"),
        ("general.architecture", "", STR, "does not name its architecture"),
        ("general.type", "adapter", STR, "'adapter'"),
        ("tokenizer.ggml.eos_token_id", 999_999, U32, "eos_token_id is 999999"),
        ("tokenizer.ggml.bos_token_id", "x", STR, "bos_token_id is x"),
        ("tokenizer.ggml.token_type", 1, U32, "not an array"),
    ],
)
def test_contradictions(
    refused: Callable[..., str], key: str, value: object, kind: GGUFValueType, what: str
) -> None:
    assert what in refused(extra={key: (value, kind)})


def test_experts(refused: Callable[..., str]) -> None:
    extra = {"llama.expert_count": (2, U32), "llama.expert_used_count": (3, U32)}
    assert "3 of 2 experts" in refused(extra=extra)


def _changed(
    vocabulary: Vocabulary, **entries: tuple[Any, GGUFValueType, GGUFValueType | None]
) -> Vocabulary:
    return replace(
        vocabulary,
        entries=vocabulary.entries | {f"tokenizer.ggml.{key}": value for key, value in entries.items()},
    )


def test_vocabularies(refused: Callable[..., str]) -> None:
    words, pairs, array = byte_vocabulary(), pair_vocabulary(), GGUFValueType.ARRAY
    short = _changed(words, scores=([0.0] * 9, array, F32))
    assert "scores has 9 elements" in refused(vocabulary=short)
    whole = _changed(words, scores=([0] * len(words.tokens), array, GGUFValueType.UINT8))
    assert "scores is an array of u8" in refused(vocabulary=whole)
    assert "merges is an array of i32" in refused(
        vocabulary=_changed(pairs, merges=([1, 2], array, GGUFValueType.INT32))
    )
    assert "precompiled_charsmap is an array of f32" in refused(
        vocabulary=_changed(words, precompiled_charsmap=([1.0], array, F32))
    )
    twice = replace(words, tokens=[*words.tokens[:-1], words.tokens[-2]])
    assert "'<|im_start|>' occurs twice" in refused(vocabulary=twice)
    nameless = replace(words, entries={})
    assert "does not name its tokenizer" in refused(vocabulary=nameless)


def test_empty_tokens_may_repeat_because_llama_cpp_names_them(tmp_path: Path) -> None:
    words = byte_vocabulary()
    empty = replace(words, tokens=[*words.tokens[:-2], b"", b""])
    path = write_model(tmp_path / "m.gguf", vocabulary=empty)
    check_loadable(read_header(path))
    with loader() as child:
        assert child.outcome(path) == ("runs", "")


def test_ids_that_llama_cpp_ignores_are_ignored(tmp_path: Path) -> None:
    extra = {"tokenizer.ggml.padding_token_id": (2**32 - 1, U32)}
    path = write_model(tmp_path / "m.gguf", extra=extra)
    check_loadable(read_header(path))
    with loader() as child:
        assert child.outcome(path)[0] == "runs"


def test_types_that_nothing_can_be_computed_with(tmp_path: Path) -> None:
    import numpy as np

    for name, values, what in (
        ("token_embd.weight", np.zeros((4, 32)), "'token_embd.weight' is stored as F64"),
        ("blk.0.attn_norm.weight", np.zeros(32, dtype=np.float16), "F32 only"),
        ("blk.0.attn_q.bias", np.zeros(32, dtype=np.float16), "F32 only"),
        ("blk.0.ffn_up.weight", np.zeros((4, 32), dtype=np.int8), "'blk.0.ffn_up.weight' is stored as I8"),
    ):
        path = write_model(tmp_path / "m.gguf")
        header = read_header(path)
        writer = GGUFWriter(tmp_path / "t.gguf", "llama")
        writer.add_tensor(name, values)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        strange = replace(header, tensors=(*header.tensors, *read_header(tmp_path / "t.gguf").tensors))
        with pytest.raises(ModelFileError, match=what.replace(".", r"\.")):
            check_loadable(strange)


def test_a_split_model_needs_all_its_parts(tmp_path: Path) -> None:
    def split(number: int, name: str | None = None) -> Path:
        u16 = GGUFValueType.UINT16
        extra = {"split.count": (3, u16), "split.no": (number, u16)}
        return write_model(tmp_path / (name or f"big-{number + 1:05d}-of-00003.gguf"), extra=extra)

    first = split(0)
    header = read_header(first)
    assert [path.name for path in part_paths(header)] == [f"big-{i:05d}-of-00003.gguf" for i in (1, 2, 3)]
    with pytest.raises(
        ModelFileError, match=r"2 of the model's 3 parts are missing: big-00002-of-00003\.gguf, "
    ):
        check_loadable(header)
    second, third = split(1), split(2)
    check_loadable(header)
    with pytest.raises(ModelFileError, match="not the first") as caught:
        check_loadable(read_header(third))
    assert caught.value.hint == "name the first part: big-00001-of-00003.gguf"
    third.write_bytes(second.read_bytes())
    with pytest.raises(ModelFileError, match="otherwise of itself"):
        check_loadable(header)
    third.write_bytes(b"GGUF")
    with pytest.raises(ModelFileError, match="past the end"):
        check_loadable(header)
    with pytest.raises(ModelFileError, match="is not named so"):
        check_loadable(read_header(split(0, "other.gguf")))
    many = {"split.count": (60_000, GGUFValueType.UINT16)}
    with pytest.raises(ModelFileError, match="limit is 1000"):
        check_loadable(read_header(write_model(tmp_path / "m-00001-of-60000.gguf", extra=many)))
