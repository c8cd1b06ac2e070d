"""The generation loop: token ids in, text out, on a loaded model.

Keeps the key/value cache in step with `cached`: the ids whose keys and values are in it. A new prompt reuses the
part it shares with them (`Usage.cached_tokens`). Does not know conversations, templates or files.
"""

from __future__ import annotations

import time
from collections.abc import Generator as Generation
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ockit.engines.context import BATCH, Context
from ockit.engines.llama import binding, last_complaint
from ockit.engines.loading import AbortFlag
from ockit.engines.sampler import Sampler
from ockit.engines.stops import StopMatcher
from ockit.engines.vocabulary import LlamaVocabulary
from ockit.errors import ContextOverflow, OckitError
from ockit.events import End, Event, FinishReason, Prefill, Token
from ockit.messages import Sampling, Timings, Usage

ABORTED = 2
"""llama_decode's answer where the abort callback stopped it."""

FIRST_ANSWER = 512
"""Tokens of answer that a new context has room for; a longer one makes it grow."""


class Generator:
    """Generates on one context. One call at a time; `abort` may be raised from another thread.

    Attributes:
        n_ctx: tokens that a prompt and its answer may have together.
        cached: the ids whose keys and values are in the cache.
    """

    def __init__(self, context: Context, vocabulary: LlamaVocabulary, abort: AbortFlag) -> None:
        self._llama = binding()
        self._context = context
        self._vocabulary = vocabulary
        self._abort = abort
        self.n_ctx = context.limit
        self.cached: list[int] = []

    def generate(self, ids: Sequence[int], sampling: Sampling) -> Iterator[Event]:
        """Prefill events while the prompt is read, Token events, then exactly one End.

        Args:
            ids: the whole prompt; what is still in the cache is not read again.
            sampling: how tokens are chosen; ``max_tokens`` None means as far as the context reaches.

        Raises:
            ContextOverflow: the prompt leaves no room for a single token.
            UsageError: the grammar does not parse.
        """
        if not 0 < len(ids) < self.n_ctx:
            raise ContextOverflow(f"the prompt has {len(ids)} tokens, the context {self.n_ctx}")
        sampler = Sampler(self._vocabulary, sampling, self.n_ctx)
        try:
            start = time.perf_counter()
            self._make_room(len(ids) + min(sampling.max_tokens or self.n_ctx, FIRST_ANSWER))
            reused = self._reuse(ids)
            answer = _Answer(StopMatcher(sampling.stop))
            complete = yield from self._prefill(ids, reused)
            self._llama.llama_synchronize(self._context.pointer)  # a GPU may still be at it
            read = time.perf_counter()
            if complete:
                limit = min(sampling.max_tokens or self.n_ctx, self.n_ctx - len(ids))
                yield from self._decode(sampler, answer, limit)
            usage = Usage(len(ids), reused, answer.produced)
            timings = Timings(prefill_s=read - start, decode_s=time.perf_counter() - read)
            yield End(answer.reason, usage, timings, answer.verbatim)
        finally:
            sampler.close()

    def forget(self) -> None:
        """Empty the cache."""
        self._llama.llama_memory_clear(self._context.memory, False)
        self.cached = []

    def _make_room(self, tokens: int) -> None:
        self._context.reserve(tokens)
        kept = int(self._llama.llama_memory_seq_pos_max(self._context.memory, 0)) + 1
        del self.cached[kept:]

    def _reuse(self, ids: Sequence[int]) -> int:
        """Drop from the cache what the prompt does not share; how many of its tokens stay."""
        shared = 0
        for known, wanted in zip(self.cached, ids, strict=False):
            if known != wanted:
                break
            shared += 1
        shared = min(shared, len(ids) - 1)  # the last token is read again: its logits are needed
        if shared < len(self.cached) and not self._llama.llama_memory_seq_rm(
            self._context.memory, 0, shared, -1
        ):
            self.forget()  # a recurrent model cannot forget a part
            return 0
        del self.cached[shared:]
        return shared

    def _prefill(self, ids: Sequence[int], reused: int) -> Generation[Event, None, bool]:
        """Read what is not in the cache, batch by batch; False once it was aborted."""
        yield Prefill(reused, len(ids))
        for begin in range(reused, len(ids), BATCH):
            batch = ids[begin : begin + BATCH]
            if not self._read(batch):
                return False
            yield Prefill(begin + len(batch), len(ids))
        return True

    def _decode(self, sampler: Sampler, answer: _Answer, limit: int) -> Iterator[Event]:
        """Token events until the model ends its turn, a stop string comes, `limit` tokens or an abort."""
        matcher = answer.matcher
        pending: list[int] = []
        answer.reason = "length"
        while answer.produced < limit:
            token = sampler.sample(self._context.pointer)
            if self._vocabulary.ends_turn(token):
                answer.reason = "stop"
                break
            answer.produced += 1
            answer.verbatim &= not self._vocabulary.is_control(token)
            pending.append(token)
            text = matcher.feed(self._vocabulary.piece(token))
            if text:
                yield Token(text, tuple(pending))
                pending.clear()
            if matcher.stopped:
                answer.reason, answer.verbatim = "stop", False
                break
            if self._abort or (answer.produced < limit and not self._read([token])):
                answer.reason = "interrupted"
                break
        if answer.reason != "stop" and matcher.half:
            self._take_back(answer, pending)
        rest = matcher.flush()
        if rest or pending:
            yield Token(rest, tuple(pending))

    def _take_back(self, answer: _Answer, pending: list[int]) -> None:
        """Let an answer that was cut within a character end before it, text and ids, so that it can go on there."""
        left = len(answer.matcher.half)
        while left > 0 and pending:
            left -= len(self._vocabulary.piece(pending.pop()))
        answer.verbatim &= left == 0  # else one token holds the half and what stands before it
        answer.matcher.forget_half()

    def _read(self, ids: Sequence[int]) -> bool:
        """Decode a batch into the cache; False where it was aborted."""
        self._context.reserve(len(self.cached) + len(ids))
        array = (self._llama.llama_token * len(ids))(*ids)
        status = self._llama.llama_decode(
            self._context.pointer, self._llama.llama_batch_get_one(array, len(ids))
        )
        if status == 0:
            self.cached.extend(ids)
            return True
        kept = int(self._llama.llama_memory_seq_pos_max(self._context.memory, 0)) + 1
        if kept < len(self.cached):
            del self.cached[kept:]
        if status == ABORTED:
            return False
        self.forget()
        raise OckitError(f"llama.cpp could not go on (status {status}): {last_complaint()}")


@dataclass
class _Answer:
    """How an answer stands. ``verbatim`` falls once its ids say more than its text: a stop string was cut off, or
    the model wrote a control token, which must not come back into a later prompt as one."""

    matcher: StopMatcher
    reason: FinishReason = "interrupted"
    produced: int = 0
    verbatim: bool = True
