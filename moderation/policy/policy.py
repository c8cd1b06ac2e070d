"""A policy: what becomes of a text by its level and what it is about, and which back ends judge it.

Knows actions, not how a text is judged, and no file: `ockit.moderation.policy.reading` makes it of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ockit.messages import ACTIONS, Action, Judged
from ockit.moderation.policy.texts import Texts

SECTIONS: Mapping[str, Judged] = {"input": "user", "output": "assistant", "retrieved": "retrieved"}
"""What a policy calls the texts of each role."""

KINDS = ("embedded", "fewshot", "guard", "hf", "rules", "trained")
"""The kinds of back ends that a policy can name."""

STOPPING: tuple[Action, ...] = ("confirm", "support", "refuse")
"""Actions under which a text does not simply go on its way."""

Row = tuple[Action, Action, Action, Action, Action]
"""An action for each of the levels 0 to 4."""


def strictest(*actions: Action) -> Action:
    """The last of them in the order of `ACTIONS`."""
    return max(actions, key=ACTIONS.index)


@dataclass(frozen=True)
class Shift:
    """How much a threshold is moved, in log-odds: above 0 makes it easier to reach.

    Attributes:
        levels: for the levels 1 to 4.
        others: by category, and ``injection``.
    """

    levels: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    others: Mapping[str, float] = field(default_factory=dict)

    def of(self, name: str) -> float:
        """The shift of a category or of ``injection``."""
        return self.others.get(name, 0.0)


@dataclass(frozen=True)
class Section:
    """What becomes of the texts of one role.

    Attributes:
        levels: the action for each level.
        categories: for texts whose strongest category has a row here, the row counts instead of `levels`; that of
            another category which the text is about can only make it stricter.
        injection: for a text that gives orders to the assistant.
        distress: for a text in which somebody is in distress.
        unsure: for a text far from everything that the back end has learned from.
        unread: for a text of which something was not looked at: what was read decides, and this at least.
        off_topic: for a text that lies off all `topics`.
        topics: names of topic guards; none: every topic is welcome.
        fail: what a back end's fault means where the section can stop a text: ``closed`` stops it.
        shift: how thresholds are moved.
    """

    levels: Row
    categories: Mapping[str, Row] = field(default_factory=dict)
    injection: Action = "allow"
    distress: Action = "allow"
    unsure: Action = "allow"
    unread: Action = "note"
    off_topic: Action = "refuse"
    topics: tuple[str, ...] = ()
    fail: Literal["closed", "open"] = "closed"
    shift: Shift = field(default_factory=Shift)

    @property
    def actions(self) -> frozenset[Action]:
        """Every action that a text can meet here, but for the check's own faults."""
        met: set[Action] = {*self.levels, self.injection, self.distress, self.unsure, self.unread}
        met.update(*self.categories.values())
        return frozenset(met | {self.off_topic} if self.topics else met)

    @property
    def can_refuse(self) -> bool:
        """Whether some text could be stopped here."""
        return not self.actions.isdisjoint(STOPPING)

    @property
    def fails_closed(self) -> bool:
        """Whether a text is stopped where a back end that enforces has a fault. A section that never stops a text has
        no reason to stop one unread."""
        return self.fail == "closed" and self.can_refuse


@dataclass(frozen=True)
class BackendSpec:
    """A back end as the policy names it.

    Attributes:
        name: what verdicts call it.
        kind: one of `KINDS`.
        enforce: False: its verdicts are noted and never acted on.
        timeout: seconds that one check may take.
        max_level: a higher level of its counts as this one.
        roles: whose texts it judges.
        options: what its kind takes, by name.
        where: ``file:line`` of its table; empty for the default policy's.
    """

    name: str
    kind: str
    enforce: bool = True
    timeout: float = 20.0
    max_level: int = 4
    roles: tuple[Judged, ...] = ("user", "assistant", "retrieved")
    options: Mapping[str, Any] = field(default_factory=dict)
    where: str = ""


@dataclass(frozen=True)
class Policy:
    """All of it.

    Attributes:
        texts: what is said when it acts.
        path: the file it was read from, or None for the one that is built in.
        digest: sha256 of the file's text, hexadecimal: which policy a record was made under.
    """

    input: Section
    output: Section
    retrieved: Section
    backends: tuple[BackendSpec, ...]
    texts: Texts = field(default_factory=Texts)
    path: str | None = None
    digest: str = ""

    def section(self, role: Judged) -> Section:
        """The section for the texts of a role."""
        return {"user": self.input, "assistant": self.output, "retrieved": self.retrieved}[role]

    def backends_for(self, role: Judged) -> tuple[BackendSpec, ...]:
        """The back ends that judge the texts of a role."""
        return tuple(spec for spec in self.backends if role in spec.roles)

    def gaps(self) -> list[str]:
        """What is left unwatched, a sentence each: sections that could stop texts while no back end that counts judges
        them; distress and orders, which only the back end that comes along recognises."""
        found = [
            f"[{name}] could stop texts, but no back end that judges them enforces"
            for name, role in SECTIONS.items()
            if self.section(role).can_refuse
            and not self.section(role).topics
            and not any(spec.enforce for spec in self.backends_for(role))
        ]
        if not any(spec.kind == "embedded" for spec in self.backends):
            found.append("nothing here recognises distress or orders in documents: embedded is switched off")
        return found
