"""A tiny Mamba with random weights: a model that keeps a state instead of a cache, and can forget no part of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from gguf import GGUFWriter

from tiny_models import byte_vocabulary

WIDTH, INNER, STATE, CONV, RANK = 64, 128, 16, 4, 4


def write_mamba(path: Path, *, n_layers: int = 2, seed: int = 0) -> Path:
    """Write it and return its path."""
    words = byte_vocabulary()
    writer = GGUFWriter(path, "mamba")
    writer.add_name("tiny mamba")
    writer.add_context_length(4096)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(0)
    writer.add_head_count(0)
    writer.add_block_count(n_layers)
    writer.add_ssm_conv_kernel(CONV)
    writer.add_ssm_inner_size(INNER)
    writer.add_ssm_state_size(STATE)
    writer.add_ssm_time_step_rank(RANK)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_array("tokenizer.ggml.tokens", words.tokens)
    writer.add_token_types(words.types)
    for key, (value, kind, element) in words.entries.items():
        writer.add_key_value(key, value, kind, element)
    rng = np.random.default_rng(seed)

    def matrix(name: str, *shape: int) -> None:
        writer.add_tensor(name, (rng.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32))

    matrix("token_embd.weight", len(words.tokens), WIDTH)
    matrix("output.weight", len(words.tokens), WIDTH)
    writer.add_tensor("output_norm.weight", np.ones(WIDTH, dtype=np.float32))
    for layer in range(n_layers):
        block = f"blk.{layer}."
        writer.add_tensor(block + "attn_norm.weight", np.ones(WIDTH, dtype=np.float32))
        matrix(block + "ssm_in.weight", 2 * INNER, WIDTH)
        matrix(block + "ssm_conv1d.weight", INNER, CONV)
        writer.add_tensor(block + "ssm_conv1d.bias", np.zeros(INNER, dtype=np.float32))
        matrix(block + "ssm_x.weight", RANK + 2 * STATE, INNER)
        matrix(block + "ssm_dt.weight", INNER, RANK)
        writer.add_tensor(block + "ssm_dt.bias", np.zeros(INNER, dtype=np.float32))
        writer.add_tensor(block + "ssm_a", -np.ones((INNER, STATE), dtype=np.float32))
        writer.add_tensor(block + "ssm_d", np.ones(INNER, dtype=np.float32))
        matrix(block + "ssm_out.weight", WIDTH, INNER)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
