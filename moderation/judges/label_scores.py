"""How probable a model finds each of a few labels after a prompt. Knows segments and engines, no prompt's words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from ockit.errors import ModelFileError
from ockit.prompts.segments import Segment, Text

LEAST_SHARE = 0.01
"""Of all that the model could write, what the labels must make up together."""


class LabelEngine(Protocol):
    """What a judge needs of an engine; `ockit.engines.hosted.HostedEngine` has it."""

    def encode(self, segments: Sequence[Segment]) -> list[int]:
        """Token ids of a prompt."""

    def score(self, prefix: Sequence[int], continuations: Sequence[Sequence[int]]) -> list[float]:
        """Log-likelihoods of continuations."""


class LabelScores:
    """Asks an engine for labels."""

    def __init__(self, engine: LabelEngine) -> None:
        self._engine = engine

    def log_likelihoods(self, segments: Sequence[Segment], labels: Sequence[str]) -> list[float]:
        """Natural logarithm of the probability of each whole label after the prompt.

        Prompt and label are tokenized together, so that a label's first token is the one the model would write; what
        the labels' ids have in common is the prompt. Raises what the engine raises.
        """
        whole = [self._engine.encode([*segments, Text(label)]) for label in labels]
        shared = 0
        for column in zip(*whole, strict=False):
            if len(set(column)) > 1:
                break
            shared += 1
        shared = min(shared, min(map(len, whole)) - 1)  # a label that begins another keeps a token of its own
        return self._engine.score(whole[0][:shared], [ids[shared:] for ids in whole])

    def shares(self, segments: Sequence[Segment], labels: Sequence[str], *, of: str) -> list[float]:
        """The labels' probabilities, made to sum to 1.

        Args:
            of: which model and format this is, for the error.

        Raises:
            ModelFileError: the model would hardly write any of them: it is no model of this format.
        """
        found = self.log_likelihoods(segments, labels)
        likely = [math.exp(value) for value in found]
        if sum(likely) < LEAST_SHARE:
            named = ", ".join(repr(label.strip()) for label in labels[:3])
            raise ModelFileError(
                f"{of} answers none of {named} (together {sum(likely):.1%})",
                hint="the model or the format is another one: format = ... in moderation.toml names it",
            )
        return normalised(found)


def normalised(logarithms: Sequence[float]) -> list[float]:
    """exp of each, divided by their sum; safe for very small numbers."""
    top = max(logarithms)
    likely = [math.exp(value - top) for value in logarithms]
    return [value / sum(likely) for value in likely]
