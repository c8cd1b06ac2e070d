"""What the store gives back: frozen records of sessions, messages and search hits.

They know nothing of SQLite. Times are Unix seconds (UTC); ids are the strings of `ockit.sessions.ids`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from ockit.events import Moderated
from ockit.messages import Message, Passage, Role, Timings, Usage

State = Literal["complete", "partial", "interrupted", "failed"]
"""``complete``: all of it is there; ``partial``: a live process is writing it; ``interrupted``: the person or a
crash stopped it, the text so far is kept; ``failed``: the model's process failed."""

STATES: tuple[State, ...] = ("complete", "partial", "interrupted", "failed")


FIXED = "a fixed text by moderation"
"""What is said of an answer that names an empty text as its model: no model has given it."""


@dataclass(frozen=True)
class Session:
    """One chat: a tree of messages and the one (`head`) at which it stands."""

    id: str
    title: str | None
    model: str | None
    template: str | None
    system: str | None
    created_at: float
    updated_at: float
    head: str | None
    n_messages: int
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StoredMessage:
    """One turn as it was saved.

    Attributes:
        parent_id: the message it follows; None for the first of a session. Siblings are branches.
        token_ids: the ids the model produced; None for questions and where they are not known.
        finish_reason: why the model stopped; None for a question, and where nobody saw the answer's end.
        sampling: the parameters of the answer, as `dataclasses.asdict` gives them.
        error: what went wrong, where the state is ``failed``.
        rating: 1 good, -1 bad, None not rated.
        sources: the passages the answer was given, best first.
        verdicts: what moderation said of it.
    """

    id: str
    session_id: str
    parent_id: str | None
    role: Role
    text: str
    state: State
    created_at: float
    updated_at: float
    token_ids: tuple[int, ...] | None = None
    model: str | None = None
    finish_reason: str | None = None
    error: str | None = None
    sampling: dict[str, Any] | None = None
    seed: int | None = None
    usage: Usage | None = None
    timings: Timings | None = None
    rating: int | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    sources: tuple[Passage, ...] = ()
    verdicts: tuple[Moderated, ...] = ()

    @property
    def message(self) -> Message:
        """The turn as the prompt code needs it. Ids come only with an answer whose end was saved: before it
        nobody can say that they spell exactly the text."""
        return Message(self.role, self.text, None if self.finish_reason is None else self.token_ids)


@dataclass(frozen=True)
class Moderation:
    """What moderation made of a message, to be saved with it.

    Attributes:
        verdicts: on the message itself, and on what was found for it.
        metadata: what is known of the message besides its text from now on; None leaves that as it is.
    """

    verdicts: tuple[Moderated, ...] = ()
    metadata: dict[str, Any] | None = None


@dataclass(frozen=True)
class Hit:
    """A message that a search found. In `snippet` the words that matched stand in ``[ ]``."""

    session_id: str
    title: str | None
    message_id: str
    role: Role
    snippet: str
    created_at: float
