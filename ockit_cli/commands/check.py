"""One finding of ``ockit doctor``: a value, nothing more."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from ockit.errors import OckitError

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Check:
    """What was looked at and found.

    Attributes:
        name: stable, for programs.
        status: ``fail`` means that a command of ockit cannot work; ``warn`` that it could work better.
        found: one line for the person.
        hint: what to type next; None where nothing is to be done.
        facts: the same for programs; sizes in bytes.
    """

    name: str
    status: Status
    found: str
    hint: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)


def failed(name: str, error: OckitError, status: Status = "fail") -> Check:
    """An error as a finding."""
    return Check(name, status, str(error), error.hint)
