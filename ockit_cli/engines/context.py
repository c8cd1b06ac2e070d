"""The context of a model: its key/value cache, small while little is said, whole once that is needed.

Setting up a context clears its whole cache, which for 8,192 tokens costs as long as reading a short question. So
the first one is sized for the first request; where a later one needs more, it is replaced once by a context of
the full size, and what is in the cache moves along, bit for bit.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

from ockit.engines.llama import binding, last_complaint
from ockit.engines.loading import AbortFlag
from ockit.engines.options import LoadOptions
from ockit.errors import DoesNotFit

BATCH = 512
"""Tokens of one prefill step: llama.cpp's physical batch, its best speed on CPUs and GPUs alike."""

FLASH_ATTENTION = {"auto": -1, "off": 0, "on": 1}

STEP = 256
"""llama.cpp rounds contexts up to a multiple of this."""


def new_context(
    model: Any,
    n_ctx: int,
    options: LoadOptions,
    abort: AbortFlag,
    threads: tuple[int, int],
    *,
    hint: str,
    **more: Any,
) -> Any:
    """A ``llama_context*``, for its owner to free.

    Args:
        n_ctx: its tokens.
        options: flash attention, offload.
        threads: how many compute one token, and a batch.
        hint: what helps where there is no memory for it.
        more: fields of ``llama_context_params``.

    Raises:
        DoesNotFit: there is not enough memory.
    """
    llama = binding()
    params = llama.llama_context_default_params()
    params.n_ctx = n_ctx
    params.n_batch = params.n_ubatch = min(BATCH, n_ctx)
    params.n_threads, params.n_threads_batch = threads
    params.flash_attn_type = FLASH_ATTENTION[options.flash_attention]
    params.op_offload = options.op_offload
    params.abort_callback = abort.callback
    params.abort_callback_data = abort.address
    for name, value in more.items():
        setattr(params, name, value)
    made = llama.llama_init_from_model(model, params)
    if not made:
        raise DoesNotFit(
            f"a context of {n_ctx} tokens cannot be set up: {last_complaint() or 'out of memory'}",
            where=Path(options.path).name,
            hint=hint,
        )
    return made


class Context:
    """A context of at most `limit` tokens.

    Args:
        model: the ``llama_model*``.
        options: context size, flash attention.
        abort: the flag that stops its computations.

    Attributes:
        limit: tokens it may come to hold.
    """

    def __init__(self, model: Any, options: LoadOptions, abort: AbortFlag) -> None:
        self._llama = binding()
        self._model = model
        self._options = options
        self._abort = abort
        self._pointer: Any = None
        self._threads = 1, 1
        self.limit = options.n_ctx or self._llama.llama_model_n_ctx_train(model)
        self.size = 0

    @property
    def pointer(self) -> Any:
        """The ``llama_context*``. `reserve` comes first."""
        assert self._pointer is not None
        return self._pointer

    @property
    def memory(self) -> Any:
        """The ``llama_memory_t`` of its cache."""
        return self._llama.llama_get_memory(self.pointer)

    def reserve(self, tokens: int) -> None:
        """Have room for so many tokens, or for `limit` of them if that is less.

        Raises:
            DoesNotFit: there is not enough memory; the smaller context stays as it is.
        """
        tokens = min(tokens, self.limit)
        if tokens <= self.size:
            return
        size = self.limit if self.size else min(self.limit, -(-tokens // STEP) * STEP)
        made = self._make(size)
        if self._pointer is not None:
            self._move_to(made)
            self._llama.llama_free(self._pointer)
        self._pointer, self.size = made, size

    def set_threads(self, decode: int, prefill: int) -> None:
        """How many threads compute one token, and a batch."""
        self._threads = decode, prefill
        if self._pointer is not None:
            self._llama.llama_set_n_threads(self._pointer, decode, prefill)

    def close(self) -> None:
        """Free it."""
        if self._pointer is not None:
            self._llama.llama_free(self._pointer)
            self._pointer, self.size = None, 0

    def _make(self, n_ctx: int) -> Any:
        return new_context(
            self._model,
            n_ctx,
            self._options,
            self._abort,
            self._threads,
            hint=f"ask for less: --ctx-size {max(STEP, n_ctx // 4)}",
            n_outputs_max=1,  # only the last token's logits are ever read; the default reserves a whole batch's
        )

    def _move_to(self, target: Any) -> None:
        """Copy sequence 0 of the cache. Where a kind of cache cannot be copied, the target starts empty."""
        size = self._llama.llama_state_seq_get_size(self._pointer, 0)
        buffer = (ctypes.c_uint8 * size)()
        copied = self._llama.llama_state_seq_get_data(self._pointer, buffer, size, 0)
        if copied == 0 or self._llama.llama_state_seq_set_data(target, buffer, copied, 0) == 0:
            self._llama.llama_memory_clear(self._llama.llama_get_memory(target), True)
