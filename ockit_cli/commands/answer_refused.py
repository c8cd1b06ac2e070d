"""What ``ockit ask`` says where moderation gave no answer, or ended one: the policy's words, why, what to type next.

Judges nothing (`ockit.assistant.vetting` tells what was made of a text).
"""

from __future__ import annotations

from collections.abc import Sequence

from ockit.assistant.vetting import CONFIRM
from ockit.errors import RefusedError
from ockit.events import Moderated, Notice


def refused(notice: Notice, moderated: Sequence[Moderated]) -> RefusedError:
    """The error that a refusal ends with.

    Args:
        notice: why there is no answer, of the kind ``refused`` or ``confirm``.
        moderated: what was made of the turn's texts so far, in their order.
    """
    return RefusedError(f"{notice.text}\n{why(moderated)}".rstrip(), hint=_way(notice, _last(moderated)))


def why(moderated: Sequence[Moderated]) -> str:
    """Why the last question or answer was met as it was; empty where no reason is known."""
    found = _last(moderated)
    return f"why: {found.verdict.reason}" if found is not None and found.verdict.reason else ""


def _last(moderated: Sequence[Moderated]) -> Moderated | None:
    return next((each for each in reversed(moderated) if each.role != "retrieved"), None)


def _way(notice: Notice, found: Moderated | None) -> str | None:
    """What to type next; None where nothing would help."""
    if notice.kind == CONFIRM:
        return "--yes answers it"
    if found is None:
        return None
    verdict = found.verdict
    if verdict.status == "not_scanned":
        return "send less at once, which is read whole; ockit moderate TEXT says more"
    if verdict.faulty:
        return "ockit moderation policy check  says what is wrong; --no-moderation asks without the check"
    if found.role == "assistant":
        return "ask in other words: the answer was stopped, not the question"
    return "ockit moderate TEXT says more" if verdict.topic is None else None
