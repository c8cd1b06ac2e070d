"""What a judge is, and how its opinion becomes a verdict. Knows no model and no policy."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Protocol

from ockit.errors import WorkerError
from ockit.messages import CATEGORIES, Finding, Judged, Message, Verdict
from ockit.moderation.timeouts import CheckTimeout

LEVELS = 5

CUTS: Mapping[str, float] = MappingProxyType(
    {"level1": 0.15, "level2": 0.3, "level3": 0.5, "level4": 0.5, "injection": 0.5}
    | dict.fromkeys(CATEGORIES, 0.5)
)
"""The probability from which a level (or higher) counts as reached, and each category. A half is where a judge's own
answer turns to "unsafe"; caution costs less than a refusal, so it comes sooner."""


class JudgeTimeout(CheckTimeout):
    """A judge did not answer within its time limit; it was stopped."""


class Judge(Protocol):
    """A `ockit.protocols.Moderator` that is slow to start and may be worth nothing: it says whether it is."""

    @property
    def name(self) -> str:
        """What the policy calls it."""

    @property
    def cuts(self) -> Mapping[str, float]:
        """See `CUTS`."""

    def check(self, text: str, role: Judged, context: Sequence[Message] = ()) -> Verdict:
        """Judge a text. Raises OckitError where it cannot, `JudgeTimeout` where it takes too long."""

    def advisory(self) -> str | None:
        """None where its verdicts may be enforced, else why they may not, in one sentence. May load the model and
        test it. Raises OckitError."""

    def describe(self) -> dict[str, str]:
        """What it is, for a person: facts by their names. Starts nothing."""

    def cancel(self) -> None:
        """Stop the running check soon; from any thread."""

    def close(self) -> None:
        """Free everything; a running check fails."""


@dataclass(frozen=True)
class Opinion:
    """What a judge thinks of one text, or of a part of one.

    Attributes:
        p_level: probability of each level, sum 1.
        categories: score of each category it knows, 0 to 1.
        injection: how sure it is that the text tries to steer the assistant.
        words: what the judge itself answered, such as ``unsafe (S2)``.
        start, end: characters of the part that decided.
    """

    p_level: tuple[float, ...]
    categories: Mapping[str, float] = field(default_factory=dict)
    injection: float = 0.0
    words: str = ""
    start: int | None = None
    end: int | None = None

    @property
    def score(self) -> float:
        """The expected level."""
        return sum(level * p for level, p in enumerate(self.p_level))

    @property
    def level(self) -> int:
        """The highest level that is reached (`CUTS`)."""
        return max(
            (level for level in range(1, LEVELS) if sum(self.p_level[level:]) >= CUTS[f"level{level}"]),
            default=0,
        )


CASUAL = Opinion((1.0, 0.0, 0.0, 0.0, 0.0), words="there is nothing in it")


def strictest(opinions: Sequence[Opinion]) -> Opinion:
    """One opinion of a text from those of its parts: the levels of the worst, each category's greatest score."""
    worst = max(opinions, key=lambda opinion: opinion.score)
    names = {name for opinion in opinions for name in opinion.categories}
    scores = {name: max(opinion.categories.get(name, 0.0) for opinion in opinions) for name in names}
    return replace(worst, categories=scores, injection=max(opinion.injection for opinion in opinions))


def verdict_of(opinion: Opinion, *, backend: str, since: float, note: str | None = None) -> Verdict:
    """The verdict of an opinion.

    Args:
        since: when the check began (`time.perf_counter`).
        note: what the person should know of the judge, such as that it only advises.

    Raises:
        WorkerError: the numbers are no probabilities.
    """
    numbers = (*opinion.p_level, *opinion.categories.values(), opinion.injection)
    if (
        len(opinion.p_level) != LEVELS
        or any(not -1e-6 <= number <= 1 + 1e-6 for number in numbers)  # which no NaN passes
        or not math.isclose(sum(opinion.p_level), 1.0, abs_tol=1e-4)
    ):
        raise WorkerError(
            f"{backend} answered what are no probabilities", hint="check its model: ockit inspect FILE"
        )
    level = opinion.level
    hits = [Finding("level", opinion.start, opinion.end)] if level else []
    hits += [Finding(name) for name in CATEGORIES if opinion.categories.get(name, 0.0) >= CUTS[name]]
    if opinion.injection >= CUTS["injection"]:
        hits.append(Finding("injection", opinion.start, opinion.end))
    said = f"{backend}: {opinion.words}" if opinion.words else f"{backend}: level {level}"
    return Verdict(
        level=level,
        p_level=tuple(float(p) for p in opinion.p_level),
        categories={name: float(score) for name, score in opinion.categories.items()},
        hits=tuple(hits),
        action="allow",
        reason=f"{said}; {note}" if note else said,
        backend=backend,
        ms=(time.perf_counter() - since) * 1000,
        status="ok",
        injection=float(opinion.injection),
    )
