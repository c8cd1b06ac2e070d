"""The GGUF engine: one model in this process, on llama.cpp. Lives in a worker; `hosted` is its face outside."""

from __future__ import annotations

import ctypes
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ockit.engines import threads
from ockit.engines.context import Context
from ockit.engines.generation import Generator
from ockit.engines.llama import binding
from ockit.engines.loading import AbortFlag, load_model, resolve_gpu_layers
from ockit.engines.options import LoadOptions
from ockit.engines.scoring import Scorer
from ockit.engines.vocabulary import LlamaVocabulary
from ockit.errors import ContextOverflow, UsageError
from ockit.events import Event
from ockit.messages import Sampling
from ockit.prompts.encode import encode
from ockit.prompts.segments import Segment, Text
from ockit.protocols import EngineInfo


class GgufEngine:
    """`ockit.protocols.Engine` for a GGUF file.

    Args:
        options: what to load and how.
        thread_cache: file in which measured thread counts are remembered.
    """

    def __init__(self, options: LoadOptions, thread_cache: Path) -> None:
        self._options = options
        self._thread_cache = thread_cache
        self._model: Any = None
        self._context: Context | None = None
        self._info: EngineInfo | None = None
        self._generator: Generator | None = None
        self._scorer: Scorer | None = None
        self._vocabulary: LlamaVocabulary | None = None
        self._abort = AbortFlag()

    def load(self) -> EngineInfo:
        """Load the model; a second call only answers. Raises ModelFileError or DoesNotFit."""
        if self._info is not None:
            return self._info
        start = time.perf_counter()
        llama = binding()
        gpu_layers = resolve_gpu_layers(self._options)
        self._model = load_model(self._options, gpu_layers)
        context = self._context = Context(self._model, self._options, self._abort)
        decode, prefill = self._set_threads(context)
        vocabulary = self._vocabulary = LlamaVocabulary(self._model)
        self._generator = Generator(context, vocabulary, self._abort)
        self._info = EngineInfo(
            model=Path(self._options.path).name,
            architecture=self._metadata("general.architecture") or "unknown",
            n_ctx=self._generator.n_ctx,
            n_ctx_train=llama.llama_model_n_ctx_train(self._model),
            n_vocab=vocabulary.n_tokens,
            threads_decode=decode,
            threads_prefill=prefill,
            gpu_layers=gpu_layers,
            chat_template=self._metadata("tokenizer.chat_template"),
            bos=vocabulary.spelling(vocabulary.bos) if vocabulary.bos is not None else None,
            eot=vocabulary.spelling(vocabulary.eot) if vocabulary.eot is not None else None,
            load_s=time.perf_counter() - start,
        )
        return self._info

    @property
    def vocabulary(self) -> LlamaVocabulary:
        """The loaded model's vocabulary."""
        self.load()
        assert self._vocabulary is not None
        return self._vocabulary

    def encode(self, segments: Sequence[Segment]) -> list[int]:
        """Token ids of a prompt.

        Raises:
            ContextOverflow: there is more text than tokens of the longest kind could hold; it is not tokenized, which
                for some megabytes takes minutes.
        """
        vocabulary = self.vocabulary
        assert self._context is not None
        size = sum(
            len(segment.text.encode("utf-8", "replace")) for segment in segments if isinstance(segment, Text)
        )
        limit = self._context.limit
        if size > 64 * limit and size > vocabulary.longest_piece * limit:
            raise ContextOverflow(
                f"the prompt has {size} bytes, more than {limit} tokens can hold",
                hint="shorten it; `ockit ask --truncate` cuts attached text",
            )
        return encode(segments, vocabulary)

    def generate(self, ids: Sequence[int], sampling: Sampling) -> Iterator[Event]:
        """Prefill and Token events, then one End (see `generation`)."""
        self.load()
        assert self._generator is not None
        return self._generator.generate(ids, sampling.checked())

    def score(
        self, prefix: Sequence[int], continuations: Sequence[Sequence[int]]
    ) -> tuple[list[float] | None, int]:
        """Log-likelihoods of continuations after a prompt (see `scoring`), None where it was cancelled; and how many of
        the prompt's tokens were in the cache."""
        info = self.load()
        if self._scorer is None:
            counts = info.threads_decode, info.threads_prefill
            self._scorer = Scorer(self._model, info.n_vocab, self._options, self._abort, counts)
        return self._scorer.score(prefix, continuations), self._scorer.reused

    def grammar_of(self, schema: str) -> str:
        """The GBNF grammar of a JSON schema (by llama-cpp-python's converter).

        Raises:
            UsageError: the schema uses what no grammar can say.
        """
        binding()
        from llama_cpp.llama_grammar import json_schema_to_gbnf

        try:
            return str(json_schema_to_gbnf(json.dumps(json.loads(schema))))
        except Exception as error:  # the converter raises whatever its tables raise
            raise UsageError(
                f"the schema cannot be turned into a grammar: {error}",
                hint="references, patterns and formats beyond JSON Schema's common core are not supported",
            ) from error

    def arm(self) -> None:
        """Forget an earlier `cancel`; before each `generate`, from any thread."""
        self._abort.lower()

    def cancel(self) -> None:
        """Stop the running `generate`, or the next unless `arm` comes first; from any thread."""
        self._abort.raise_()

    def close(self) -> None:
        """Free the context and the model."""
        llama = binding()
        if self._scorer is not None:
            self._scorer.close()
            self._scorer = None
        if self._context is not None:
            self._context.close()
        if self._model:
            llama.llama_model_free(self._model)
        self._context = self._model = self._info = None

    def _set_threads(self, context: Context) -> tuple[int, int]:
        """The chosen counts, else the remembered ones, else measured ones."""
        counts = self._options.threads, self._options.threads_prefill or self._options.threads
        if not all(counts):
            cache = threads.ThreadCounts(self._thread_cache)
            key = threads.key_of(self._options.path)
            known = cache.load(key)
            if known is None:
                context.reserve(threads.PREFILL_TOKENS + 1)
                known = threads.measure(context.pointer, self._abort)
                context.close()
                cache.save(key, known)
            counts = counts[0] or known[0], counts[1] or known[1]
        context.set_threads(*counts)
        return counts

    def _metadata(self, key: str) -> str | None:
        llama = binding()
        room = 1 << 16
        while True:
            buffer = ctypes.create_string_buffer(room)
            n = llama.llama_model_meta_val_str(self._model, key.encode(), buffer, room)
            if n < 0:
                return None
            if n < room:
                return buffer.value.decode("utf-8", "replace")
            room = n + 1
