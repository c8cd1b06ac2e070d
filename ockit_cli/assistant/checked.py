"""What the check of a chat gives: verdicts on texts and what is to be said of them, how answers are read, a switch.

Knows no guard (`ockit.assistant.checking` asks it).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from ockit.errors import OckitError
from ockit.messages import Verdict

if TYPE_CHECKING:
    from ockit.moderation.guarding import CheckedPassages, Judgement


@dataclass(frozen=True)
class Checked:
    """What the guard made of a text.

    Attributes:
        said: the policy's words for the verdict's action: to the person where the text is stopped, to the model where
            it is to take care; empty where nothing is said.
        judgement: what each back end said, for a person who asks.
        banners: what the person should know of the check itself and has not been told.
    """

    verdict: Verdict
    said: str
    judgement: Judgement | None
    banners: tuple[str, ...] = ()


@dataclass(frozen=True)
class QuestionChecked(Checked):
    """What the guard made of a question: of its words and each of its attachments, the strictest verdict.

    Attributes:
        careful: the attachments that a search would not have passed on unremarked, with what was said of them: the
            person has chosen them, so the model is told to take care.
        care: the sentence that tells it; empty where nothing asks for care.
        attached: what was made of the attachment that asks for most care, read as a document; None where none does.
    """

    careful: tuple[tuple[str, Verdict], ...] = ()
    care: str = ""
    attached: Checked | None = None


@dataclass(frozen=True)
class Reading:
    """How answers are read. `holds`: nothing of one is shown before it was read, because the policy can stop it.
    `whole`: a back end reads answers that is too slow for clauses, so that the whole answer is read at its end."""

    holds: bool
    whole: bool


@dataclass(frozen=True)
class PassagesChecked:
    """What the guard made of what was found; the rest as `Checked`. `worst`: of the passage that was met with most."""

    found: CheckedPassages
    worst: Checked
    banners: tuple[str, ...] = ()


@dataclass(frozen=True)
class Switched:
    """The check was switched on or off.

    Attributes:
        recorded: whether the record has it.
        fault: why the policy cannot be read, or the record not be written; None where both went well.
        unsaved: why the session does not say so; None where it does.
    """

    recorded: bool
    fault: OckitError | None = None
    unsaved: OckitError | None = None


Text = Literal["user", "assistant", "retrieved", "system", "attached"]
"""Which of a turn's texts was judged; a system text is judged as the person's, what is attached as what is found."""


def shifted(verdict: Verdict, by: int) -> Verdict:
    """A verdict on a piece of a text, its hits where they lie in the text: `by` characters further on. What lies before
    the text begins at its beginning."""
    hits = tuple(
        hit
        if hit.start is None or hit.end is None
        else replace(hit, start=max(0, hit.start + by), end=max(0, hit.end + by))
        for hit in verdict.hits
    )
    return replace(verdict, hits=hits)


def of_file(name: str, verdict: Verdict) -> Verdict:
    """A verdict whose reason says which file it is about."""
    return replace(verdict, reason=f"{name}: {verdict.reason}" if verdict.reason else name)
