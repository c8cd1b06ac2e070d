"""How much memory a model will take on this machine, and whether that is there.

Works from the header alone; loads nothing. The formulas follow what llama.cpp allocates (measured: within a few
per cent of the resident memory of a loaded process); graphics memory is llama.cpp's own concern.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ockit.errors import DoesNotFit, ModelFileError
from ockit.formats.ggml_types import BY_NAME
from ockit.formats.gguf_header import GGUFHeader, read_header
from ockit.formats.gguf_tensors import TensorInfo
from ockit.formats.loadable import part_paths
from ockit.models.free_memory import available

CACHE_STEP = 256
"""llama.cpp rounds the cache up to a multiple of this many tokens."""

LARGEST_DEFAULT_CONTEXT = 8192
"""Tokens of context where nobody asks for more: longer ones cost memory that most chats never use."""

SMALLEST_CONTEXT = 512
"""A context below this is not worth proposing."""

_VOCABULARY_ENTRY = (
    180  # bytes llama.cpp spends on a token or a merge, measured with 32,000 to 150,000 of them
)
_PROCESS = 8 << 20  # bytes for graphs, threads and their work buffers, measured


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes of main memory, in three parts."""

    weights: int
    kv_cache: int
    compute: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.kv_cache + self.compute


def estimate(
    header: GGUFHeader,
    n_ctx: int,
    *,
    n_ubatch: int = 512,
    kv_type: str = "f16",
    gpu_layers: int = 0,
    flash_attention: bool = True,
) -> MemoryEstimate:
    """The main memory a model takes once a full context is in use.

    - weights: the tensors as stored. A token embedding stays in main memory whatever is offloaded.
    - kv_cache: for each layer ``n_ctx * heads_kv * (key_length + value_length)`` values; the lengths default to
      ``embedding_length / head_count``. Sliding windows are ignored, so it is an upper bound. Recurrent layers
      (``ssm.*``) keep a state of fixed size instead.
    - compute: the activations of one layer for a batch, ``4 * n_ubatch * (3 * width + 2 * feed_forward + heads *
      (key_length + value_length))``; the mask, ``2 * n_ubatch * n_ctx``; without flash attention the scores,
      ``4 * n_ubatch * n_ctx * heads``; one row of logits; the vocabulary's tables.

    Args:
        header: of a file that passed `ockit.formats.loadable.check_loadable`.
        n_ctx: context in tokens; 0 is the model's own.
        n_ubatch: tokens of one prefill step.
        kv_type: storage type of the cache, such as ``f16`` or ``q8_0``.
        gpu_layers: how many layers, counted from the last, lie on a graphics card with their cache; a negative
            number, or more than there are, is all of them and the output matrix.
        flash_attention: whether it is on.

    Raises:
        ModelFileError: a further part of a split model cannot be read.
    """
    n_ctx = n_ctx or header.n_ctx_train
    shape = _Shape(header)
    on_cpu = range(shape.n_layers) if gpu_layers >= 0 else range(0)
    on_cpu = on_cpu[: max(0, shape.n_layers - gpu_layers)]
    batch = min(n_ubatch, n_ctx)
    heads = max((shape.heads(layer) for layer in range(shape.n_layers)), default=0)
    attention = heads * (shape.key_length + shape.value_length)
    activations = 4 * batch * (3 * shape.width + 2 * shape.feed_forward + attention)
    scores = batch * n_ctx * (2 if flash_attention else 4 * (1 + heads))
    merges = header.array("tokenizer.ggml.merges")
    entries = header.n_vocab + (merges.count if merges else 0)
    return MemoryEstimate(
        weights=_weights(header, on_cpu, offloaded_output=gpu_layers < 0 or gpu_layers > shape.n_layers),
        kv_cache=sum(shape.cache(layer, n_ctx, kv_type) for layer in on_cpu),
        compute=activations + scores + 4 * header.n_vocab + _VOCABULARY_ENTRY * entries + _PROCESS,
    )


def context_of(header: GGUFHeader, ctx_size: int) -> int:
    """The context in tokens that ``ctx_size`` means for a model: 0 is its own, at most `LARGEST_DEFAULT_CONTEXT`."""
    return ctx_size or min(LARGEST_DEFAULT_CONTEXT, header.n_ctx_train or LARGEST_DEFAULT_CONTEXT)


def report(header: GGUFHeader, ctx_size: int, *, gpu_layers: int = 0) -> dict[str, Any]:
    """What a model needs at a context of ``ctx_size`` tokens (see `context_of`), in bytes, and whether that much is
    free, as a JSON-ready object.

    Raises:
        ModelFileError: as for `estimate`.
    """
    n_ctx = context_of(header, ctx_size)
    need, free = estimate(header, n_ctx, gpu_layers=gpu_layers), available()
    return {
        "n_ctx": n_ctx,
        "weights": need.weights,
        "kv_cache": need.kv_cache,
        "compute": need.compute,
        "total": need.total,
        "available": free,
        "fits": need.total <= free,
    }


def check_fits(
    header: GGUFHeader, n_ctx: int, *, gpu_layers: int = 0, memory: Callable[[], int] = available
) -> None:
    """Return if there is memory for the model.

    Args:
        header: of a loadable file.
        n_ctx: context in tokens; 0 is the model's own.
        gpu_layers: as for `estimate`.
        memory: says how many bytes are free.

    Raises:
        DoesNotFit: it needs more than is free; the hint names the largest context that would fit.
    """
    n_ctx = n_ctx or header.n_ctx_train
    needed, free = estimate(header, n_ctx, gpu_layers=gpu_layers), memory()
    if needed.total <= free:
        return
    raise DoesNotFit(
        f"the model needs {_gib(needed.total)} of memory (weights {_gib(needed.weights)}, "
        f"a context of {n_ctx} tokens {_gib(needed.kv_cache)}, work {_gib(needed.compute)}), "
        f"but {_gib(free)} are available",
        where=str(header.path),
        hint=_way_out(header, n_ctx, gpu_layers, free),
    )


def largest_context(header: GGUFHeader, n_ctx: int, free: int, *, gpu_layers: int = 0) -> int:
    """The largest context in tokens, a multiple of 256 and at most ``n_ctx``, for ``free`` bytes; 0 for none."""
    low, high = 0, n_ctx // CACHE_STEP  # in steps; low fits or is 0
    while low < high:
        middle = (low + high + 1) // 2
        if estimate(header, middle * CACHE_STEP, gpu_layers=gpu_layers).total <= free:
            low = middle
        else:
            high = middle - 1
    return low * CACHE_STEP


def _way_out(header: GGUFHeader, n_ctx: int, gpu_layers: int, free: int) -> str:
    context = largest_context(header, n_ctx, free, gpu_layers=gpu_layers)
    if context >= SMALLEST_CONTEXT:
        first = f"ask for a smaller context: --ctx-size {context}"
    else:
        first = f"take a smaller quantization of the model (this file is {header.quantization})"
    return f"{first}; or close other programs; or switch this check off: ockit config set memory_check off"


def _gib(n: int) -> str:
    return f"{n / (1 << 30):.2f} GiB"


def _weights(header: GGUFHeader, on_cpu: range, *, offloaded_output: bool) -> int:
    tensors = list(header.tensors)
    if len(tensors) < (header.integer("split.tensors.count") or 0):  # the first part alone
        for path in part_paths(header)[1:]:
            tensors += read_header(path).tensors
    return sum(tensor.n_bytes for tensor in tensors if _stays(tensor, on_cpu, offloaded_output))


def _stays(tensor: TensorInfo, on_cpu: range, offloaded_output: bool) -> bool:
    first, _, rest = tensor.name.partition(".")
    if first == "blk":
        number = rest.partition(".")[0]
        return not number.isdigit() or int(number) in on_cpu
    return first == "token_embd" or not offloaded_output


class _Shape:
    """A model's dimensions, layer by layer."""

    def __init__(self, header: GGUFHeader) -> None:
        self._header = header
        self.n_layers = header.n_layers
        self.width = self._integer("embedding_length", 0)
        heads = self.heads(0) or 1
        self.key_length = self._integer("attention.key_length", self.width // heads)
        self.value_length = self._integer("attention.value_length", self.width // heads)
        experts = self._integer("expert_feed_forward_length", 0) * self._integer("expert_used_count", 0)
        layers = range(self.n_layers)
        self.feed_forward = max(
            (self._in_layer("feed_forward_length", layer, 4 * self.width) for layer in layers), default=0
        )
        self.feed_forward = max(self.feed_forward, experts)

    def heads(self, layer: int) -> int:
        """Attention heads of a layer."""
        return self._in_layer("attention.head_count", layer, 0)

    def cache(self, layer: int, n_ctx: int, kv_type: str) -> int:
        """Bytes a layer keeps of ``n_ctx`` tokens."""
        tokens = -(-n_ctx // CACHE_STEP) * CACHE_STEP
        values = tokens * self._in_layer("attention.head_count_kv", layer, self.heads(layer))
        values *= self.key_length + self.value_length
        kind = BY_NAME[kv_type.upper()]
        return values * kind.size // kind.block + 4 * self._state()

    def _state(self) -> int:
        """Values of a recurrent layer's state (Mamba: the convolution's window and the state proper)."""
        size, inner = self._integer("ssm.state_size", 0), self._integer("ssm.inner_size", 0)
        window = max(0, self._integer("ssm.conv_kernel", 1) - 1)
        return window * (inner + 2 * self._integer("ssm.group_count", 0) * size) + size * inner

    def _integer(self, name: str, default: int) -> int:
        value = self._header.integer(f"{self._header.architecture}.{name}")
        return default if value is None else value

    def _in_layer(self, name: str, layer: int, default: int) -> int:
        array = self._header.array(f"{self._header.architecture}.{name}")
        if array is None:
            return self._integer(name, default)
        if array.values is None or layer >= array.count:
            raise ModelFileError(
                f"{name} has {array.count} elements for {self.n_layers} layers", where=str(self._header.path)
            )
        return int(array.values[layer])
