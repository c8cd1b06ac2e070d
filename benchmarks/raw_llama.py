"""The reference for speed: llama.cpp's own calls and nothing else. No text, no events, no cancelling, no pipe.

Works on llama-cpp-python's low-level binding; knows token ids only.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ockit.engines.llama import binding

BATCH = 512


@dataclass(frozen=True)
class Timed:
    """A prompt read and an answer written: seconds to the first token, seconds for the others, the answer's ids."""

    first_s: float
    rest_s: float
    ids: tuple[int, ...]


class RawLlama:
    """A model and a context with llama.cpp's defaults but for what is given here."""

    def __init__(
        self, path: str, n_ctx: int, threads_decode: int, threads_prefill: int, *, gpu_layers: int = 0
    ) -> None:
        self._llama = llama = binding()
        params = llama.llama_model_default_params()
        params.n_gpu_layers = gpu_layers
        self._model = llama.llama_model_load_from_file(path.encode(), params)
        made = llama.llama_context_default_params()
        made.n_ctx = n_ctx
        made.n_batch = made.n_ubatch = BATCH
        made.n_threads, made.n_threads_batch = threads_decode, threads_prefill
        made.flash_attn_type = -1  # auto
        self._context = llama.llama_init_from_model(self._model, made)
        if not self._model or not self._context:
            raise SystemExit(f"llama.cpp cannot load {path}")
        self._memory = llama.llama_get_memory(self._context)
        self._chain = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
        llama.llama_sampler_chain_add(self._chain, llama.llama_sampler_init_greedy())

    def keep(self, n: int) -> None:
        """Forget everything behind the first `n` tokens."""
        self._llama.llama_memory_seq_rm(self._memory, 0, n, -1)

    def read(self, ids: Sequence[int]) -> None:
        """Decode ids in batches, behind what is in the cache."""
        for begin in range(0, len(ids), BATCH):
            self._decode(ids[begin : begin + BATCH])
        self._llama.llama_synchronize(self._context)

    def answer(self, ids: Sequence[int], n: int) -> Timed:
        """Read ids, then write `n` tokens greedily, whatever they are."""
        sample: Any = self._llama.llama_sampler_sample
        start = time.perf_counter()
        self.read(ids)
        written = [sample(self._chain, self._context, -1)]
        first = time.perf_counter()
        while len(written) < n:
            self._decode(written[-1:])
            written.append(sample(self._chain, self._context, -1))
        return Timed(first - start, time.perf_counter() - first, tuple(written))

    def close(self) -> None:
        """Free everything."""
        self._llama.llama_sampler_free(self._chain)
        self._llama.llama_free(self._context)
        self._llama.llama_model_free(self._model)

    def _decode(self, ids: Sequence[int]) -> None:
        array = (ctypes.c_int32 * len(ids))(*ids)
        if self._llama.llama_decode(self._context, self._llama.llama_batch_get_one(array, len(ids))) != 0:
            raise SystemExit("llama_decode failed")
