"""What each part of a model takes in memory: every layer, the input, the output, the work.

Works from the header alone, by the formulas that llama.cpp allocates by (figures marked measured were). Does not know
how much memory there is, nor which part lies where.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ockit.errors import ModelFileError
from ockit.formats.ggml_types import BY_NAME
from ockit.formats.gguf_header import GGUFHeader, read_header
from ockit.formats.gguf_tensors import TensorInfo
from ockit.formats.loadable import part_paths

CACHE_STEP = 256
"""llama.cpp rounds the cache up to a multiple of this many tokens."""

_INPUT = frozenset(("token_embd", "position_embd", "token_types", "per_layer_token_embd"))
"""Tensors of the input (LLM_TENSOR_LAYER_INPUT of llama-arch.cpp)."""

_VOCABULARY_ENTRY = (
    180  # bytes llama.cpp spends on a token or a merge, measured with 32,000 to 150,000 of them
)
_PROCESS = 8 << 20  # bytes for graphs, threads and their work buffers, measured
_COPIES = (
    3  # further copies of a graph's input that llama.cpp may keep to let several GPUs overlap (4 in all)
)
_GPU_POOL = 64 << 20  # bytes for a back end's own buffers; not measured: room to spare


@dataclass(frozen=True)
class LayerNeed:
    """Bytes of one layer; its cache lies where it lies."""

    weights: int
    kv_cache: int

    @property
    def total(self) -> int:
        """Both."""
        return self.weights + self.kv_cache


@dataclass(frozen=True)
class Needs:
    """Bytes of a whole model at one context.

    Attributes:
        layers: one need a layer.
        embedding: the tensors of the input, which never leave main memory.
        output: the output matrix and all else that is outside the layers.
        output_copy: what the output takes besides, where it is not in main memory: a file without an output matrix
            uses its embedding for one, and then that is copied.
        compute: work memory of the process, in main memory.
        scratch: work memory on each GPU that holds a part.
        largest_matrix: the largest tensor of any layer. Where layers stay in main memory, llama.cpp brings their
            matrices to the first GPU one by one to read a prompt, and needs so much more there.
    """

    layers: tuple[LayerNeed, ...]
    embedding: int
    output: int
    output_copy: int
    compute: int
    scratch: int
    largest_matrix: int


def needs(
    header: GGUFHeader,
    n_ctx: int,
    *,
    n_ubatch: int = 512,
    kv_type: str = "f16",
    flash_attention: bool = True,
) -> Needs:
    """What the parts of a model take once a full context is in use.

    - layers: the tensors as stored, and for each layer ``n_ctx * heads_kv * (key_length + value_length)`` values of
      cache; the lengths default to ``embedding_length / head_count``. Sliding windows are ignored, so the cache is
      an upper bound. Recurrent layers (``ssm.*``) keep a state of fixed size instead.
    - compute: the activations of one layer for a batch, ``4 * n_ubatch * (3 * width + 2 * feed_forward + heads *
      (key_length + value_length))``; the mask, ``2 * n_ubatch * n_ctx``; without flash attention the scores,
      ``4 * n_ubatch * n_ctx * heads``; one row of logits; the vocabulary's tables.
    - scratch: those activations, mask and scores, the copies of the graph's input, and a back end's own buffers.

    Args:
        header: of a file that passed `ockit.formats.loadable.check_loadable`.
        n_ctx: context in tokens.
        n_ubatch: tokens of one prefill step.
        kv_type: storage type of the cache, such as ``f16`` or ``q8_0``.
        flash_attention: whether it is on.

    Raises:
        ModelFileError: a further part of a split model cannot be read, or an array has too few layers.
    """
    shape = _Shape(header)
    layers = range(shape.n_layers)
    batch = min(n_ubatch, n_ctx)
    heads = max((shape.heads(layer) for layer in layers), default=0)
    attention = heads * (shape.key_length + shape.value_length)
    activations = 4 * batch * (3 * shape.width + 2 * shape.feed_forward + attention)
    scores = batch * n_ctx * (2 if flash_attention else 4 * (1 + heads))
    merges = header.array("tokenizer.ggml.merges")
    entries = header.n_vocab + (merges.count if merges else 0)
    tensors = whole(header).tensors
    weights = [0] * shape.n_layers
    for tensor in tensors:
        layer = layer_of(tensor)
        if layer is not None and layer < shape.n_layers:
            weights[layer] += tensor.n_bytes
    outside = [tensor for tensor in tensors if layer_of(tensor) is None]
    first = {tensor.name.partition(".")[0] for tensor in outside}
    embedding = [tensor for tensor in outside if tensor.name.partition(".")[0] in _INPUT]
    tied = "output" not in first
    return Needs(
        layers=tuple(LayerNeed(weights[layer], shape.cache(layer, n_ctx, kv_type)) for layer in layers),
        embedding=_size(embedding),
        output=_size(outside) - _size(embedding),
        output_copy=_size([tensor for tensor in embedding if tied and tensor.name == "token_embd.weight"]),
        compute=activations + scores + 4 * header.n_vocab + _VOCABULARY_ENTRY * entries + _PROCESS,
        scratch=activations + scores + _COPIES * batch * (2 * n_ctx + 4 * shape.width) + _GPU_POOL,
        largest_matrix=max((t.n_bytes for t in tensors if layer_of(t) is not None), default=0),
    )


def whole(header: GGUFHeader) -> GGUFHeader:
    """The header with the tensors of all parts of a split model, where it has those of its first part alone.

    Raises:
        ModelFileError: a part cannot be read.
    """
    if len(header.tensors) >= (header.integer("split.tensors.count") or 0):
        return header
    others = [read_header(path).tensors for path in part_paths(header)[1:]]
    return replace(header, tensors=sum(others, header.tensors))


def layer_of(tensor: TensorInfo) -> int | None:
    """The layer a tensor belongs to; None for one outside the layers."""
    first, _, rest = tensor.name.partition(".")
    number = rest.partition(".")[0]
    return int(number) if first == "blk" and number.isascii() and number.isdigit() else None


def _size(tensors: Sequence[TensorInfo]) -> int:
    return sum(tensor.n_bytes for tensor in tensors)


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
