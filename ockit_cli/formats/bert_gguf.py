"""A BERT sentence embedder as a GGUF file: matrices as f16, everything else as f32.

The names of the tensors, the keys and the spelling of the vocabulary are those of llama.cpp's own converter
(``convert_hf_to_gguf.py``, class ``BertModel``). Numbers are read and written a tensor at a time, so that memory stays
at the size of the largest one. Knows no cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ockit.errors import ModelFileError
from ockit.formats.bounded import open_regular
from ockit.formats.low_rank import Changes
from ockit.formats.safetensors_header import SafeTensor, SafetensorsHeader, read_safetensors
from ockit.formats.sentence_model import WEIGHTS, BertFacts, read_bert

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CONVERTER_VERSION = 1
"""Part of an embedder's identity: changed whenever the same weights would give other vectors."""

_BLOCK = {
    "attention.self.query": ("attn_q", "n_embd", "n_embd"),
    "attention.self.key": ("attn_k", "n_embd", "n_embd"),
    "attention.self.value": ("attn_v", "n_embd", "n_embd"),
    "attention.output.dense": ("attn_output", "n_embd", "n_embd"),
    "intermediate.dense": ("ffn_up", "n_ff", "n_embd"),
    "output.dense": ("ffn_down", "n_embd", "n_ff"),
    "attention.output.LayerNorm": ("attn_output_norm", "n_embd", ""),
    "output.LayerNorm": ("layer_output_norm", "n_embd", ""),
}
_HALVES = tuple(
    f"{name}.weight"
    for name in ("token_embd", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_up", "ffn_down")
)
"""Written as f16; all else as f32."""


def convert(directory: Path, target: Path, name: str, changes: Changes | None = None) -> None:
    """Write the model of a sentence-transformers directory as one GGUF file.

    Args:
        directory: with the files of `ockit.formats.sentence_model.FILES`.
        target: is overwritten; the caller syncs and renames it.
        name: what the file calls the model.
        changes: are added to its matrices.

    Raises:
        NotFound, ModelFileError: a file is missing, damaged, or of a kind that llama.cpp does not run exactly; or a
            change is for a matrix that the model has not.
        OSError: the disk refuses.
    """
    import gguf

    facts = read_bert(directory)
    header = read_safetensors(directory / WEIGHTS)
    tensors = list(_tensors(facts, header))
    changed = _changed(changes, tensors)
    writer = gguf.GGUFWriter(target, "bert")
    try:
        _describe(writer, facts, name)
        for own, tensor in tensors:
            kind, size = _number(own)
            count = (tensor.end - tensor.start) // _bytes_of(tensor)
            writer.add_tensor_info(own, tensor.shape, kind, count * size)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        with open_regular(header.path) as (descriptor, _):
            for own, tensor in tensors:
                numbers = _read(descriptor, tensor, header.path)
                if changes is not None and own in changed:
                    numbers = changes.added_to(changed[own], numbers)
                writer.write_tensor_data(numbers.astype(_number(own)[0]))
    finally:
        writer.close()


def _tensors(facts: BertFacts, header: SafetensorsHeader) -> Iterator[tuple[str, SafeTensor]]:
    """The tensors that llama.cpp wants, by its names, each checked for its shape."""
    prefix = "" if "embeddings.word_embeddings.weight" in header.tensors else "bert."
    n_embd = facts.n_embd
    outer = {
        "word_embeddings.weight": ("token_embd.weight", (len(facts.tokens), n_embd)),
        "position_embeddings.weight": ("position_embd.weight", (facts.n_positions, n_embd)),
        "token_type_embeddings.weight": ("token_types.weight", (facts.n_types, n_embd)),
        "LayerNorm.weight": ("token_embd_norm.weight", (n_embd,)),
        "LayerNorm.bias": ("token_embd_norm.bias", (n_embd,)),
    }
    wanted: list[tuple[str, str, tuple[int, ...]]] = [
        (own, f"{prefix}embeddings.{theirs}", shape) for theirs, (own, shape) in outer.items()
    ]
    for number in range(facts.n_layers):
        for theirs, (own, rows, columns) in _BLOCK.items():
            height = int(getattr(facts, rows))
            shape = (height, int(getattr(facts, columns))) if columns else (height,)
            place = f"{prefix}encoder.layer.{number}.{theirs}"
            wanted.append((f"blk.{number}.{own}.weight", f"{place}.weight", shape))
            wanted.append((f"blk.{number}.{own}.bias", f"{place}.bias", (height,)))
    for own, theirs, expected in wanted:
        tensor = header.tensors.get(theirs)
        if tensor is None or tensor.shape != expected or tensor.dtype not in ("F32", "F16", "BF16"):
            found = "is missing" if tensor is None else f"has the shape {tensor.shape} and is {tensor.dtype}"
            raise ModelFileError(
                f"the tensor {theirs} {found}; numbers of the shape {expected} were expected",
                where=str(header.path),
                hint="the weights and config.json are not of one model: fetch both again",
            )
        yield own, tensor


def _changed(changes: Changes | None, tensors: list[tuple[str, SafeTensor]]) -> dict[str, str]:
    """The matrices that changes are for: their names here, and in the changes."""
    if changes is None:
        return {}
    theirs = {tensor.name.removeprefix("bert.").removesuffix(".weight"): own for own, tensor in tensors}
    unknown = sorted(changes.names - theirs.keys())
    if unknown:
        raise ModelFileError(
            f"it changes {unknown[0]}, which the model has not",
            where=str(changes.path),
            hint="it was made for another model",
        )
    return {theirs[name]: name for name in changes.names}


def _describe(writer: Any, facts: BertFacts, name: str) -> None:
    import gguf

    writer.add_name(name)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_context_length(facts.n_positions)
    writer.add_embedding_length(facts.n_embd)
    writer.add_feed_forward_length(facts.n_ff)
    writer.add_block_count(facts.n_layers)
    writer.add_head_count(facts.n_heads)
    writer.add_layer_norm_eps(facts.norm_eps)
    writer.add_causal_attention(False)
    pooling = {"mean": gguf.PoolingType.MEAN, "cls": gguf.PoolingType.CLS}
    writer.add_pooling_type(pooling[facts.pooling])
    writer.add_token_type_count(facts.n_types)
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("jina-v2-en")  # what llama.cpp calls BERT's way to cut words
    control = set(facts.markers.values())
    writer.add_token_list([_phantom(token) for token in facts.tokens])
    kinds = gguf.TokenType
    writer.add_token_types(
        [kinds.CONTROL if number in control else kinds.NORMAL for number in range(len(facts.tokens))]
    )
    writer.add_bos_token_id(facts.markers["cls"])
    writer.add_sep_token_id(facts.markers["sep"])
    writer.add_unk_token_id(facts.markers["unk"])
    writer.add_pad_token_id(facts.markers["pad"])
    writer.add_mask_token_id(facts.markers["mask"])


def _phantom(token: str) -> str:
    """A token as llama.cpp spells it: the mark stands at the start of a word, not inside it."""
    if token.startswith("[") and token.endswith("]"):
        return token
    return token[2:] if token.startswith("##") else "▁" + token


def _number(own: str) -> tuple[Any, int]:
    """The type a tensor is written in, and its bytes."""
    import numpy as np

    half = own.endswith(_HALVES)
    return (np.dtype(np.float16), 2) if half else (np.dtype(np.float32), 4)


def _bytes_of(tensor: SafeTensor) -> int:
    return 4 if tensor.dtype == "F32" else 2


def _read(descriptor: int, tensor: SafeTensor, path: Path) -> NDArray[np.floating[Any]]:
    """The numbers of a tensor.

    Raises:
        ModelFileError: the file ends before them, or one of them is no number that f16 holds.
    """
    import numpy as np

    count = (tensor.end - tensor.start) // _bytes_of(tensor)
    kinds: dict[str, np.dtype[Any]] = {
        "F32": np.dtype("<f4"),
        "F16": np.dtype("<f2"),
        "BF16": np.dtype("<u2"),
    }
    with open(descriptor, "rb", closefd=False) as file:
        file.seek(tensor.start)
        numbers: NDArray[Any] = np.fromfile(file, kinds[tensor.dtype], count)
    if len(numbers) < count:
        raise ModelFileError(
            f"the file ends inside {tensor.name}", where=str(path), hint="it was changed while it was read"
        )
    if tensor.dtype == "BF16":
        numbers = (numbers.astype("<u4") << 16).view("<f4")
    if not np.isfinite(numbers).all() or np.abs(numbers).max(initial=0) > np.finfo(np.float16).max:
        raise ModelFileError(
            f"the tensor {tensor.name} holds what is no number, or one beyond f16's",
            where=str(path),
            hint="the file is damaged: fetch it again",
        )
    return numbers.reshape(tensor.shape)
