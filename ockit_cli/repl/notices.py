"""The notices of a turn as a chat shows them: what to type next stands behind them, and below moderation's own words
who says them. Knows no face."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ockit.assistant.vetting import BANNER, CAUTION, CONFIRM, REFUSED
from ockit.events import Event, Moderated, Notice
from ockit.repl.refusal import beneath

WAYS = {
    "index_failed": "; /index chooses another",
    BANNER: "; /moderation explains",
    CAUTION: "; /moderation explains",
    CONFIRM: " It was not answered: /yes answers it.",
}
"""What a chat says behind a notice of a kind: what to type next."""

BENEATH = "moderation_says"
"""The kind of notice that stands below moderation's own words."""


def shown(events: Iterator[Event], *, asks: bool = False) -> Iterator[Event]:
    """The events of a turn, its notices as a chat shows them.

    Args:
        asks: a person is there to answer.
    """
    judged: Moderated | None = None
    for event in events:
        if isinstance(event, Moderated) and event.role != "retrieved":
            judged = event
        if not isinstance(event, Notice):
            yield event
            continue
        reason = judged.verdict.reason if judged is not None else ""
        yield replace(event, text=told(event, asks=asks, reason=reason))
        if event.kind == REFUSED:
            yield Notice(beneath(judged), BENEATH)


def told(notice: Notice, *, asks: bool = False, reason: str = "") -> str:
    """A notice as a chat shows it: with the way on where there is one.

    Args:
        asks: a person is there to answer.
        reason: why moderation asks first.
    """
    ways = WAYS.get(notice.kind, "")
    if notice.kind != CONFIRM:
        return f"{notice.text}{ways}"
    why = f" Why: {reason}." if reason else ""
    return f"{notice.text}{why}{' (yes or no)' if asks else ways}"
