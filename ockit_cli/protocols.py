"""The seams between the parts. Small on purpose: an engine knows token ids and text, not conversations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from ockit.events import Event
from ockit.messages import Sampling


class Vocabulary(Protocol):
    """A tokenizer as the prompt code needs it. Ids are ints in ``range(n_tokens)``."""

    @property
    def n_tokens(self) -> int:
        """How many tokens there are."""

    @property
    def bos(self) -> int | None:
        """The id that begins a text, where the model wants one in front of every prompt; else None."""

    def tokenize(self, text: str) -> list[int]:
        """Ids of plain text, special tokens OFF: control markers in it are ordinary characters."""

    def marker(self, text: str) -> int | None:
        """The id of the one special (control or user-defined) token spelled exactly so, or None."""

    def is_control(self, token: int) -> bool:
        """Whether the model treats the id as a control token (by its type, or because it ends a turn)."""

    def strips(self, token: int) -> tuple[bool, bool]:
        """Whether a special token eats white space (before it, after it): LSTRIP and RSTRIP."""

    def piece(self, token: int) -> bytes:
        """The bytes of a token as text (control tokens: empty)."""


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
