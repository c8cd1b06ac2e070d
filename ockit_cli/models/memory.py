"""How much memory a model will take on this machine, and whether that is there.

Works from the header alone; loads nothing. The formulas follow what llama.cpp allocates (measured: within a few
per cent of the resident memory of a loaded process); graphics memory is llama.cpp's own concern.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ockit.errors import DoesNotFit
from ockit.formats.gguf_header import GGUFHeader
from ockit.models.free_memory import available
from ockit.models.needs import CACHE_STEP, needs, whole

LARGEST_DEFAULT_CONTEXT = 8192
"""Tokens of context where nobody asks for more: longer ones cost memory that most chats never use."""

SMALLEST_CONTEXT = 512
"""A context below this is not worth proposing."""


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
    """The main memory a model takes once a full context is in use: see `ockit.models.needs` for its parts.

    Args:
        header: of a file that passed `ockit.formats.loadable.check_loadable`.
        n_ctx: context in tokens; 0 is the model's own.
        n_ubatch: tokens of one prefill step.
        kv_type: storage type of the cache, such as ``f16`` or ``q8_0``.
        gpu_layers: llama.cpp's ``n_gpu_layers``: what lies on graphics cards with its cache, counted from the end.
            The output is the first, the last layer the second, and so on; a negative number, or more than there
            are, is all of them. A token embedding stays in main memory whatever is offloaded.
        flash_attention: whether it is on.

    Raises:
        ModelFileError: a further part of a split model cannot be read.
    """
    n_ctx = n_ctx or header.n_ctx_train
    need = needs(header, n_ctx, n_ubatch=n_ubatch, kv_type=kv_type, flash_attention=flash_attention)
    n_parts = len(need.layers) + 1
    offloaded = n_parts if gpu_layers < 0 else min(gpu_layers, n_parts)
    layers = need.layers[: n_parts - offloaded]
    return MemoryEstimate(
        weights=need.embedding + sum(layer.weights for layer in layers) + (0 if offloaded else need.output),
        kv_cache=sum(layer.kv_cache for layer in layers),
        compute=need.compute,
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
    header = whole(header)
    return largest_for(n_ctx, lambda n: estimate(header, n, gpu_layers=gpu_layers).total <= free)


def largest_for(n_ctx: int, fits: Callable[[int], bool]) -> int:
    """The largest multiple of 256 tokens up to ``n_ctx`` that `fits`, which a smaller one then must too; 0 for none."""
    low, high = 0, n_ctx // CACHE_STEP  # in steps; low fits or is 0
    while low < high:
        middle = (low + high + 1) // 2
        if fits(middle * CACHE_STEP):
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
