"""How a face shows that moderation gave no answer, or ended one: its words stand where the answer would, and below them
that they are not the model's. Knows what a person says to what moderation asks, too."""

from __future__ import annotations

from ockit.assistant.vetting import CONFIRM, REFUSED
from ockit.console import Console
from ockit.events import Moderated, Notice
from ockit.messages import Verdict

STOPPED = (REFUSED, CONFIRM)
"""Notices that stand for an answer, or end it."""

_YES = frozenset(("y", "yes", "yes please", "yes go on", "ok", "okay", "ok go on", "go on", "sure"))
_NO = frozenset(("n", "no", "no thanks", "no thank you", "nope"))


def is_yes(text: str) -> bool:
    """Whether a text says yes to what moderation has asked, and nothing else."""
    return _words(text) in _YES


def is_no(text: str) -> bool:
    """Whether it says no, and nothing else."""
    return _words(text) in _NO


def _words(text: str) -> str:
    return " ".join(text.lower().translate({ord(sign): " " for sign in ".,!"}).split())


def beneath(found: Moderated | None) -> str:
    """Who says what stands where an answer to a question would, or below one that was stopped; where the check itself
    did not work, what is wrong with it: no text was refused."""
    if found is not None and found.verdict.faulty:
        return f"{unchecked(found.verdict)}; /regen tries again, /moderation off goes on without"
    if found is not None and found.role == "assistant":
        return "the answer was stopped by moderation; /moderation why, /regen tries again"
    return "refused by moderation; /moderation why, /edit changes the question"


def unchecked(verdict: Verdict) -> str:
    """That a text was not checked, and what stood in the way."""
    from ockit.moderation.guarding import UNAVAILABLE

    return f"not checked: {verdict.reason.removeprefix(f'{UNAVAILABLE}: ')}"


def show(console: Console, notice: Notice, *, midway: bool = False) -> None:
    """Show a notice of a turn. `midway`: an answer stands in the line that is open."""
    if notice.kind not in STOPPED:
        console.notice(notice.text)
        return
    if midway:
        console.line()
        console.line()
    console.line(notice.text, hang=0)
