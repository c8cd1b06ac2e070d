"""The guard judge: a model that was trained to moderate, asked in its own format.

Knows turns, parts and limits; prompts and answers are the format's.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from ockit.engines.hosted import HostedEngine
from ockit.messages import Judged, Message, Verdict
from ockit.moderation.judges.gguf_judge import GgufJudge
from ockit.moderation.judges.guard_format import GuardFormat
from ockit.moderation.judges.judge import verdict_of
from ockit.moderation.judges.parts import in_parts
from ockit.prompts.segments import Segment

PART = 6000
"""Characters of a text that are judged at once: about 1,500 tokens, beside some hundred of the policy."""
CONTEXT = 1500
"""Characters of each turn before it that are shown."""


class GuardModerator(GgufJudge):
    """`ockit.moderation.judges.judge.Judge` on a guard model.

    Args:
        engine: the model's, chosen, not loaded.
        model: its name, for a person.
        form: how it is asked.
        seconds: time limit of a check.
    """

    def __init__(
        self,
        engine: HostedEngine,
        model: str,
        form: GuardFormat,
        *,
        name: str = "guard",
        seconds: float = 30.0,
    ) -> None:
        super().__init__(engine, model, name, seconds)
        self._form = form

    def check(self, text: str, role: Judged, context: Sequence[Message] = ()) -> Verdict:
        """Judge a text. A retrieved one is judged like a user's; an answer together with the question before it.

        Raises:
            ContextOverflow: it is too long.
            ModelFileError: the model does not answer in its format.
            JudgeTimeout, WorkerError, DoesNotFit: it does not answer, or nonsense.
        """
        self.advisory()
        since = time.perf_counter()
        with self._within(self._seconds):
            opinion = in_parts(
                text,
                PART,
                lambda part: self._form.ask(turns_of(part, role, context), self._shares),
                name=self.name,
            )
        return verdict_of(opinion, backend=self.name, since=since)

    def advisory(self) -> str | None:
        """None: it was trained for this. Loads the model."""
        self._load()
        return None

    def describe(self) -> dict[str, str]:
        """Model and format."""
        return {"model": self._model, "format": self._form.name}

    def _shares(self, segments: Sequence[Segment], labels: Sequence[str]) -> list[float]:
        return self._scores.shares(segments, labels, of=f"{self._model}, asked as {self._form.name},")


def turns_of(text: str, role: Judged, context: Sequence[Message]) -> list[Message]:
    """The turns a guard is shown, alternating, the judged one last.

    A user's text stands alone after the exchange before it, an answer after its question; without a question an answer
    is judged like a user's text, since no guard's format knows a conversation that begins with an answer.
    """
    said = [
        Message(turn.role, turn.text[:CONTEXT])
        for turn in context
        if turn.role != "system" and turn.text.strip()
    ]
    if role == "assistant":
        if said and said[-1].role == "user":
            return [said[-1], Message("assistant", text)]
        return [Message("user", text)]
    if role == "user" and [turn.role for turn in said[-2:]] == ["user", "assistant"]:
        return [*said[-2:], Message("user", text)]
    return [Message("user", text)]
