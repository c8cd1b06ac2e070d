"""How one model family lays a conversation out: patterns with a hole for each turn's text.

A `Template` turns a conversation into segments. It knows markers by their spelling only: no vocabulary, no token
ids (`ockit.prompts.encode` has those), no Jinja. What a person or a model said is put in as `Text` (or `Ids`) and
is never searched for markers or holes; only the patterns of the template itself are.

A pattern may hold ``{text}`` (the turn's text), ``{eos}`` (the spelling of the end-of-text token), ``{bos}`` (the
begin-of-text token, for formats that repeat it) and ``{condition}``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from ockit.errors import UsageError
from ockit.messages import Conversation, Message
from ockit.prompts.segments import Bos, Control, Ids, Segment, Text

_HOLE = "{text}"


@dataclass(frozen=True)
class Rendered:
    """A prompt as segments, and the strings at which the answer ends where no control token ends it."""

    segments: tuple[Segment, ...]
    stop: tuple[str, ...]


@dataclass(frozen=True)
class Template:
    """A chat format.

    Attributes:
        name: how it is chosen, ``--template NAME``.
        user: the pattern of a user turn.
        assistant: the pattern of an earlier answer.
        generation: the pattern after which the model writes its answer.
        system: the pattern of the system text; None where the format has no place for it: then it is folded
            into a user turn.
        fold: how system text and user text become one, for formats without a system turn.
        fold_into: which user turn takes it. ``last`` follows the formats that were trained so; it moves the
            system text at every turn, so earlier turns cannot be reused from the cache.
        default_system: what stands for the system text where the conversation has none.
        skip_empty_system: whether an empty system text leaves the system turn out.
        trim: the roles whose text loses surrounding white space.
        trim_folded: whether a user's text is trimmed after the system text was folded in, not before.
        thinking_end: where an earlier answer's visible part begins, as ``</think>``: what stands before it is left
            out of later prompts, and so are its token ids.
        thinking_strip: characters stripped from the front of what then remains.
        markers: every control token the patterns hold, by spelling.
        eos: spelling of the end-of-text token that ``{eos}`` stands for.
        conditions: what ``--condition`` may be; the first is the default.
        stop: strings that end an answer, for formats whose turns no control token ends.
    """

    name: str
    user: str
    assistant: str
    generation: str
    system: str | None = None
    fold: str = "{system}\n\n{text}"
    fold_into: Literal["first", "last"] = "first"
    default_system: str | None = None
    skip_empty_system: bool = False
    trim: frozenset[str] = frozenset()
    trim_folded: bool = False
    thinking_end: str | None = None
    thinking_strip: str = ""
    markers: tuple[str, ...] = ()
    eos: str = "</s>"
    conditions: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()

    def changed(self, **values: object) -> Template:
        """A copy with some attributes replaced."""
        return replace(self, **values)  # type: ignore[arg-type]

    @property
    def writes_eos(self) -> bool:
        """Whether a pattern writes the end-of-text token, so that its spelling matters."""
        return any("{eos}" in pattern for pattern in (self.user, self.assistant, self.system or ""))

    @property
    def all_markers(self) -> tuple[str, ...]:
        """The markers, the end-of-text token's spelling among them where a pattern writes it."""
        return (*self.markers, self.eos) if self.writes_eos else self.markers

    def render(self, conversation: Conversation, *, condition: str | None = None) -> Rendered:
        """The conversation laid out, up to and with the generation prompt.

        Raises:
            UsageError: a condition that the template does not have.
        """
        said = self._condition(condition)
        parts = [*self._laid_out(conversation, said), *self._pieces(self.generation, said)]
        return Rendered(tuple(joined(parts)), self.stop)

    def render_open(self, conversation: Conversation, *, condition: str | None = None) -> Rendered:
        """The conversation whose last message is an answer that goes on: laid out up to that answer's last word.

        Raises:
            UsageError: a condition that the template does not have.
        """
        said = self._condition(condition)
        *before, answer = conversation.messages
        parts = self._laid_out(Conversation(tuple(before)), said)
        if answer.token_ids is not None or self.thinking_end is not None:
            # right after the generation prompt, where the model wrote it; a thinking part that goes on stays
            parts += self._pieces(self.generation, said)
            parts.append(
                Text(answer.text) if answer.token_ids is None else Ids(answer.token_ids, answer.text)
            )
        else:
            parts += [*self._pieces(self.assistant.partition(_HOLE)[0], said), Text(answer.text)]
        return Rendered(tuple(joined(parts)), self.stop)

    def _laid_out(self, conversation: Conversation, said: str) -> list[Segment]:
        """Every message, without the generation prompt."""
        parts: list[Segment] = [Bos()]
        turns = list(conversation.turns)
        system = conversation.system if conversation.system is not None else self.default_system
        if self.skip_empty_system and not system:
            system = None
        if system is not None and self.system is not None:
            parts += self._turn(self.system, self._trimmed("system", system), said)
            system = None
        folded = self._folded_turn(turns) if system is not None else None
        for index, message in enumerate(turns):
            if message.role == "assistant":
                parts += self._answer(message, said)
            else:
                text = self._user_text(message.text, system if index == folded else None)
                parts += self._turn(self.user, text, said)
        if system is not None and folded is None:
            parts += self._turn(self.user, self._trimmed("user", system), said)
        return parts

    def _condition(self, condition: str | None) -> str:
        if condition is None:
            return self.conditions[0] if self.conditions else ""
        if condition in self.conditions:
            return condition
        if self.conditions:
            raise UsageError(
                f"the template {self.name} has no condition {condition!r}",
                hint="--condition takes one of: " + ", ".join(map(repr, self.conditions)),
            )
        from ockit.prompts.templates import with_conditions

        raise UsageError(
            f"the template {self.name} has no conditions, so --condition {condition!r} cannot be used",
            hint="templates that have them: " + ", ".join(with_conditions()),
        )

    def _folded_turn(self, turns: list[Message]) -> int | None:
        users = [index for index, message in enumerate(turns) if message.role == "user"]
        if not users:
            return None
        return users[0] if self.fold_into == "first" else users[-1]

    def _user_text(self, text: str, system: str | None) -> str:
        if system is None:
            return self._trimmed("user", text)
        if not self.trim_folded:
            text = self._trimmed("user", text)
        before, _, after = self.fold.partition("{text}")
        head, _, between = before.partition("{system}")
        whole = head + self._trimmed("system", system) + between + text + after
        return self._trimmed("user", whole) if self.trim_folded else whole

    def _trimmed(self, role: str, text: str) -> str:
        return text.strip() if role in self.trim else text

    def _answer(self, message: Message, condition: str) -> list[Segment]:
        text = message.text
        if self.thinking_end is not None and self.thinking_end in text:
            text = text.rpartition(self.thinking_end)[2].lstrip(self.thinking_strip)
        elif message.token_ids is not None:
            return self._answered_ids(message.token_ids, text, condition)
        return self._turn(self.assistant, self._trimmed("assistant", text), condition)

    def _answered_ids(self, token_ids: tuple[int, ...], text: str, condition: str) -> list[Segment]:
        # The model wrote these ids right after the generation prompt: the same words in front of them, or
        # nothing of the earlier prompt can be reused.
        after = self.assistant.partition(_HOLE)[2]
        ids = Ids(tuple(token_ids), text)
        return [*self._pieces(self.generation, condition), ids, *self._pieces(after, condition)]

    def _turn(self, pattern: str, text: str, condition: str) -> list[Segment]:
        before, _, after = pattern.partition(_HOLE)
        return [*self._pieces(before, condition), Text(text), *self._pieces(after, condition)]

    def _pieces(self, pattern: str, condition: str) -> list[Segment]:
        """A piece of a pattern as segments: its markers are control tokens, the rest is text."""
        pieces: list[Segment] = []
        for piece in self._marker_pattern.split(pattern.replace("{eos}", self.eos)):
            if piece == "{bos}":
                pieces.append(Bos())
            elif piece in self._marker_set:
                pieces.append(Control(piece))
            elif piece:
                pieces.append(Text(piece.replace("{condition}", condition)))
        return pieces

    @cached_property
    def _marker_set(self) -> frozenset[str]:
        return frozenset(self.all_markers)

    @cached_property
    def _marker_pattern(self) -> re.Pattern[str]:
        longest_first = sorted(self._marker_set | {"{bos}"}, key=len, reverse=True)
        return re.compile("(" + "|".join(map(re.escape, longest_first)) + ")")


def joined(parts: list[Segment]) -> list[Segment]:
    """Neighbouring texts as one, empty texts left out."""
    whole: list[Segment] = []
    for part in parts:
        if isinstance(part, Text):
            if not part.text:
                continue
            if whole and isinstance(whole[-1], Text):
                whole[-1] = Text(whole[-1].text + part.text)
                continue
        whole.append(part)
    return whole
