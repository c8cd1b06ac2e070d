"""What can be said of a model from its file alone, as a JSON-ready object for ``ockit inspect``."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ockit.errors import OckitError
from ockit.formats.gguf_header import GGUFHeader
from ockit.formats.loadable import check_loadable
from ockit.models.kinds import kind_of
from ockit.models.memory import report
from ockit.prompts.recognise import recognise

_ROLES = (
    "bos eos eot eom unknown padding seperator cls mask fim_pre fim_suf fim_mid".split()
)  # as GGUF spells them


def inspection(header: GGUFHeader, *, ctx_size: int = 0, gpu_layers: int = 0) -> dict[str, Any]:
    """Everything but the list of tensors. Sizes are in bytes.

    Args:
        header: of a whole model (`ockit.models.parts.read_model`).
        ctx_size: context for the memory estimate in tokens, as for `ockit.models.memory.context_of`.
        gpu_layers: as for `ockit.models.memory.estimate`.
    """
    problem = _problem(header)
    template = recognise(header.chat_template)
    return {
        "path": str(header.path),
        "file_size": header.file_size,
        "gguf_version": header.version,
        "kind": kind_of(header),
        "problem": problem,
        "architecture": header.architecture,
        "name": header.name,
        "license": header.text("general.license"),
        "quantization": header.quantization,
        "n_params": header.n_params,
        "n_ctx_train": header.n_ctx_train,
        "n_layers": header.n_layers,
        "width": _one(header, "embedding_length"),
        "feed_forward": _one(header, "feed_forward_length"),
        "heads": _one(header, "attention.head_count"),
        "heads_kv": _one(header, "attention.head_count_kv"),
        "experts": _one(header, "expert_count"),
        "experts_used": _one(header, "expert_used_count"),
        "tokenizer": header.text("tokenizer.ggml.model"),
        "n_vocab": header.n_vocab,
        "special_tokens": _special_tokens(header),
        "template": template.name if template is not None else None,
        "template_text": header.chat_template,
        "tensor_types": _tensor_types(header),
        "memory": report(header, ctx_size, gpu_layers=gpu_layers) if problem is None else None,
    }


def tensor_rows(header: GGUFHeader) -> list[dict[str, Any]]:
    """One object a tensor; shapes have the fastest dimension first, as the file writes them."""
    return [
        {"name": tensor.name, "shape": list(tensor.shape), "type": tensor.kind.name, "size": tensor.n_bytes}
        for tensor in header.tensors
    ]


def _problem(header: GGUFHeader) -> str | None:
    """Why llama.cpp cannot be given the file; to say that is what inspecting is for, so it is no error here."""
    try:
        check_loadable(header)
    except OckitError as error:
        return error.what
    return None


def _one(header: GGUFHeader, name: str) -> int | list[int] | None:
    """A number of the architecture, or where layers differ one for each."""
    array = header.array(f"{header.architecture}.{name}")
    if array is None or array.values is None:
        return header.integer(f"{header.architecture}.{name}")
    numbers = [int(value) for value in array.values if isinstance(value, int)]
    return numbers[0] if numbers and len(set(numbers)) == 1 else numbers


def _special_tokens(header: GGUFHeader) -> dict[str, dict[str, Any]]:
    found = {role: header.integer(f"tokenizer.ggml.{role}_token_id") for role in _ROLES}
    ids = {role: token for role, token in found.items() if token is not None}
    if not ids:
        return {}
    texts = header.strings("tokenizer.ggml.tokens")
    return {
        role: {
            "id": token,
            "text": texts[token].decode("utf-8", "replace") if 0 <= token < len(texts) else None,
        }
        for role, token in ids.items()
    }


def _tensor_types(header: GGUFHeader) -> list[dict[str, Any]]:
    """How many tensors there are of each type, how many values and bytes; the largest first."""
    count: Counter[str] = Counter()
    values: Counter[str] = Counter()
    size: Counter[str] = Counter()
    for tensor in header.tensors:
        count[tensor.kind.name] += 1
        values[tensor.kind.name] += tensor.n_elements
        size[tensor.kind.name] += tensor.n_bytes
    return [
        {"type": kind, "count": count[kind], "n_params": values[kind], "size": n_bytes}
        for kind, n_bytes in size.most_common()
    ]
