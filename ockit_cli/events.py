"""The one stream of events that carries a turn to every face: REPL, plain text, JSON lines, HTTP."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ockit.messages import Judged, Passage, Timings, Usage, Verdict

FinishReason = Literal["stop", "length", "interrupted", "error", "refused"]
"""``stop``: the model ended its turn or a stop string came; ``length``: max_tokens or the context is used up;
``interrupted``: the person stopped it; ``error``: the worker failed in mid-answer; ``refused``: moderation
stopped the question, or the rest of the answer."""


@dataclass(frozen=True)
class Notice:
    """Something the person should know; never part of the answer. ``kind`` is stable, for programs."""

    text: str
    kind: str = "notice"


@dataclass(frozen=True)
class Sources:
    """The passages an answer was given."""

    passages: tuple[Passage, ...]


@dataclass(frozen=True)
class Moderated:
    """A moderation verdict on the question, the answer, or a passage that was found."""

    verdict: Verdict
    role: Judged


@dataclass(frozen=True)
class Prefill:
    """The prompt is being read: ``done`` of ``total`` tokens, cached ones included."""

    done: int
    total: int


@dataclass(frozen=True)
class Token:
    """Answer text, as soon as it is final (whole characters, no half stop string). ``ids`` are the token ids
    produced since the last event; text and ids need not align one to one."""

    text: str
    ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class End:
    """The answer is complete. ``verbatim``: the ids of the Token events say exactly their text (not so where a
    stop string was cut off)."""

    finish_reason: FinishReason
    usage: Usage = field(default_factory=Usage)
    timings: Timings = field(default_factory=Timings)
    verbatim: bool = True


Event = Notice | Sources | Moderated | Prefill | Token | End


def to_json(event: Event) -> dict[str, Any]:
    """An event as a JSON-ready object whose ``event`` is its lower-case class name."""
    return {"event": type(event).__name__.lower(), **asdict(event)}
