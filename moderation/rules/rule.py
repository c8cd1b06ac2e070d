"""One rule: what it looks for, and what it says of a text where it finds it. Knows no file and no policy."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ockit.errors import UsageError
from ockit.moderation.rules.phrases import Phrases
from ockit.moderation.rules.tokens import Token
from ockit.moderation.timeouts import CheckTimeout

if TYPE_CHECKING:
    import regex

SECONDS = 0.25
"""Of processor time that a pattern may take on one text where its rule says nothing else."""

LONGEST_PATTERN = 2_000
MOST_REPEATS = 100_000
"""The product of a pattern's counted repeats: compiling writes them out, and no time limit reaches that."""

MOST_PLACES = 20
"""Places of one rule that are told."""

_COUNTED = re.compile(r"\{(\d*)(?:,(\d*))?\}")


@dataclass(frozen=True, eq=False)
class Rule:
    """Attributes:
    name: what a verdict calls it.
    level: what a text gets in which it finds something, 0 to 4: never more, whatever it finds.
    categories: what such a text is about.
    injection: whether such a text gives orders to the assistant.
    phrases: words and phrases, whole ones.
    pattern: a compiled pattern of the library regex, or None.
    unless: phrases inside which nothing counts ("kill a process").
    seconds: time limit of the pattern.
    where: ``file:line``.
    """

    name: str
    level: int
    categories: tuple[str, ...] = ()
    injection: bool = False
    phrases: Phrases = field(default_factory=lambda: Phrases(()))
    pattern: regex.Pattern[str] | None = None
    unless: Phrases = field(default_factory=lambda: Phrases(()))
    seconds: float = SECONDS
    where: str = ""

    def find(self, text: str, found: Sequence[Token]) -> list[tuple[int, int]]:
        """Start and end of the first `MOST_PLACES` places.

        Args:
            text: the text.
            found: its tokens.

        Raises:
            CheckTimeout: the pattern took too long on this text.
        """
        spared = list(self.unless.find(text, found)) if self.unless else []
        places: list[tuple[int, int]] = []
        for place in self.phrases.find(text, found):
            if not _inside(place, spared):
                places.append(place)
                if len(places) == MOST_PLACES:
                    return places
        if self.pattern is not None:
            places += self._matched(text, spared)
        return sorted(places)[:MOST_PLACES]

    def _matched(self, text: str, spared: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        assert self.pattern is not None
        places: list[tuple[int, int]] = []
        try:
            for match in self.pattern.finditer(text, timeout=self.seconds):
                if match.end() > match.start() and not _inside(match.span(), spared):
                    places.append(match.span())
                    if len(places) == MOST_PLACES:
                        break
        except TimeoutError as error:
            raise CheckTimeout(
                f"the pattern of the rule {self.name} took longer than {self.seconds:g} s on this text",
                where=self.where or None,
                hint="simplify it: repeats inside repeats, such as (a+)+, are what takes long",
            ) from error
        return places


def compiled(source: str) -> regex.Pattern[str]:
    """A pattern, without regard to case. Raises UsageError for what is none, or could not be compiled in bounds."""
    import regex

    if len(source) > LONGEST_PATTERN:
        raise UsageError(
            f"the pattern has {len(source)} characters; {LONGEST_PATTERN} are the most",
            hint="make several rules of it, or a list of words",
        )
    repeats = 1
    for counted in _COUNTED.finditer(source):
        repeats *= max((int(number[:12]) for number in counted.groups() if number), default=1) or 1
    if repeats > MOST_REPEATS:
        raise UsageError(
            f"the pattern's counted repeats come to {repeats:,}; {MOST_REPEATS:,} are the most",
            hint="use + or * instead of {n,m}, or smaller counts",
        )
    try:
        return regex.compile(source, regex.IGNORECASE)
    except (regex.error, RecursionError, OverflowError, ValueError) as error:
        reason = "too deep" if isinstance(error, RecursionError) else str(error)
        raise UsageError(f"this is no pattern: {reason}", hint="it is written as for Python's re") from error


def _inside(place: tuple[int, int], spared: Sequence[tuple[int, int]]) -> bool:
    return any(start <= place[0] and place[1] <= end for start, end in spared)
