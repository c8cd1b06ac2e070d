"""Choosing the next token: llama.cpp's own sampler chain, and a grammar beside it.

The grammar stands outside the chain. A token is drawn first and then checked, which costs one call; only where
the grammar rejects it is the whole vocabulary filtered and drawn from again. And a grammar must never be told
to accept a token outside it: llama.cpp would end the process.
"""

from __future__ import annotations

import ctypes
import secrets
from typing import Any

from ockit.engines.llama import binding, last_complaint
from ockit.engines.vocabulary import LlamaVocabulary
from ockit.errors import OckitError, UsageError
from ockit.messages import Sampling

DRY_BREAKERS = (b"\n", b":", b'"', b"*")
"""Where a repetition is allowed to start anew (the defaults of the DRY sampler's author)."""


class Sampler:
    """The sampler chain of one request; free it with `close`.

    Args:
        n_ctx: tokens of context, which is how far back a penalty of "the whole context" (-1) looks.

    Raises:
        UsageError: the grammar does not parse.
    """

    def __init__(self, vocabulary: LlamaVocabulary, sampling: Sampling, n_ctx: int) -> None:
        self._llama = binding()
        self._vocabulary = vocabulary
        self._n_ctx = n_ctx
        self.seed = sampling.seed if sampling.seed is not None else secrets.randbelow(2**32 - 1)
        self._grammar = self._parse(sampling.grammar) if sampling.grammar is not None else None
        self._chain = self._build(sampling)
        if self._grammar is not None:
            import numpy  # noqa: F401 - now: where memory has run out, its OpenBLAS tries for ever to get some

    def sample(self, context: Any) -> int:
        """Draw the next token from the last position's logits and accept it.

        Raises:
            OckitError: no token of this vocabulary fits the grammar here.
        """
        if self._grammar is None:
            return int(self._llama.llama_sampler_sample(self._chain, context, -1))
        token = self._draw(context, constrained=False)
        if not self._allows(token):
            token = self._draw(context, constrained=True)
            if not self._allows(token):  # nothing fits, or a bias forbids what does
                raise OckitError(
                    "no token of this model fits the grammar at this point",
                    hint="loosen the grammar, take a bias away, or use another model",
                )
        self._llama.llama_sampler_accept(self._grammar, token)
        self._llama.llama_sampler_accept(self._chain, token)
        return token

    def close(self) -> None:
        """Free the chain and the grammar."""
        self._llama.llama_sampler_free(self._chain)
        if self._grammar is not None:
            self._llama.llama_sampler_free(self._grammar)

    def _build(self, sampling: Sampling) -> Any:
        llama, vocab, n_vocab = self._llama, self._vocabulary.pointer, self._vocabulary.n_tokens
        chain = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())

        def add(sampler: Any) -> None:
            llama.llama_sampler_chain_add(chain, sampler)

        if sampling.logit_bias:
            biases = (llama.llama_logit_bias * len(sampling.logit_bias))(*sampling.logit_bias)
            add(llama.llama_sampler_init_logit_bias(n_vocab, len(biases), biases))
        if sampling.repeat_penalty != 1.0 or sampling.frequency_penalty or sampling.presence_penalty:
            add(
                llama.llama_sampler_init_penalties(
                    n_vocab,
                    self._reach(sampling.repeat_last_n),
                    sampling.repeat_penalty,
                    sampling.frequency_penalty,
                    sampling.presence_penalty,
                )
            )
        if sampling.dry_multiplier:
            breakers = (ctypes.c_char_p * len(DRY_BREAKERS))(*DRY_BREAKERS)
            add(
                llama.llama_sampler_init_dry(
                    vocab,
                    sampling.dry_multiplier,
                    sampling.dry_base,
                    sampling.dry_allowed_length,
                    self._reach(sampling.dry_last_n),
                    breakers,
                    len(breakers),
                )
            )
        if sampling.temperature == 0:
            add(llama.llama_sampler_init_greedy())
            return chain
        if sampling.top_k:
            add(llama.llama_sampler_init_top_k(sampling.top_k))
        if sampling.top_p < 1:
            add(llama.llama_sampler_init_top_p(sampling.top_p, 1))
        if sampling.min_p > 0:
            add(llama.llama_sampler_init_min_p(sampling.min_p, 1))
        add(llama.llama_sampler_init_temp(sampling.temperature))
        add(llama.llama_sampler_init_dist(self.seed))
        return chain

    def _reach(self, last_n: int) -> int:
        """How many tokens a penalty looks back; llama.cpp itself takes -1 for 0."""
        return self._n_ctx if last_n < 0 else min(last_n, self._n_ctx)

    def _parse(self, grammar: str) -> Any:
        if (
            not grammar.strip() or "\0" in grammar
        ):  # llama.cpp takes the one for no grammar, the other for its end
            raise UsageError(
                "the grammar is empty" if not grammar.strip() else "the grammar holds a NUL character",
                hint='root ::= "yes" | "no"',
            )
        parsed = self._llama.llama_sampler_init_grammar(self._vocabulary.pointer, grammar.encode(), b"root")
        if not parsed:
            raise UsageError(
                f"the grammar does not parse: {last_complaint()}",
                hint="a GBNF grammar has one rule a line, `name ::= ...`, and a rule named root",
            )
        return parsed

    def _draw(self, context: Any, *, constrained: bool) -> int:
        import numpy as np

        logits = self._llama.llama_get_logits_ith(context, -1)
        n = self._vocabulary.n_tokens
        rows = np.zeros(n, dtype=[("id", np.int32), ("logit", np.float32), ("p", np.float32)])
        rows["id"] = np.arange(n, dtype=np.int32)
        rows["logit"] = np.ctypeslib.as_array(logits, shape=(n,))
        candidates = self._array(rows.ctypes.data, n)
        if constrained:
            self._llama.llama_sampler_apply(self._grammar, ctypes.byref(candidates))
        self._llama.llama_sampler_apply(self._chain, ctypes.byref(candidates))
        return int(candidates.data[candidates.selected].id)

    def _allows(self, token: int) -> bool:
        one = (self._llama.llama_token_data * 1)((token, 1.0, 0.0))
        candidate = self._array(ctypes.addressof(one), 1)
        self._llama.llama_sampler_apply(self._grammar, ctypes.byref(candidate))
        return bool(one[0].logit > float("-inf"))

    def _array(self, address: int, size: int) -> Any:
        data = ctypes.cast(address, self._llama.llama_token_data_p)
        return self._llama.llama_token_data_array(data=data, size=size, selected=-1, sorted=False)
