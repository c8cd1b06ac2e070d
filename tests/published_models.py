"""Headers of published models, built from their published shapes: what a GGUF file of them says, without weights.

The shapes are those of the models' configurations; which tensors of a Q4_K_M file are Q6_K is llama.cpp's rule
(``use_more_bits`` in llama-quant.cpp).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFWriter


@dataclass(frozen=True)
class Shape:
    """A model's dimensions. `tied`: the output is the embedding. `experts`: all and used ones."""

    architecture: str
    n_layers: int
    width: int
    inner: int
    heads: int
    heads_kv: int
    n_vocab: int
    n_ctx: int
    tied: bool = False
    experts: tuple[int, int] | None = None
    window: int = 0


LLAMA_2_7B = Shape("llama", 32, 4096, 11008, 32, 32, 32000, 4096)
MISTRAL_7B = Shape("llama", 32, 4096, 14336, 32, 8, 32000, 32768, window=4096)
GPT_NEOX_20B = Shape("gptneox", 44, 6144, 24576, 64, 64, 50432, 2048)
LLAMA_3_2_1B = Shape("llama", 16, 2048, 8192, 32, 8, 128256, 131072, tied=True)
MIXTRAL_8X7B = Shape("llama", 32, 4096, 14336, 32, 8, 32000, 32768, experts=(8, 2))


def write_header(path: Path, shape: Shape, storage: str = "F16") -> Path:
    """Write the header of a model, its matrices stored as ``F16`` or ``Q4_K_M``; there are no weights behind it."""
    writer = _begun(path, shape)
    for name, dimensions in _tensors(shape).items():
        _add(writer, name, dimensions, _type_of(name, dimensions, shape, storage))
    return _ended(writer, path)


def write_parts(folder: Path, shape: Shape, storage: str, n_parts: int) -> Path:
    """The same as a split model; gives the first part's path."""
    tensors = list(_tensors(shape).items())
    step = -(-len(tensors) // n_parts)
    for number in range(n_parts):
        path = folder / f"model-{number + 1:05d}-of-{n_parts:05d}.gguf"
        writer = _begun(path, shape) if number == 0 else GGUFWriter(path, shape.architecture)
        writer.add_uint16("split.no", number)
        writer.add_uint16("split.count", n_parts)
        writer.add_int32("split.tensors.count", len(tensors))
        for name, dimensions in tensors[number * step : (number + 1) * step]:
            _add(writer, name, dimensions, _type_of(name, dimensions, shape, storage))
        _ended(writer, path)
    return folder / f"model-00001-of-{n_parts:05d}.gguf"


def write_mamba(path: Path, n_layers: int = 64, width: int = 2560, n_vocab: int = 50280) -> Path:
    """Mamba 2.8B: no attention, a state of fixed size a layer."""
    inner = 2 * width
    writer = GGUFWriter(path, "mamba")
    writer.add_context_length(1 << 20)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(0)
    writer.add_head_count(0)
    writer.add_block_count(n_layers)
    writer.add_ssm_conv_kernel(4)
    writer.add_ssm_inner_size(inner)
    writer.add_ssm_state_size(16)
    writer.add_ssm_time_step_rank(160)
    writer.add_layer_norm_rms_eps(1e-5)
    _add_vocabulary(writer, n_vocab)
    tensors: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (n_vocab, width),
        "output_norm.weight": (width,),
    }
    for layer in range(n_layers):
        block = {
            "attn_norm.weight": (width,),
            "ssm_in.weight": (2 * inner, width),
            "ssm_out.weight": (width, inner),
        }
        block |= {
            "ssm_conv1d.weight": (inner, 4),
            "ssm_x.weight": (192, inner),
            "ssm_dt.weight": (inner, 160),
        }
        tensors |= {f"blk.{layer}.{key}": dimensions for key, dimensions in block.items()}
    for name, dimensions in tensors.items():
        _add(writer, name, dimensions, "F16" if len(dimensions) > 1 else "F32")
    return _ended(writer, path)


def _begun(path: Path, shape: Shape) -> GGUFWriter:
    writer = GGUFWriter(path, shape.architecture)
    writer.add_context_length(shape.n_ctx)
    writer.add_embedding_length(shape.width)
    writer.add_feed_forward_length(shape.inner)
    writer.add_block_count(shape.n_layers)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads_kv)
    if shape.architecture == "gptneox":
        writer.add_layer_norm_eps(1e-5)
        writer.add_parallel_residual(True)
        writer.add_rope_dimension_count(shape.width // shape.heads // 4)
    else:
        writer.add_layer_norm_rms_eps(1e-5)
        writer.add_rope_dimension_count(shape.width // shape.heads)
    if shape.experts is not None:
        writer.add_expert_count(shape.experts[0])
        writer.add_expert_used_count(shape.experts[1])
    if shape.window:
        writer.add_sliding_window(shape.window)
    _add_vocabulary(writer, shape.n_vocab)
    return writer


def _add_vocabulary(writer: GGUFWriter, n_vocab: int) -> None:
    writer.add_tokenizer_model("llama")
    writer.add_array("tokenizer.ggml.tokens", [f"t{number}" for number in range(n_vocab)])
    writer.add_token_types([1] * n_vocab)
    writer.add_token_scores([0.0] * n_vocab)


def _ended(writer: GGUFWriter, path: Path) -> Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    return path


def _add(writer: GGUFWriter, name: str, dimensions: tuple[int, ...], kind: str) -> None:
    stored = GGMLQuantizationType[kind]
    block, size = GGML_QUANT_SIZES[stored]
    n_bytes = int(np.prod(dimensions, dtype=np.int64)) // block * size
    writer.add_tensor_info(name, dimensions, np.dtype(np.float32), n_bytes, raw_dtype=stored)


def _type_of(name: str, dimensions: tuple[int, ...], shape: Shape, storage: str) -> str:
    if len(dimensions) == 1 or name.endswith("ffn_gate_inp.weight"):
        return "F32"
    if storage != "Q4_K_M":
        return storage
    if name == "output.weight" or (shape.tied and name == "token_embd.weight"):
        return "Q6_K"
    if shape.experts == (8, 2) and name.endswith("attn_v.weight"):
        return "Q8_0"
    if not name.endswith(("attn_v.weight", "ffn_down.weight", "ffn_down_exps.weight")):
        return "Q4_K"
    layer, n = int(name.split(".")[1]), shape.n_layers
    return "Q6_K" if layer < n // 8 or layer >= 7 * n // 8 or (layer - n // 8) % 3 == 2 else "Q4_K"


def _tensors(shape: Shape) -> dict[str, tuple[int, ...]]:
    """Names to dimensions, the slowest first."""
    width, inner, neox = shape.width, shape.inner, shape.architecture == "gptneox"
    grouped = width // shape.heads * shape.heads_kv
    found: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (shape.n_vocab, width),
        "output_norm.weight": (width,),
    }
    if neox:
        found["output_norm.bias"] = (width,)
    if not shape.tied:
        found["output.weight"] = (shape.n_vocab, width)
    for layer in range(shape.n_layers):
        block: dict[str, tuple[int, ...]] = {
            "attn_norm.weight": (width,),
            "ffn_norm.weight": (width,),
            "attn_output.weight": (width, width),
        }
        if neox:
            block |= {"attn_qkv.weight": (3 * width, width), "attn_qkv.bias": (3 * width,)}
            block |= {"ffn_up.weight": (inner, width), "ffn_down.weight": (width, inner)}
            block |= {"attn_norm.bias": (width,), "ffn_norm.bias": (width,), "attn_output.bias": (width,)}
            block |= {"ffn_up.bias": (inner,), "ffn_down.bias": (width,)}
        else:
            block |= {"attn_q.weight": (width, width)}
            block |= {"attn_k.weight": (grouped, width), "attn_v.weight": (grouped, width)}
        if shape.experts is not None:
            n = shape.experts[0]
            block |= {"ffn_gate_inp.weight": (n, width), "ffn_gate_exps.weight": (n, inner, width)}
            block |= {"ffn_up_exps.weight": (n, inner, width), "ffn_down_exps.weight": (n, width, inner)}
        elif not neox:
            block |= {"ffn_gate.weight": (inner, width), "ffn_up.weight": (inner, width)}
            block |= {"ffn_down.weight": (width, inner)}
        found |= {f"blk.{layer}.{key}": dimensions for key, dimensions in block.items()}
    return found
