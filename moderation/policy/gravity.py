"""The one order of verdicts: which of several says most. Knows verdicts and actions; no back end, no text."""

from __future__ import annotations

from collections.abc import Sequence

from ockit.messages import ACTIONS, Verdict
from ockit.moderation.policy.policy import STOPPING

FAULTS = ("timeout", "error")
"""Statuses of a verdict that is no judgement."""


def gravity(verdict: Verdict) -> tuple[int, bool, bool, int, float]:
    """What verdicts are ranked by, the gravest last; their actions are the policy's.

    The action comes first; then a verdict of some back end, since one of none says nothing. Where the text is stopped,
    a judgement says more than that there is none; where it goes on its way, that somebody has not, or not wholly, read
    it is what the person must hear of. Then the level, and the expected level.
    """
    stopped = verdict.action in STOPPING
    return (
        ACTIONS.index(verdict.action),
        verdict.backend != "none",
        verdict.status not in FAULTS if stopped else verdict.status != "ok",
        verdict.level,
        verdict.score,
    )


def gravest(verdicts: Sequence[Verdict]) -> int:
    """The place of the gravest of some verdicts, the first of several. Where one asks for support, nobody is merely
    refused."""
    first = max(range(len(verdicts)), key=lambda at: gravity(verdicts[at]))
    if verdicts[first].action != "refuse":
        return first
    return next((at for at, verdict in enumerate(verdicts) if verdict.action == "support"), first)
