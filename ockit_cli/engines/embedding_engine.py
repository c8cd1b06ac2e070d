"""A sentence embedder in llama.cpp: texts in, vectors of length 1 out, many texts in one computation.

Runs inside a worker. Knows llama.cpp's batches; does not know where the model's file comes from, nor pipes.
"""

from __future__ import annotations

import ctypes
import os
import time
from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from math import sqrt
from operator import mul
from pathlib import Path
from typing import Any

from ockit.engines.batch_threads import BatchThreads
from ockit.engines.llama import binding, last_complaint
from ockit.engines.loading import AbortFlag
from ockit.engines.word_tokens import WordTokens
from ockit.errors import DoesNotFit, ModelFileError, WorkerError

BATCH = 512
"""Tokens of one computation. Every text of a batch is masked out for every other, but computed: 1,024 are slower."""
MOST_TEXTS = 64
"""Texts of one computation; llama.cpp sets room aside for each."""

_POOLING = {"mean": 1, "cls": 2, "last": 3}  # enum llama_pooling_type
_ABORTED = 2


class EmbeddingEngine:
    """One loaded embedder. Calls are made one at a time; `cancel` and `arm` may come from another thread.

    Args:
        path: the GGUF file.
        pooling: ``mean``, ``cls`` or ``last``.
        max_tokens: tokens of a text that are read, markers included.
        threads: for every batch; None: as many as are fastest lately.

    Raises:
        ModelFileError: llama.cpp refuses the file.
        DoesNotFit: there is no memory for the computation.
    """

    def __init__(self, path: Path, pooling: str, max_tokens: int, *, threads: int | None = None) -> None:
        self._llama = llama = binding()
        self._path = path
        params = llama.llama_model_default_params()
        params.n_gpu_layers = 0  # waking a graphics card takes longer than a question
        self._model = llama.llama_model_load_from_file(os.fsencode(path), params)
        if not self._model:
            raise ModelFileError(
                f"llama.cpp cannot load it: {last_complaint() or 'no reason given'}",
                where=str(path),
                hint=f"delete it: it is made anew. rm {path}",
            )
        self.dimension = int(llama.llama_model_n_embd(self._model))
        self._tokens = WordTokens(self._model, max_tokens)
        self._room = max(BATCH, max_tokens)
        self._threads = BatchThreads(threads)
        self._abort = AbortFlag()
        self._context = self._make_context(_POOLING[pooling])
        self._set_threads = 0
        self._sequences = (ctypes.c_int32 * MOST_TEXTS)(*range(MOST_TEXTS))
        self._ones = (ctypes.c_int32 * self._room)(*[1] * self._room)
        self._wanted = (ctypes.c_int8 * self._room)(*[1] * self._room)

    def embed(self, texts: Sequence[str]) -> Iterator[tuple[list[int], bytes]]:
        """Vectors as they are ready: the numbers of their texts, and float32 after float32 in their order.

        Ends early, without a word, once it is cancelled (`cancelled` tells). Raises WorkerError, DoesNotFit.
        """
        coded = []
        for text in texts:
            coded.append(self._tokens.encode(text))
            if self._abort:
                return
        yield from self.embed_ids(coded)

    def token_ids(self, text: str) -> list[int]:
        """A text's ids with the markers around them; as many as are read."""
        return self._tokens.encode(text)

    def embed_ids(self, coded: Sequence[list[int]]) -> Iterator[tuple[list[int], bytes]]:
        """As `embed`, of texts whose `token_ids` the caller has already."""
        for rows in _packed([len(ids) for ids in coded], self._room):
            if self._abort or not self._compute([coded[row] for row in rows]):
                return
            yield rows, b"".join(self._vector(sequence) for sequence in range(len(rows)))

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` came after the last `arm`."""
        return bool(self._abort)

    def arm(self) -> None:
        """Forget an earlier `cancel`."""
        self._abort.lower()

    def cancel(self) -> None:
        """Stop the running `embed` soon."""
        self._abort.raise_()

    def close(self) -> None:
        """Free the context and the model."""
        if self._model:
            self._llama.llama_free(self._context)
            self._llama.llama_model_free(self._model)
        self._model = self._context = None

    def _make_context(self, pooling: int) -> Any:
        params = self._llama.llama_context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = (
            self._room
        )  # a text must not be cut by a batch's end
        params.n_seq_max = MOST_TEXTS
        params.kv_unified = True
        params.embeddings = True
        params.pooling_type = pooling
        params.flash_attn_type = 1
        params.op_offload = False
        params.abort_callback = self._abort.callback
        params.abort_callback_data = self._abort.address
        made = self._llama.llama_init_from_model(self._model, params)
        if not made:
            self._llama.llama_model_free(self._model)
            raise DoesNotFit(
                f"the embedder's context cannot be set up: {last_complaint() or 'out of memory'}",
                where=str(self._path),
                hint="close other programs",
            )
        return made

    def _compute(self, texts: list[list[int]]) -> bool:
        """Run one batch; false where it was cancelled."""
        llama = self._llama
        ids = [token for text in texts for token in text]
        n = len(ids)
        places = [place for text in texts for place in range(len(text))]
        base, step = ctypes.addressof(self._sequences), ctypes.sizeof(ctypes.c_int32)
        # pointers as numbers: making a ctypes pointer for each token costs more than all the rest
        owners = [base + step * number for number, text in enumerate(texts) for _ in text]
        owners_array = (ctypes.c_size_t * n)(*owners)
        batch = llama.llama_batch(
            n_tokens=n,
            token=(llama.llama_token * n)(*ids),
            embd=None,
            pos=(llama.llama_pos * n)(*places),
            n_seq_id=self._ones,
            seq_id=ctypes.cast(owners_array, ctypes.POINTER(ctypes.POINTER(llama.llama_seq_id))),
            logits=self._wanted,
        )
        threads = self._threads.choose(n)
        if threads != self._set_threads:
            llama.llama_set_n_threads(self._context, threads, threads)
            self._set_threads = threads
        start = time.perf_counter()
        code = llama.llama_encode(self._context, batch)
        if code == _ABORTED or self._abort:
            return False
        if code != 0:
            raise WorkerError(f"llama.cpp cannot embed: code {code}, {last_complaint() or 'no reason given'}")
        llama.llama_synchronize(self._context)
        self._threads.took(threads, n, time.perf_counter() - start)
        return True

    def _vector(self, sequence: int) -> bytes:
        found = self._llama.llama_get_embeddings_seq(self._context, sequence)
        if not found:
            raise WorkerError("llama.cpp gave no vector", where=str(self._path))
        numbers = found[: self.dimension]
        length = sqrt(sum(map(mul, numbers, numbers)))
        if not 0 < length < float("inf"):
            raise WorkerError("llama.cpp gave a vector that has no length", where=str(self._path))
        return array("f", [number / length for number in numbers]).tobytes()


def _packed(lengths: list[int], room: int) -> Iterator[list[int]]:
    """Which texts go together: longest first, so that a batch that is nearly full is filled up with what fits."""
    order = deque(sorted(range(len(lengths)), key=lengths.__getitem__))
    while order:
        rows = [order.pop()]
        left = room - lengths[rows[0]]
        while order and len(rows) < MOST_TEXTS and lengths[order[0]] <= left:
            rows.append(order.pop() if lengths[order[-1]] <= left else order.popleft())
            left -= lengths[rows[-1]]
        yield rows
