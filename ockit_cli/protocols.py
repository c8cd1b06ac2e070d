"""The seams between the parts. Small on purpose: an engine knows token ids and text, not conversations.

A vocabulary's seam stands with the prompt code, which alone uses it: `ockit.prompts.vocabulary`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from ockit.events import Event
from ockit.messages import Sampling


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
