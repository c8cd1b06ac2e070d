"""What the classes of a text classifier mean here: a level, and perhaps a category. Given by a person, or guessed.

Knows names, no model. A guess is shown to the person (`describe`), and one that makes no sense is not made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ockit.errors import UsageError
from ockit.messages import CATEGORIES

_GIVEN = (
    'labels = { "NAME" = 3, "OTHER" = "hate", "THIRD" = "hate:4" } in moderation.toml says what they mean'
)


@dataclass(frozen=True)
class Meaning:
    """What a class means: a level from 0 to 4, a category of `CATEGORIES` or None, or a try to steer the assistant."""

    level: int
    category: str | None = None
    injection: bool = False

    def __str__(self) -> str:
        more = "injection" if self.injection else self.category
        return f"level {self.level}" + (f", {more}" if more else "")


_HARMLESS = re.compile(
    r"^(safe|benign|ok|neutral|normal|none|other|clean|harmless|legit\w*|acceptable|appropriate|casual|sfw|"
    r"(non?|not)[ -]?(toxic|hate\w*|harmful|offensive|nsfw|injection|jailbreak|abusive|unsafe|spam|hateful)\w*)$"
)
_GUESSES: tuple[tuple[str, Meaning], ...] = (
    (r"needs? intervention", Meaning(4)),
    (r"probably needs? caution", Meaning(2)),
    (r"possibly needs? caution", Meaning(1)),
    (r"needs? caution", Meaning(3)),
    (r"injection|jailbreak", Meaning(3, None, injection=True)),
    (r"minor|child|csam|underage", Meaning(4, "minors")),
    (r"self.?harm|suicid", Meaning(4, "self_harm")),
    (r"threat|violen|weapon|terror|graphic", Meaning(4, "violence")),
    (r"severe.?toxic", Meaning(4, "harassment")),
    (r"identity|racis|sexis|homophob|hate", Meaning(4, "hate")),
    (r"insult|harass|bully|abus|offens|toxic|obscen|profan|vulgar", Meaning(3, "harassment")),
    (r"sexual|porn|nsfw|explicit|adult", Meaning(3, "sexual")),
    (r"malware|hack|cyber|phish", Meaning(4, "cyber")),
    (r"fraud|scam|privacy|pii|personal", Meaning(3, "privacy_fraud")),
    (r"drug|illegal|illicit|criminal|crime", Meaning(4, "illicit")),
    (r"unsafe|harmful|dangerous|danger|flagged|block", Meaning(4)),
    (r"controversial|spam", Meaning(2)),
)


def meanings_of(labels: Sequence[str], given: Mapping[str, object]) -> dict[str, Meaning]:
    """The meaning of every class, by its label.

    Args:
        labels: the classifier's, in order.
        given: label to level (0 to 4), category, or ``category:level``; empty where they are to be guessed.

    Raises:
        UsageError: a label is given that there is none of, one is left out, a meaning is none; or nothing sensible
            can be guessed.
    """
    if given:
        return _given(labels, given)
    found: dict[str, Meaning] = {}
    for label in labels:
        plain = re.sub(r"[_\s-]+", " ", label.strip().lower())
        if _HARMLESS.match(plain):
            found[label] = Meaning(0)
            continue
        guess = next((meaning for pattern, meaning in _GUESSES if re.search(pattern, plain)), None)
        if guess is None:
            raise UsageError(
                f"the classifier calls a class {label!r}, of which ockit does not know what it means "
                f"(its classes: {', '.join(labels)})",
                hint=_GIVEN,
            )
        found[label] = guess
    if all(meaning.level == 0 for meaning in found.values()):
        raise UsageError(f"none of the classifier's classes means any harm: {', '.join(labels)}", hint=_GIVEN)
    return found


def _given(labels: Sequence[str], given: Mapping[str, object]) -> dict[str, Meaning]:
    unknown = [label for label in given if label not in labels]
    missing = [label for label in labels if label not in given]
    if unknown or missing:
        what = (
            f"has no class {unknown[0]!r}"
            if unknown
            else f"has a class {missing[0]!r}, which labels leave out"
        )
        raise UsageError(f"the classifier {what} (its classes: {', '.join(labels)})", hint=_GIVEN)
    return {label: meaning_of(label, given[label]) for label in labels}


def meaning_of(label: str, value: object) -> Meaning:
    """What a person says a class means: 3, ``hate`` (level 4), ``hate:3`` or ``injection`` (3). Raises UsageError."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 4:
        return Meaning(value)
    if isinstance(value, str):
        name, colon, level = value.partition(":")
        known = name in CATEGORIES or name == "injection"
        if known and (not colon or level in ("0", "1", "2", "3", "4")):
            number = int(level) if colon else 3 if name == "injection" else 4
            return Meaning(number, None, injection=True) if name == "injection" else Meaning(number, name)
    raise UsageError(
        f"label {label!r} is said to mean {value!r}",
        hint=f"a level from 0 to 4, one of {', '.join(CATEGORIES)}, injection, or CATEGORY:LEVEL",
    )
