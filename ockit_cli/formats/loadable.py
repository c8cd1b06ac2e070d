"""Whether a sound GGUF header describes a model that llama.cpp can load without dying of it.

llama.cpp checks most of a file and says so politely; but some contradictions end in an assertion, which takes the
whole process, or in an absurd allocation. This module names those before. It does not repeat what llama.cpp
refuses by itself (unknown architectures, missing tensors, wrong shapes).
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from ockit.errors import ModelFileError
from ockit.formats.ggml_types import NOT_FOR_WEIGHTS
from ockit.formats.gguf_header import GGUFHeader, read_header

MAX_LAYERS = 512  # LLAMA_MAX_LAYERS
MAX_PARTS = 1000
_RANGES: dict[str, tuple[int, int]] = {
    "block_count": (1, MAX_LAYERS),
    "embedding_length": (1, 1 << 20),
    "context_length": (1, 1 << 28),
    "feed_forward_length": (0, 1 << 24),
    "attention.head_count": (0, 1 << 16),
    "attention.head_count_kv": (0, 1 << 16),
    "attention.key_length": (1, 1 << 16),
    "attention.value_length": (1, 1 << 16),
    "rope.dimension_count": (0, 1 << 16),
    "expert_count": (0, 4096),
    "expert_used_count": (0, 4096),
}
_REQUIRED = ("block_count", "embedding_length", "context_length")
_WITHOUT_HEADS = ("ssm.state_size", "wkv.head_size", "shortconv.l_cache")
_MAY_NOT_ROTATE = (*_WITHOUT_HEADS, "attention.kv_lora_rank")
_ROPE_SCALINGS = frozenset({"none", "linear", "yarn", "longrope"})
_WHOLE_ROPE = frozenset(
    "llama llama4 mistral3 qwen2 qwen2moe qwen2vl qwen3 qwen3moe gemma gemma2 gemma3 baichuan internlm2 minicpm "
    "olmo olmo2 olmoe orion xverse starcoder2 exaone granite granitemoe smollm3 arcee seed_oss".split()
)
"""Architectures that rotate the whole head; llama.cpp asserts it for most of them."""

_SPLIT_NAME = re.compile(r"^(?P<stem>.*)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf$", re.DOTALL)
_DAMAGED = "the file is damaged or badly converted: fetch another one of this model"


def read_loadable(path: Path) -> GGUFHeader:
    """`read_header`, then `check_loadable`."""
    header = read_header(path)
    check_loadable(header)
    return header


def check_loadable(header: GGUFHeader, *, whole: bool = True) -> None:
    """Return if llama.cpp can be given the file; unless `whole`, but for weights that are not there (`read_header`).

    Raises:
        NotFound: a part of a split model is missing.
        ModelFileError: the file holds no weights, contradicts itself, or is not a split model's first part.
    """
    if not header.architecture:
        raise _refused(header, "the file does not name its architecture (general.architecture)")
    _check_role(header)
    _check_parts(header, whole)
    _check_numbers(header)
    _check_heads(header)
    _check_vocabulary(header)
    _check_tensor_types(header)


def part_paths(header: GGUFHeader) -> tuple[Path, ...]:
    """All files of a split model in order, the given one included; just that one where there is no split.

    Raises:
        ModelFileError: the file says it is a part, but is not named like one.
    """
    count = header.integer("split.count") or 0
    if count <= 1:
        return (header.path,)
    if count > MAX_PARTS:
        raise _refused(header, f"the file claims to be one of {count} parts; the limit is {MAX_PARTS}")
    match = _SPLIT_NAME.match(header.path.name)
    if match is None or int(match["count"]) != count:
        raise _refused(
            header,
            f"this is part {(header.integer('split.no') or 0) + 1} of {count}, but is not named so",
            hint=f"name the parts NAME-00001-of-{count:05d}.gguf and so on, as they were published",
        )
    names = (f"{match['stem']}-{number:05d}-of-{count:05d}.gguf" for number in range(1, count + 1))
    return tuple(header.path.with_name(name) for name in names)


def _refused(header: GGUFHeader, what: str, hint: str = _DAMAGED) -> ModelFileError:
    return ModelFileError(what, where=str(header.path), hint=hint)


def _check_role(header: GGUFHeader) -> None:
    role = header.text("general.type")
    if role not in (None, "model"):
        hint = "give it to a model; name the model's own file here"
        raise _refused(header, f"this file holds not a model, but what GGUF calls {role!r}", hint)
    if not header.tensors:
        raise _refused(
            header,
            "the file holds a vocabulary but no weights" if header.n_vocab else "the file holds no weights",
            hint="it serves tests and tools; fetch the model itself",
        )


def _check_parts(header: GGUFHeader, whole: bool) -> None:
    paths = part_paths(header)
    if len(paths) == 1:
        return
    if header.integer("split.no") or header.path != paths[0]:
        raise _refused(
            header,
            f"this is not the first of the model's {len(paths)} parts",
            hint=f"name the first part: {paths[0].name}",
        )
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        shown = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
        raise _refused(
            header,
            f"{len(missing)} of the model's {len(paths)} parts are missing: {shown}",
            hint="fetch them too",
        )
    for number, path in enumerate(paths[1:], 1):
        part = read_header(path, whole=whole)
        if part.integer("split.no") != number or part.integer("split.count") != len(paths):
            raise _refused(part, f"the file is named part {number + 1}, but says otherwise of itself")
        _check_tensor_types(part)


def _check_numbers(header: GGUFHeader) -> None:
    for name, (low, high) in _RANGES.items():
        value = header.of_architecture(name)
        key = f"{header.architecture}.{name}"
        if value is None:
            if name in _REQUIRED:
                raise _refused(header, f"{key} is missing")
            continue
        for number in _numbers(header, key):
            if not isinstance(number, int) or isinstance(number, bool) or not low <= number <= high:
                raise _refused(header, f"{key} is {number!r}, but must lie between {low} and {high}")
    for key, number in header.metadata.items():
        if not isinstance(number, float) or not key.startswith(f"{header.architecture}."):
            continue
        if math.isnan(number) or (key.endswith("_epsilon") and not 0 <= number <= 1):
            raise _refused(header, f"{key} is {number}, which no model can have")
    scaling = header.of_architecture("rope.scaling.type")
    if scaling is not None and scaling not in _ROPE_SCALINGS:
        known = ", ".join(sorted(_ROPE_SCALINGS))
        raise _refused(header, f"the RoPE scaling type is {scaling!r}, but llama.cpp knows {known}")


def _numbers(header: GGUFHeader, key: str) -> tuple[object, ...]:
    """The one value of a scalar, or one a layer of an array."""
    array = header.array(key)
    if array is None:
        return (header.metadata.get(key),)
    if array.values is None or array.count > MAX_LAYERS:
        raise _refused(header, f"{key} has {array.count} elements, more than {MAX_LAYERS} layers")
    return array.values


def _check_heads(header: GGUFHeader) -> None:
    get = header.of_architecture
    heads, width, experts = get("attention.head_count"), get("embedding_length"), get("expert_count")
    used, rope = get("expert_used_count"), get("rope.dimension_count")
    if isinstance(experts, int) and isinstance(used, int) and not min(experts, 1) <= used <= experts:
        raise _refused(header, f"the model uses {used} of {experts} experts, which cannot be")
    if not heads and not any(get(name) for name in _WITHOUT_HEADS):
        raise _refused(header, f"{header.architecture}.attention.head_count is missing or 0")
    if not isinstance(heads, int) or not isinstance(width, int) or not heads:
        return  # an array a layer: llama.cpp compares it with the tensors
    grouped, size = get("attention.head_count_kv"), get("attention.key_length")
    if isinstance(grouped, int) and grouped and heads % grouped:
        raise _refused(header, f"{heads} attention heads cannot share {grouped} key/value heads evenly")
    if size is None:
        if width % heads:
            raise _refused(header, f"a width of {width} cannot be divided among {heads} attention heads")
        size = width // heads
    if not isinstance(rope, int) or not isinstance(size, int):
        return
    # a model that rotates nothing says so by its kind; elsewhere llama.cpp never returns from a 0
    idle = not rope and not any(get(name) for name in _MAY_NOT_ROTATE)
    if idle or rope > size or rope % 2 or (header.architecture in _WHOLE_ROPE and rope != size):
        raise _refused(header, f"rope.dimension_count is {rope}, but the heads have {size}")


def _check_vocabulary(header: GGUFHeader) -> None:
    tokens = header.array("tokenizer.ggml.tokens")
    if tokens is None or tokens.element_type != "str" or not tokens.count:
        raise _refused(header, "the file holds no vocabulary (tokenizer.ggml.tokens)")
    if header.text("tokenizer.ggml.model") is None:
        raise _refused(header, "the file does not name its tokenizer (tokenizer.ggml.model)")
    if header.doubled_token is not None:
        raise _refused(header, f"the token {header.doubled_token!r} occurs twice in the vocabulary")
    for name, element_type, length in (
        ("token_type", "i32", tokens.count),
        ("scores", "f32", tokens.count),
        ("merges", "str", None),
        ("precompiled_charsmap", ("u8", "i8"), None),
    ):
        key = f"tokenizer.ggml.{name}"
        array = header.array(key)
        if array is None:
            if key in header.metadata:
                raise _refused(header, f"{key} is {header.metadata[key]!r}, not an array")
            continue
        if array.element_type not in element_type:
            raise _refused(header, f"{key} is an array of {array.element_type}, not of {element_type}")
        if length is not None and array.count != length:
            raise _refused(header, f"{key} has {array.count} elements for {length} tokens")
    for name in ("bos", "eos"):  # of other ids out of range, common in real files, llama.cpp takes no notice
        key = f"tokenizer.ggml.{name}_token_id"
        token = header.metadata.get(key, 0)
        if not isinstance(token, int) or not 0 <= token < tokens.count:
            raise _refused(header, f"{key} is {token}, but there are {tokens.count} tokens")


def _check_tensor_types(header: GGUFHeader) -> None:
    for tensor in header.tensors:
        name, kind, flat = tensor.name, tensor.kind.name, len(tensor.shape) == 1
        if not name.endswith((".weight", ".bias")):
            continue
        if (flat or name.endswith((".bias", "norm.weight"))) and kind != "F32":
            raise _refused(header, f"the tensor {name!r} is stored as {kind}; llama.cpp takes it as F32 only")
        if not flat and kind in NOT_FOR_WEIGHTS and "tid2eid" not in name:  # a table of ids, not weights
            raise _refused(
                header, f"the tensor {name!r} is stored as {kind}, with which nothing can be computed"
            )
