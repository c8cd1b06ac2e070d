"""How a face shows that moderation gave no answer, or ended one: its words stand where the answer would."""

from __future__ import annotations

from ockit.assistant.vetting import CONFIRM, REFUSED
from ockit.console import Console
from ockit.events import Notice

STOPPED = (REFUSED, CONFIRM)
"""Notices that stand for an answer, or end it."""


def show(console: Console, notice: Notice, *, midway: bool = False) -> None:
    """Show a notice of a turn. `midway`: an answer stands in the line that is open."""
    if notice.kind not in STOPPED:
        console.notice(notice.text)
        return
    if midway:
        console.line()
        console.line()
    console.line(notice.text, hang=0)
