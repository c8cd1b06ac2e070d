"""Log-likelihoods of given continuations: how probable a model finds each of a few texts after one prompt.

Runs beside the generation loop on the same model, in a small context of its own, so that a chat keeps its cache. The
prompt stays in the cache: the next one is read from where it differs. All continuations are read in one batch, each
as a sequence that shares the prompt's cells. Knows token ids; what they mean is the caller's.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ockit.engines.context import BATCH, STEP, new_context
from ockit.engines.llama import binding, last_complaint
from ockit.engines.loading import AbortFlag
from ockit.engines.options import LoadOptions
from ockit.errors import ContextOverflow, WorkerError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_AT_ONCE = 16
"""Continuations that are read in one batch."""
MOST_TOKENS = 64
"""Tokens of all continuations of a batch: for each the whole vocabulary's scores are kept, 0.5 MB for 128k words."""


class Scorer:
    """Scores on one model. One call at a time; `abort` may be raised from another thread.

    Args:
        model: the ``llama_model*``.
        n_vocab: its tokens.
        options: context size, flash attention.
        abort: the flag that stops its computations.
        threads: how many compute one token, and a batch.

    Attributes:
        reused: tokens of the last prompt that were in the cache already.
    """

    def __init__(
        self, model: Any, n_vocab: int, options: LoadOptions, abort: AbortFlag, threads: tuple[int, int]
    ) -> None:
        self._llama = binding()
        self._model = model
        self._n_vocab = n_vocab
        self._options = options
        self._abort = abort
        self._threads = threads
        self._pointer: Any = None
        self._size = 0
        self.reused = 0
        self._limit = options.n_ctx or self._llama.llama_model_n_ctx_train(model)
        self.cached: list[int] = []  # the prompt whose keys and values are in sequence 0

    def score(self, prefix: Sequence[int], continuations: Sequence[Sequence[int]]) -> list[float] | None:
        """The natural logarithm of each continuation's probability after `prefix`: the sum over its tokens, 0.0 for an
        empty one. None where it was aborted.

        Raises:
            ContextOverflow: prompt and continuations do not fit, or there is no prompt.
            DoesNotFit: there is no memory for the context.
            WorkerError: llama.cpp fails, or computes what are no numbers.
        """
        known = [token for ids in (prefix, *continuations) for token in ids]
        if any(not 0 <= token < self._n_vocab for token in known):
            raise WorkerError(f"a token is none of the model's {self._n_vocab}")
        groups = list(_grouped(continuations))
        longest = max((sum(len(continuations[row]) for row in rows) for rows in groups), default=0)
        if not prefix or len(prefix) + longest > self._limit:
            raise ContextOverflow(
                f"the prompt has {len(prefix)} tokens and its continuations {longest}, the context {self._limit}"
            )
        self._reserve(len(prefix) + longest)
        if not self._read_prefix(prefix):
            return None
        first = self._log_probabilities(-1)
        found = [float(first[ids[0]]) if ids else 0.0 for ids in continuations]
        for rows in groups:
            if not self._add_rest(rows, continuations, found, len(prefix)):
                return None
        if any(not -1e9 < value < 1e-3 for value in found):  # which no NaN passes
            raise WorkerError(
                "the model computes what are no numbers",
                where=Path(self._options.path).name,
                hint="its file is damaged: fetch it again",
            )
        return found

    def close(self) -> None:
        """Free the context."""
        if self._pointer is not None:
            self._llama.llama_free(self._pointer)
            self._pointer, self._size, self.cached = None, 0, []

    def _reserve(self, tokens: int) -> None:
        """A context for so many tokens. A larger one starts empty: prompts of one judge are about the same length."""
        if tokens <= self._size:
            return
        size = min(self._limit, -(-tokens // STEP) * STEP)
        self.close()
        self._pointer = new_context(
            self._model,
            size,
            self._options,
            self._abort,
            self._threads,
            hint="close other programs, or use a smaller model",
            n_seq_max=MOST_AT_ONCE + 1,
            kv_unified=True,  # a copied sequence shares its cells
            n_outputs_max=min(MOST_TOKENS, size),
        )
        self._size = size

    def _read_prefix(self, ids: Sequence[int]) -> bool:
        """Bring sequence 0 to exactly `ids`, its last token read anew for its scores; False where aborted."""
        memory = self._llama.llama_get_memory(self._pointer)
        shared = 0
        for known, wanted in zip(self.cached, ids[:-1], strict=False):
            if known != wanted:
                break
            shared += 1
        if shared < len(self.cached) and not self._llama.llama_memory_seq_rm(memory, 0, shared, -1):
            self._llama.llama_memory_clear(memory, False)  # a recurrent model cannot forget a part
            shared = 0
        del self.cached[shared:]
        self.reused = shared
        for begin in range(shared, len(ids), BATCH):
            part = ids[begin : begin + BATCH]
            last = begin + len(part) == len(ids)
            rows = [(token, begin + place, 0) for place, token in enumerate(part)]
            if not self._decode(rows, {len(part) - 1} if last else set()):
                return False
            self.cached += part
        return True

    def _add_rest(
        self,
        rows: Sequence[int],
        continuations: Sequence[Sequence[int]],
        found: list[float],
        start: int,
    ) -> bool:
        """Read the continuations of a group and add what their later tokens score; False where aborted."""
        memory = self._llama.llama_get_memory(self._pointer)
        tokens, wanted = [], []
        for sequence, row in enumerate(rows, 1):
            ids = continuations[row]
            self._llama.llama_memory_seq_cp(memory, 0, sequence, -1, -1)
            for place, (token, following) in enumerate(pairwise(ids)):
                tokens.append((token, start + place, sequence))
                wanted.append((row, following))
        try:
            if not self._decode(tokens, set(range(len(tokens)))):
                return False
            for place, (row, following) in enumerate(wanted):
                found[row] += float(self._log_probabilities(place)[following])
            return True
        finally:
            for sequence in range(1, len(rows) + 1):
                self._llama.llama_memory_seq_rm(memory, sequence, -1, -1)

    def _decode(self, rows: Sequence[tuple[int, int, int]], wanted: set[int]) -> bool:
        """Read (token, position, sequence) rows in one batch, keeping the scores of those `wanted`; False where
        aborted, the cache being emptied then."""
        llama, n = self._llama, len(rows)
        sequences = (llama.llama_seq_id * n)(*(sequence for _, _, sequence in rows))
        size = ctypes.sizeof(llama.llama_seq_id)
        owners = (ctypes.c_size_t * n)(*(ctypes.addressof(sequences) + size * place for place in range(n)))
        batch = llama.llama_batch(
            n_tokens=n,
            token=(llama.llama_token * n)(*(token for token, _, _ in rows)),
            embd=None,
            pos=(llama.llama_pos * n)(*(position for _, position, _ in rows)),
            n_seq_id=(ctypes.c_int32 * n)(*[1] * n),
            seq_id=ctypes.cast(owners, ctypes.POINTER(ctypes.POINTER(llama.llama_seq_id))),
            logits=(ctypes.c_int8 * n)(*(place in wanted for place in range(n))),
        )
        status = llama.llama_decode(self._pointer, batch)
        if status == 0 and not self._abort:
            return True
        self._llama.llama_memory_clear(self._llama.llama_get_memory(self._pointer), False)
        self.cached = []
        if self._abort:
            return False
        raise WorkerError(
            f"llama.cpp could not score (status {status}): {last_complaint() or 'no reason given'}"
        )

    def _log_probabilities(self, place: int) -> NDArray[np.float64]:
        """Of the whole vocabulary, after the row at `place` of the last batch (-1: its last)."""
        import numpy as np

        pointer = self._llama.llama_get_logits_ith(self._pointer, place)
        if not pointer:
            raise WorkerError("llama.cpp gave no scores")
        scores = np.ctypeslib.as_array(pointer, (self._n_vocab,)).astype(np.float64)
        scores -= scores.max()
        scores -= np.log(np.exp(scores).sum())
        return scores


def _grouped(continuations: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """The rows of continuations of two tokens and more, in groups that fit a batch."""
    rows: list[int] = []
    size = 0
    for row, ids in enumerate(continuations):
        if len(ids) < 2:
            continue
        if len(ids) > MOST_TOKENS:
            raise ContextOverflow(f"a continuation has {len(ids)} tokens, {MOST_TOKENS} at most")
        if rows and (size + len(ids) > MOST_TOKENS or len(rows) == MOST_AT_ONCE):
            yield rows
            rows, size = [], 0
        rows.append(row)
        size += len(ids)
    if rows:
        yield rows
