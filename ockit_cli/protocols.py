"""The seams between the parts. Small on purpose: an engine knows token ids and text, not conversations.

A vocabulary's seam stands with the prompt code, which alone uses it: `ockit.prompts.vocabulary`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from ockit.documents import Document
from ockit.events import Event
from ockit.messages import Judged, Message, Passage, Sampling, Verdict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class EngineInfo:
    """What an engine says of the model it has loaded."""

    model: str
    architecture: str
    n_ctx: int
    n_ctx_train: int
    n_vocab: int
    threads_decode: int
    threads_prefill: int
    gpu_layers: int
    chat_template: str | None
    bos: str | None
    eot: str | None
    load_s: float


class Engine(Protocol):
    """Runs one model. Calls are made one at a time; `cancel` alone may come from another thread."""

    def load(self) -> EngineInfo:
        """Load the model (idempotent). Raises ModelFileError, DoesNotFit or WorkerError."""

    def encode(self, segments: Sequence[object]) -> list[int]:
        """Token ids of a prompt given as `ockit.prompts.segments`."""

    def generate(self, ids: Sequence[int], sampling: Sampling) -> Iterator[Event]:
        """Prefill and Token events, then exactly one End."""

    def cancel(self) -> None:
        """Stop the running `generate` soon; it still yields its End."""

    def close(self) -> None:
        """Free everything."""


@dataclass(frozen=True)
class EmbedderInfo:
    """What an embedder says of itself. Vectors of two embedders that differ in any of it are never compared.

    Attributes:
        name: as a person names it (``--embedder``).
        identity: stands for the weights: a sha256, or the address and name of a remote model.
        dimension: length of a vector.
        pooling: how the vectors of the tokens become one: ``mean``, ``cls``, ``last``, or ``remote``.
        max_tokens: tokens of a text that are read, the model's own markers included; the rest is cut.
        query_prefix: put in front of a question.
        passage_prefix: put in front of a passage.
    """

    name: str
    identity: str
    dimension: int
    pooling: str
    max_tokens: int
    query_prefix: str = ""
    passage_prefix: str = ""


class Embedder(Protocol):
    """Turns texts into vectors of length 1, whose inner product says how near they are."""

    def load(self) -> EmbedderInfo:
        """Load the model (idempotent). Raises OckitError."""

    def embed(self, texts: Sequence[str], role: Literal["passage", "query"]) -> NDArray[np.float32]:
        """Vectors of shape (len(texts), dimension). Raises WorkerError, OckitError."""

    def close(self) -> None:
        """Free everything."""


class Reranker(Protocol):
    """Reads a question and a passage together and says how well the passage answers it."""

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        """A score from 0 to 1 for each text. Raises OckitError."""

    def close(self) -> None:
        """Free everything."""


@dataclass(frozen=True)
class Retrieved:
    """What a retriever found, best first.

    Attributes:
        passages: those worth showing; none where nothing reaches the floor.
        searched: how many chunks were looked through, or None where the source does not say.
        notices: what the person should know (a stale cache, a source that did not answer), in sentences.
    """

    passages: tuple[Passage, ...]
    searched: int | None = None
    notices: tuple[str, ...] = ()


class Retriever(Protocol):
    """A source of passages: an index of files, a search service, a feed."""

    @property
    def name(self) -> str:
        """What ``-i`` calls it."""

    @property
    def remote(self) -> bool:
        """Whether a question leaves this machine."""

    def retrieve(self, query: str, k: int) -> Retrieved:
        """At most `k` passages for a question. Raises OckitError."""

    def close(self) -> None:
        """Free everything."""


class Reader(Protocol):
    """Reads files of some kinds. Runs in a child process with limits; it need not mind how long it takes."""

    @property
    def kinds(self) -> Sequence[str]:
        """The kinds of file it reads (`Document.kind`)."""

    def read(self, data: bytes, name: str) -> Document:
        """The document in the bytes of a file called `name`. Raises OckitError: damaged, encrypted, over a limit."""


class Moderator(Protocol):
    """One way to judge a text. Knows no policy: the action of its verdicts is ``allow``."""

    @property
    def name(self) -> str:
        """What the policy calls it."""

    def check(self, text: str, role: Judged, context: Sequence[Message] = ()) -> Verdict:
        """Judge a text, given the turns before it. Raises OckitError where it cannot: its caller makes the verdict of
        that (`Verdict.status`)."""

    def close(self) -> None:
        """Free everything."""
