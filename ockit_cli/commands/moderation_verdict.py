"""A verdict as a person reads it, and as JSON. Knows what the actions mean, not how a text is judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ockit.messages import LEVEL_NAMES
from ockit.text import one_line, shorten

if TYPE_CHECKING:
    from ockit.console import Console
    from ockit.messages import Judged, Verdict
    from ockit.moderation.guarding import Guard

NOT_READ = "not_scanned"
"""What back ends call stretches of a long text that they have not read."""
_SHOWN_FROM = 0.1
"""Scores of categories below it are not shown to people."""
_QUOTED = 60  # columns of the part that decided
_MOST_PLACES = 8
_NAMES = {
    "injection": "orders to the assistant",
    "level": "what decided the level",
}
_STYLES = {"allow": "green", "note": "green", "caution": "yellow", "confirm": "yellow"}

MEANINGS: dict[Judged, dict[str, str]] = {
    "user": {
        "allow": "the question goes to the model",
        "note": "the question goes to the model, and the record has a line of it",
        "caution": "the question goes to the model, which is told to take care",
        "confirm": "you are asked first whether to go on",
        "support": "a fixed text about where to find help is the answer, and the conversation stays open",
        "refuse": "the model is not asked; a fixed text is the answer",
    },
    "assistant": {
        "allow": "the answer is shown",
        "note": "the answer is shown, and the record has a line of it",
        "caution": "the answer is shown with a notice",
        "confirm": "the answer ends before this",
        "support": "a fixed text about where to find help stands in its place",
        "refuse": "the answer ends before this; a fixed text stands in its place",
    },
    "retrieved": {
        "allow": "the model is given the passage",
        "note": "the model is given the passage, and the record has a line of it",
        "caution": "the model is given the passage and told to take care",
        "confirm": "the passage is left out, with a notice",
        "support": "the passage is left out, with a notice",
        "refuse": "the passage is left out, with a notice",
    },
}
"""What becomes of a text of each role under each action."""


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """A verdict with its score and the level's name; numbers to four places."""
    return {
        "level": verdict.level,
        "level_name": LEVEL_NAMES[verdict.level],
        "score": round(verdict.score, 4),
        "p_level": [round(p, 4) for p in verdict.p_level],
        "categories": {name: round(score, 4) for name, score in verdict.categories.items()},
        "injection": round(verdict.injection, 4),
        "hits": [{"name": hit.name, "start": hit.start, "end": hit.end} for hit in verdict.hits],
        "action": verdict.action,
        "reason": verdict.reason,
        "backend": verdict.backend,
        "ms": round(verdict.ms, 2),
        "status": verdict.status,
        "unsure": verdict.unsure,
        "topic": verdict.topic,
    }


def show(console: Console, text: str, role: Judged, verdict: Verdict, guard: Guard) -> None:
    """The verdict in lines: the level, the action and what it means, why, what was found, who says so."""
    style = _STYLES.get(verdict.action, "red")
    if verdict.judged:
        console.line(f"level {verdict.level} of 4: {LEVEL_NAMES[verdict.level]}", style=style)
    else:
        console.line(f"not judged ({verdict.status.replace('_', ' ')})", style="red")
    console.line(f"action    {verdict.action}: {MEANINGS[role][verdict.action]}", hang=10)
    if verdict.reason:
        console.line(f"why       {verdict.reason}", hang=10)
    for line in _found(text, verdict):
        console.line(line, hang=10)
    if verdict.p_level:
        shares = "  ".join(f"{level}: {p:.0%}" for level, p in enumerate(verdict.p_level))
        console.line(f"levels    {shares}  (expected {verdict.score:.2f})", hang=10)
    if verdict.unsure:
        console.line("unsure    it is unlike everything the check has learned from", hang=10)
    if verdict.topic is not None:
        console.line(f"topic     off the topic {verdict.topic}", hang=10)
    console.line(
        f"judged by {verdict.backend or ', '.join(guard.backends)} in {verdict.ms:.0f} ms", style="dim"
    )
    if verdict.action in ("refuse", "support") and role != "retrieved":
        console.line()
        console.line("What would be answered:", style="dim")
        console.line(guard.answer_text(verdict, role), hang=0)


def _found(text: str, verdict: Verdict) -> list[str]:
    """What it is about, what else scores, and the parts of the text that decided."""
    lines = []
    scores = {**verdict.categories, "injection": verdict.injection}
    reached = {hit.name for hit in verdict.hits}
    if not verdict.p_level:  # rules and the like: what they name holds
        reached |= verdict.categories.keys()
    ranked = sorted(scores.items(), key=lambda pair: -pair[1])
    for word, there in (("about", True), ("also", False)):
        shown = [
            f"{_named(name)} {score:.2f}"
            for name, score in ranked
            if (name in reached) == there and score >= _SHOWN_FROM
        ]
        if shown:
            below = "" if there else " (too little to count)"
            lines.append(f"{word:<10}{', '.join(shown)}{below}")
    seen: dict[tuple[int, int], list[str]] = {}
    unread = 0
    for hit in verdict.hits:
        if hit.name == NOT_READ:
            unread += (hit.end or 0) - (hit.start or 0)
        elif hit.start is not None and hit.end is not None:
            seen.setdefault((hit.start, hit.end), []).append(_named(hit.name))
        elif hit.name not in scores:
            lines.append(f"found     {_named(hit.name)}")
    for (start, end), names in list(seen.items())[:_MOST_PLACES]:
        quoted = shorten(one_line(text[start:end].strip()), _QUOTED)
        lines.append(f"found     {', '.join(names)}: “{quoted}” (characters {start + 1} to {end})")
    if len(seen) > _MOST_PLACES:
        lines.append(f"found     {len(seen) - _MOST_PLACES} more places")
    if unread:
        lines.append(f"not read  {unread:,} of its {len(text):,} characters: it is too long to be read whole")
    return lines


def _named(name: str) -> str:
    """A finding's name as people say it."""
    return _NAMES.get(name) or name.replace("_", " ")
