"""What a policy makes of one verdict. Knows numbers and actions; no back end, no text of the person's."""

from __future__ import annotations

from dataclasses import dataclass

from ockit.messages import CATEGORIES, LEVEL_NAMES, Action, Judged, Verdict
from ockit.moderation.policy.cut_points import CutPoints
from ockit.moderation.policy.policy import Section, strictest

CATEGORY_NAMES = {
    **{name: name for name in CATEGORIES},
    "sexual": "sexual content",
    "minors": "children",
    "self_harm": "self-harm",
    "illicit": "illicit goods or weapons",
    "cyber": "attacks on computers",
    "privacy_fraud": "privacy or fraud",
    "specialised_advice": "specialised advice",
}

AT_RISK = "somebody may be in distress"
"""The reason for support where others are refused."""
_AT_RISK_FROM = 2
"""The level from which a text on self-harm may be about the person who writes it."""


@dataclass(frozen=True)
class Decision:
    """Attributes:
    action: what becomes of the text.
    level: the level after the policy's shifts and the back end's cap.
    reason: one sentence for the person.
    at_risk: whether somebody may be about to hurt themselves, whatever the cap: such a text is never met with a bare
        refusal.
    """

    action: Action
    level: int
    reason: str
    at_risk: bool


def decide(
    verdict: Verdict, section: Section, role: Judged, cuts: CutPoints, *, max_level: int = 4
) -> Decision:
    """Apply a section to a verdict whose status is ``ok`` or ``not_scanned``."""
    seen = _level(verdict, section, cuts)
    level = min(seen, max_level)
    about = _about(verdict, section, cuts)
    distress = any(hit.name == "distress" for hit in verdict.hits)
    found: list[tuple[Action, str]] = [(_by_level(level, about, section), _in_words(level, about))]
    if cuts.reached("injection", verdict.injection, section.shift.of("injection")):
        found.append((section.injection, "it gives orders to the assistant"))
    if distress:
        found.append((section.distress, AT_RISK))
    if verdict.unsure:
        found.append((section.unsure, "it is unlike anything the check has learned from"))
    if verdict.topic is not None:
        found.append((section.off_topic, f"it is off the topic {verdict.topic}"))
    unread = not_looked_at(verdict)
    if unread:
        found.append((section.unread, unread))
    action = strictest(*(one for one, _ in found))
    reason = next(words for one, words in found if one == action)
    at_risk = distress or ("self_harm" in about and seen >= _AT_RISK_FROM)
    met = as_met(action, role)
    if at_risk and supported(met, role) != met:
        met, reason = supported(met, role), AT_RISK
    return Decision(met, level, with_unread(reason, unread), at_risk)


def supported(action: Action, role: Judged) -> Action:
    """Whoever may be at risk is met with support where others are refused."""
    return as_met("support", role) if action == "refuse" else action


def not_looked_at(verdict: Verdict) -> str:
    """What of a text was not read, in words; empty where all of it was."""
    if verdict.status != "not_scanned":
        return ""
    count = unread_characters(verdict)
    return f"{count:,} characters of it were not looked at" if count else verdict.reason


def unread_characters(verdict: Verdict) -> int:
    """Characters in the stretches that a back end says it has not looked at; 0 where it names none."""
    stretches = [hit for hit in verdict.hits if hit.name == "not_scanned"]
    return sum(hit.end - hit.start for hit in stretches if hit.start is not None and hit.end is not None)


def with_unread(reason: str, unread: str) -> str:
    """A reason that also tells what was not read."""
    return reason if not unread or unread in reason else f"{reason}; {unread}"


def as_met(action: Action, role: Judged) -> Action:
    """An action as it can be carried out: nobody can be asked in the middle of an answer, and nobody in a document can
    be supported."""
    if role == "retrieved" and action in ("confirm", "support"):
        return "refuse"
    return "refuse" if role == "assistant" and action == "confirm" else action


def _level(verdict: Verdict, section: Section, cuts: CutPoints) -> int:
    """The back end's own level, or, where the policy moves thresholds, the highest that is then reached."""
    shifts = section.shift.levels
    if not any(shifts) or not verdict.p_level:
        return verdict.level
    reached = [
        level
        for level in (1, 2, 3, 4)
        if cuts.reached(f"level{level}", sum(verdict.p_level[level:]), shifts[level - 1])
    ]
    return max(reached, default=0)


def _about(verdict: Verdict, section: Section, cuts: CutPoints) -> list[str]:
    """The categories that the text is about, the one farthest above its cut first."""
    margins = {
        name: cuts.margin(name, score, section.shift.of(name)) for name, score in verdict.categories.items()
    }
    return sorted((name for name in margins if margins[name] >= 0), key=lambda name: -margins[name])


def _by_level(level: int, about: list[str], section: Section) -> Action:
    rows = [section.categories[name][level] for name in about if name in section.categories]
    if about and about[0] in section.categories:
        return strictest(*rows)
    return strictest(section.levels[level], *rows)


def _in_words(level: int, about: list[str]) -> str:
    words = LEVEL_NAMES[level]
    return f"{words}: {', '.join(CATEGORY_NAMES[name] for name in about[:3])}" if level and about else words
