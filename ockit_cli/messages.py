"""The nouns a conversation is made of: frozen, standard library only.

Nothing here knows a model, a database or a terminal. Everything that crosses a process border is one of these
or made of them, so each is trivially turned into JSON by `dataclasses.asdict`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, replace
from typing import Literal

from ockit.errors import UsageError

Role = Literal["system", "user", "assistant"]
ROLES: tuple[Role, ...] = ("system", "user", "assistant")


@dataclass(frozen=True)
class Message:
    """One turn of a conversation.

    Attributes:
        role: who speaks.
        text: what was said, exactly.
        token_ids: for a generated answer, the ids the model produced; a later prompt reuses them verbatim, so
            that the key/value cache of the earlier turn stays valid. They belong to one model only.
    """

    role: Role
    text: str
    token_ids: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Conversation:
    """Messages in order, at most one of them (the first) with role ``system``."""

    messages: tuple[Message, ...] = ()

    @property
    def system(self) -> str | None:
        """The system text, or None where the conversation has none."""
        first = self.messages[0] if self.messages else None
        return first.text if first is not None and first.role == "system" else None

    @property
    def turns(self) -> tuple[Message, ...]:
        """Every message but the system text."""
        return self.messages[1:] if self.system is not None else self.messages

    def add(self, message: Message) -> Conversation:
        """The conversation with one more message at its end."""
        return Conversation((*self.messages, message))

    def with_system(self, text: str | None) -> Conversation:
        """The same turns under another system text (None: under none)."""
        head = () if text is None else (Message("system", text),)
        return Conversation((*head, *self.turns))


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen. The defaults suit small instruction-tuned models.

    Raises:
        UsageError: from `checked`, for a value outside its range.
    """

    temperature: float = field(default=0.7, metadata={"min": 0.0, "max": 10.0})
    top_k: int = field(default=40, metadata={"min": 0, "max": 1_000_000})
    top_p: float = field(default=0.95, metadata={"min": 0.0, "max": 1.0})
    min_p: float = field(default=0.05, metadata={"min": 0.0, "max": 1.0})
    repeat_penalty: float = field(default=1.0, metadata={"min": 0.01, "max": 10.0})
    repeat_last_n: int = field(default=64, metadata={"min": -1, "max": 1_000_000})
    frequency_penalty: float = field(default=0.0, metadata={"min": -10.0, "max": 10.0})
    presence_penalty: float = field(default=0.0, metadata={"min": -10.0, "max": 10.0})
    dry_multiplier: float = field(default=0.0, metadata={"min": 0.0, "max": 100.0})
    dry_base: float = field(default=1.75, metadata={"min": 1.0, "max": 100.0})
    dry_allowed_length: int = field(default=2, metadata={"min": 0, "max": 1_000_000})
    dry_last_n: int = field(default=-1, metadata={"min": -1, "max": 1_000_000})
    seed: int | None = field(default=None, metadata={"min": 0, "max": 2**32 - 2})
    max_tokens: int | None = field(default=2048, metadata={"min": 1, "max": 2**31 - 1})
    stop: tuple[str, ...] = ()
    logit_bias: tuple[tuple[int, float], ...] = ()
    grammar: str | None = None

    def checked(self) -> Sampling:
        """Itself, once every number is finite and inside its range."""
        for entry in fields(self):
            value = getattr(self, entry.name)
            if value is None or "min" not in entry.metadata:
                continue
            low, high = entry.metadata["min"], entry.metadata["max"]
            if not low <= value <= high:  # which no NaN does
                raise UsageError(
                    f"{entry.name} is {value}, but must lie between {low} and {high}",
                    hint="ockit ask --help lists the parameters",
                )
        for token, bias in self.logit_bias:
            if not 0 <= token < 2**31 or math.isnan(bias) or bias == math.inf:
                raise UsageError(
                    f"logit_bias is {token}:{bias}, but a token is a number below 2147483648 and a bias is finite "
                    "or -inf",
                    hint="--option logit_bias=198:-5,504:1.5",
                )
        if any(not word for word in self.stop):
            raise UsageError("a stop string is empty", hint="leave --stop out, or give it some text")
        return self

    def changed(self, **values: object) -> Sampling:
        """A checked copy with some values replaced."""
        return replace(self, **values).checked()  # type: ignore[arg-type]


@dataclass(frozen=True)
class Passage:
    """A piece of a document that was found for a question.

    Attributes:
        path: the document's path below the folder that was indexed, or what a live source calls it.
        start_line: its first line, from 1; None where the source has no lines.
        end_line: its last line, included.
        page: the page or slide it begins on, from 1, or None.
        heading: the headings it stands under, outermost first, with `` › `` between them.
        text: the passage itself, as it stands in the document: untrusted.
        score: 0 to 1, how sure the search is of it.
        file: the absolute path, or the address of what came from the network; empty where it is not known.
        index: the name of the index or source it comes from.
    """

    path: str
    start_line: int | None
    end_line: int | None
    page: int | None
    heading: str
    text: str
    score: float
    file: str = ""
    index: str = ""


Judged = Literal["user", "assistant", "retrieved"]
"""Whose text moderation looks at: the person's, the model's, or what a search found."""

Action = Literal["allow", "note", "caution", "confirm", "support", "refuse"]
"""What becomes of a text, from the mildest to the strictest. ``note``: nothing but a line in the record. ``caution``:
the model is told to take care. ``confirm``: the person is asked first. ``support``: a fixed text for somebody in
distress is the answer. ``refuse``: the policy's text is."""
ACTIONS: tuple[Action, ...] = ("allow", "note", "caution", "confirm", "support", "refuse")

CATEGORIES = (
    "hate",
    "harassment",
    "violence",
    "sexual",
    "minors",
    "self_harm",
    "illicit",
    "cyber",
    "privacy_fraud",
    "specialised_advice",
)
"""What a text may be about; `Verdict.categories` has a score for each that was scored."""

LEVEL_NAMES = (
    "casual",
    "possibly needs caution",
    "probably needs caution",
    "needs caution",
    "needs intervention",
)
"""The levels 0 to 4 in words: those of OpenChatKit's moderation model, and of ProsocialDialog's safety labels."""


@dataclass(frozen=True)
class Finding:
    """What decided: a rule or a part of the text, from character `start` to `end` (excluded) where it has a place."""

    name: str
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True)
class Verdict:
    """What moderation says of one text.

    Attributes:
        level: 0 to 4, as in `LEVEL_NAMES`.
        p_level: probability of each level, length 5, sum 1; empty where the back end gives none.
        categories: score of each of `CATEGORIES` that was scored, 0 to 1.
        hits: the rules or parts of the text that decided.
        action: what the policy makes of it; a back end, which knows no policy, says ``allow``.
        reason: one sentence for the person.
        backend: which moderator spoke; ``none`` where none judges such texts.
        ms: how long it took, in milliseconds; of texts judged together, each one's share.
        status: ``ok``; ``not_scanned``: not, or not wholly, looked at, and the rest of this says what was read;
            ``timeout`` and ``error``: there is no judgement, and the level is 0 and means nothing.
        injection: how sure it is that the text tries to steer the assistant that reads it, 0 to 1.
        unsure: whether the text lies far from everything the back end has learned from.
        topic: the topic guard that calls the text off its topic, or None.
    """

    level: int
    p_level: tuple[float, ...]
    categories: dict[str, float]
    hits: tuple[Finding, ...]
    action: Action
    reason: str
    backend: str
    ms: float
    status: Literal["ok", "timeout", "error", "not_scanned"]
    injection: float = 0.0
    unsure: bool = False
    topic: str | None = None

    @property
    def judged(self) -> bool:
        """Whether this is a judgement, if only of what was read."""
        return self.status == "ok" or (self.status == "not_scanned" and self.backend != "none")

    @property
    def faulty(self) -> bool:
        """Whether there is no judgement, because the check did not work."""
        return self.status in ("timeout", "error")

    @property
    def score(self) -> float:
        """The expected level, 0 to 4: what texts are ranked by. Without probabilities, the level."""
        if not self.p_level:
            return float(self.level)
        return sum(level * p for level, p in enumerate(self.p_level))


@dataclass(frozen=True)
class Usage:
    """Tokens of one call: the prompt, how much of it was already in the cache, and the answer."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True)
class Timings:
    """Seconds of one call. ``first_token_s`` counts from the start of the request (the process's start for
    ``ockit ask``) to the first text on the way to the person; None where no text came."""

    load_s: float = 0.0
    prefill_s: float = 0.0
    decode_s: float = 0.0
    first_token_s: float | None = None
