"""What the formats of guard models have in common, and which one a file is of.

A format knows its prompt (as segments, so that no text becomes a control token), the labels its models answer with, and
what they mean here. It does not know engines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ockit.errors import ModelFileError, UsageError
from ockit.messages import Message
from ockit.moderation.judges.judge import LEVELS, Opinion
from ockit.prompts.segments import Segment

Shares = Callable[[Sequence[Segment], Sequence[str]], list[float]]
"""Asks the model: probabilities of labels after a prompt, summing to 1."""

_MARKS = re.compile(r"<(?=/?(?:BEGIN|END|start_of|end_of)[ _])", re.IGNORECASE)

WORTH_ASKING = 0.05
"""Probability of "unsafe" below which the model is not asked for the category as well."""


@dataclass(frozen=True)
class Hazard:
    """What one of a guard's own categories means here.

    Attributes:
        level: of a text that the guard calls unsafe for it.
        category: of `ockit.messages.CATEGORIES`, or None.
        injection: whether it is about steering the assistant.
    """

    level: int
    category: str | None = None
    injection: bool = False


class GuardFormat(Protocol):
    """One family of guard models."""

    @property
    def name(self) -> str:
        """What the policy calls it."""

    def ask(self, turns: Sequence[Message], shares: Shares) -> Opinion:
        """What the model thinks of the last of the turns: a user's, or an assistant's that follows a user's."""


def defused(text: str) -> str:
    """A text that ends none of a format's parts, which are marked with plain words: ``<END CONVERSATION>`` becomes
    ``< END CONVERSATION>``. (Control tokens are no concern here: a text never becomes one.)"""
    return _MARKS.sub("< ", text)


def opinion_of(safe: float, unsafe: float, hazards: Mapping[Hazard, float], words: str) -> Opinion:
    """An opinion from the probabilities of "safe" and "unsafe" (their sum 1) and of each hazard, given unsafe (sum 1;
    none were asked for: the unsafe part counts as level 4)."""
    levels = [0.0] * LEVELS
    levels[0] = safe
    scores: dict[str, float] = {}
    injection = 0.0
    for hazard, share in hazards.items():
        levels[hazard.level] += unsafe * share
        if hazard.category is not None:
            scores[hazard.category] = min(1.0, scores.get(hazard.category, 0.0) + unsafe * share)
        if hazard.injection:
            injection = min(1.0, injection + unsafe * share)
    if not hazards:
        levels[4] += unsafe
    return Opinion(tuple(levels), scores, injection, words)


def format_of(name: str, template: str | None, chosen: str = "") -> GuardFormat:
    """The format of a model.

    Args:
        name: ``general.name`` of its file, or the file's name.
        template: its chat template, or None.
        chosen: a format's name, where a person gave one.

    Raises:
        UsageError: there is no format of the chosen name.
        ModelFileError: the model is no guard of a known format.
    """
    from ockit.moderation.judges.granite_guardian import GraniteGuardian
    from ockit.moderation.judges.llama_guard import LlamaGuard
    from ockit.moderation.judges.qwen3guard import Qwen3Guard

    makers: dict[str, Callable[[str | None], GuardFormat]] = {
        "llama-guard-3": LlamaGuard.of_template,
        "granite-guardian": GraniteGuardian.of_template,
        "qwen3guard": lambda _: Qwen3Guard(),
    }
    if chosen:
        if chosen not in makers:
            raise UsageError(
                f"{chosen!r} is no format of guard models",
                hint=f"format is one of {', '.join(sorted(makers))}",
            )
        return makers[chosen](template)
    found = _of_template(template or "") or _of_name(name)
    if found is None:
        raise ModelFileError(
            f"{name} is no guard model that ockit knows, by its chat template and by its name",
            hint=f"format = one of {', '.join(sorted(makers))} in moderation.toml, if it is one of those",
        )
    return makers[found](template)


def _of_template(template: str) -> str | None:
    """By words that only this family's own template has."""
    if "<start_of_risk_definition>" in template:
        return "granite-guardian"
    if "**Safety: Controversial**" in template and "<|im_start|>" in template:
        return "qwen3guard"
    if "<BEGIN UNSAFE CONTENT CATEGORIES>" in template and "<|start_header_id|>" in template:
        return "llama-guard-3" if re.search(r"S9: Indiscriminate Weapons", template) else None
    return None


def _of_name(name: str) -> str | None:
    """By the name, where a file has lost its own template (conversions of other programs do that)."""
    plain = re.sub(r"[^a-z0-9.]+", "-", name.lower())
    if re.search(r"llama-?guard-?3-(1b|8b)", plain):
        return "llama-guard-3"
    if re.search(r"granite-?guardian-?3\.[0-2]\b|granite-?3(\.[0-2])?-guardian", plain):
        return "granite-guardian"
    return "qwen3guard" if re.search(r"qwen3-?guard-gen", plain) else None
