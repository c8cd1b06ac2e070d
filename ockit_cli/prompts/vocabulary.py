"""What the prompt code asks of a tokenizer. Engines implement it; nothing here knows one."""

from __future__ import annotations

from typing import Protocol


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

    def spelling(self, token: int) -> str:
        """The text of a token as the vocabulary writes it, control tokens too."""

    def is_control(self, token: int) -> bool:
        """Whether the model treats the id as a control token (by its type, or because it ends a turn)."""

    def strips(self, token: int) -> tuple[bool, bool]:
        """Whether a special token eats white space (before it, after it): LSTRIP and RSTRIP."""

    def piece(self, token: int) -> bytes:
        """The bytes of a token as text (control tokens: empty)."""
