"""A GGUF model that writes one given text, piece by piece, over and over: a real engine, and very fast.

Its single layer adds nothing; each piece's embedding has its own direction, and the output matrix turns it into the
next piece. So the screen, not the model, is what an answer of thousands of lines waits for. Knows no chat.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from gguf import GGUFWriter

UNKNOWN, CONTROL, NORMAL, BYTE = 2, 3, 1, 6
CHATML = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>'"
    " + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def write_endless(path: Path, pieces: Sequence[str]) -> Path:
    """Write the model; gives its path.

    Args:
        path: where to.
        pieces: what it writes in this order, each once, from the last on to the first again; no two are the same.
    """
    special = ["<unk>", "<s>", "</s>"]
    single = [f"<0x{byte:02X}>" for byte in range(256)]
    tokens = [*special, *single, *pieces, "<|im_start|>", "<|im_end|>"]
    types = [UNKNOWN, CONTROL, CONTROL, *[BYTE] * 256, *[NORMAL] * len(pieces), CONTROL, CONTROL]
    width = -(-len(tokens) // 32) * 32
    first = len(special) + len(single)
    after = np.full(len(tokens), first)  # whatever the prompt ends with, the text begins
    after[first : first + len(pieces) - 1] = np.arange(first + 1, first + len(pieces))
    output = np.zeros((len(tokens), width), dtype=np.float32)
    output[after, np.arange(len(tokens))] = 1.0

    writer = GGUFWriter(path, "llama")
    writer.add_name("endless")
    writer.add_context_length(32768)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(1)
    writer.add_head_count_kv(1)
    writer.add_key_length(32)
    writer.add_value_length(32)
    writer.add_rope_dimension_count(32)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_scores([-float(number) for number in range(len(tokens))])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(True)
    writer.add_chat_template(CHATML)
    zeros = {"attn_q": (32, width), "attn_k": (32, width), "attn_v": (32, width), "attn_output": (width, 32)}
    zeros |= {"ffn_gate": (32, width), "ffn_up": (32, width), "ffn_down": (width, 32)}
    writer.add_tensor("token_embd.weight", np.eye(len(tokens), width, dtype=np.float32))
    writer.add_tensor("output_norm.weight", np.ones(width, dtype=np.float32))
    writer.add_tensor("output.weight", output)
    for name in ("attn_norm", "ffn_norm"):
        writer.add_tensor(f"blk.0.{name}.weight", np.ones(width, dtype=np.float32))
    for name, shape in zeros.items():
        writer.add_tensor(f"blk.0.{name}.weight", np.zeros(shape, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
