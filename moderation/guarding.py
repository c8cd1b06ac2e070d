"""The guard of a conversation: asks every back end of the policy and makes one verdict that says what is to be done.

Joins back ends and policy; opens neither (`ockit.moderation.opening` does). No fault of a back end gets out of here as
an exception: it becomes a status, and, by the policy, a stop or a word to the person.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ockit.errors import OckitError
from ockit.messages import ACTIONS, Action, Judged, Message, Passage, Verdict
from ockit.moderation.asking import HANGS, Answers, Asked
from ockit.moderation.audit import AuditLog
from ockit.moderation.passage_place import graver, place_words
from ockit.moderation.policy.cut_points import CutPoints
from ockit.moderation.policy.deciding import (
    AT_RISK,
    Decision,
    decide,
    not_looked_at,
    supported,
    unread_characters,
    with_unread,
)
from ockit.moderation.policy.gravity import FAULTS, gravest, gravity
from ockit.moderation.policy.policy import STOPPING, BackendSpec, Policy, Section

QUICK = ("embedded", "rules", "trained")
"""Kinds of back ends that judge a clause while the next is written."""

_PLACE_READERS = ("embedded", "rules")
"""Kinds that judge a passage's place: a classifier that a person trained has learned from texts, not from paths."""

_IN_FULL = ("embedded", "topic")
"""Kinds whose own words say no more than the policy's."""

_TEXTS: dict[Judged, str] = {"user": "the question", "assistant": "the answer", "retrieved": "what was found"}

UNAVAILABLE = "check unavailable"
"""How the reason of a verdict begins where no judgement could be had."""


@dataclass(frozen=True)
class Part:
    """What one back end said, and what the policy makes of it alone. `enforcing`: whether it counts."""

    spec: BackendSpec
    verdict: Verdict
    decision: Decision
    enforcing: bool


@dataclass(frozen=True)
class Judgement:
    """The last verdict, of several texts the strictest, with what it was made of."""

    role: Judged
    verdict: Verdict
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class CheckedPassages:
    """Passages after the check; `verdicts` are those of all, in their order; `notices` are for the person."""

    kept: tuple[Passage, ...]
    left_out: tuple[Passage, ...]
    verdicts: tuple[Verdict, ...]
    notices: tuple[str, ...]


class Guard:
    """One policy with its back ends. May be used from several threads; checks run one after another.

    Args:
        backends: the back ends with what the policy says of each, topic guards included.
        topic_texts: what a bot says to somebody who is off its topic, by the topic's name.
        audit: the record; None keeps none.
    """

    def __init__(
        self,
        policy: Policy,
        backends: Sequence[tuple[BackendSpec, Asked]],
        *,
        topic_texts: dict[str, str] | None = None,
        audit: AuditLog | None = None,
    ) -> None:
        self.policy = policy
        self.last: Judgement | None = None
        self._backends = tuple(backends)
        self._topic_texts = topic_texts or {}
        self._audit = audit
        self._banners: list[str] = policy.gaps()
        self._told: set[str] = set()
        self._checking = threading.Lock()

    @property
    def backends(self) -> tuple[str, ...]:
        """The names of the back ends, in the policy's order."""
        return tuple(spec.name for spec, _ in self._backends)

    def check(
        self, text: str, role: Judged, context: Sequence[Message] = (), *, session: str | None = None
    ) -> Verdict:
        """Judge a text. The verdict's action is what is to be done; its status is ``ok``, or tells that a back end that
        counts has not judged it, or (``not_scanned``) not all of it: a banner has the number of characters."""
        return self.check_many((text,), role, context, session=session)[0]

    def check_many(
        self,
        texts: Sequence[str],
        role: Judged,
        context: Sequence[Message] = (),
        *,
        session: str | None = None,
        at_most: Action = "refuse",
    ) -> list[Verdict]:
        """As `check` for each text; a back end that can reads all of them at once. `at_most`: the strictest action that
        is taken, whatever the policy says of such texts; record and verdict have what is done."""
        if not texts:
            return []
        with self._checking:
            found = [_no_more(one, at_most) for one in self._judged(texts, role, context, self._backends)]
            self.last = found[gravest([one.verdict for one in found])]
            for text, judgement in zip(texts, found, strict=True):
                self.record(text, role, judgement.verdict, session=session)
            return [judgement.verdict for judgement in found]

    def check_part(self, text: str, context: Sequence[Message] = ()) -> Verdict:
        """Judge a clause of an answer that is being written, with what stands before it: by the back ends that read it
        in milliseconds, and by no topic, which a clause may well not be on. Leaves no record and not `last`."""
        with self._checking:
            quick = [(spec, asked) for spec, asked in self._backends if spec.kind in QUICK]
            return self._judged((text,), "assistant", context, quick)[0].verdict

    @property
    def slow_for_answers(self) -> bool:
        """Whether a back end judges answers that `check_part` does not ask: `check` then judges the whole answer."""
        return any(spec.kind not in QUICK for spec in self.policy.backends_for("assistant")) or bool(
            self.policy.output.topics
        )

    def record(self, text: str, role: Judged, verdict: Verdict, *, session: str | None = None) -> None:
        """Add a verdict to the record: `check` does so by itself."""
        if self._audit is None:
            return
        try:
            self._audit.verdict(text, role, verdict, session=session, policy=self.policy.digest[:16])
        except OckitError as error:
            self._banner(f"moderation keeps no record: {error}")

    def check_passages(self, passages: Sequence[Passage], *, session: str | None = None) -> CheckedPassages:
        """Judge what was found, and where it stands; what the policy stops is left out, with a notice."""
        verdicts = self.check_many([passage.text for passage in passages], "retrieved", session=session)
        verdicts = self._with_places(passages, verdicts, session)
        kept, left_out, notices = [], [], []
        for passage, verdict in zip(passages, verdicts, strict=True):
            where = passage.path + (f":{passage.start_line}" if passage.start_line is not None else "")
            if verdict.action in STOPPING:
                left_out.append(passage)
                notices.append(f"{self.answer_text(verdict, 'retrieved')} ({where}: {verdict.reason})")
                continue
            kept.append(passage)
            if verdict.action == "caution":
                notices.append(f"take care with {where}: {verdict.reason}")
        return CheckedPassages(tuple(kept), tuple(left_out), tuple(verdicts), tuple(notices))

    def _with_places(
        self, passages: Sequence[Passage], verdicts: Sequence[Verdict], session: str | None
    ) -> list[Verdict]:
        """The verdicts, where that on a passage's place is graver that one. Each place is judged once, and by no topic,
        which a path is never on; where the embedded check counts, by no model that needs a second for each."""
        places = [place_words(passage) for passage in passages]
        distinct = list(dict.fromkeys(filter(None, places)))
        if not distinct:
            return list(verdicts)
        embedded = any(
            spec.kind == "embedded" and spec.enforce and "retrieved" in spec.roles
            for spec, _ in self._backends
        )
        backends = [
            (spec, asked)
            for spec, asked in self._backends
            if spec.kind != "topic" and (spec.kind in _PLACE_READERS or not embedded)
        ]
        with self._checking:
            found = dict(zip(distinct, self._judged(distinct, "retrieved", (), backends), strict=True))
            for place, judgement in found.items():
                self.record(place, "retrieved", judgement.verdict, session=session)
            weighed = [
                graver(verdict, found[place].verdict) if place else verdict
                for verdict, place in zip(verdicts, places, strict=True)
            ]
            at = gravest(weighed)
            if weighed[at] is not verdicts[at]:
                self.last = replace(found[places[at]], verdict=weighed[at])
        return weighed

    def answer_text(self, verdict: Verdict, role: Judged = "user") -> str:
        """What the person reads where a text was stopped, by the policy's texts."""
        texts = self.policy.texts
        if role == "retrieved":
            return texts.left_out
        if verdict.action == "support":
            return texts.support
        if verdict.status in FAULTS:
            return texts.unavailable
        if verdict.status == "not_scanned" and self.policy.section(role).unread == "refuse":
            return texts.unread
        if verdict.topic is not None:
            return self._topic_texts.get(verdict.topic) or texts.off_topic
        return texts.refuse if role == "user" else texts.refuse_output

    def caution_text(self, verdict: Verdict) -> str:
        """The sentence that the model reads right before the person's turn; empty where the verdict asks for none."""
        return self.policy.texts.caution if verdict.action == "caution" else ""

    def confirm_text(self, verdict: Verdict) -> str:
        """The question before the person goes on; empty where the verdict asks none."""
        return self.policy.texts.confirm if verdict.action == "confirm" else ""

    def take_banners(self) -> tuple[str, ...]:
        """What the person should know of the check itself and has not been told; each is given once."""
        banners, self._banners = tuple(self._banners), []
        return banners

    def warm_up(self) -> None:
        """Make the back ends ready, each in its thread; returns at once."""
        for _, asked in self._backends:
            asked.begin((), "user")

    def busy(self) -> str:
        """What a back end is doing that takes long, such as loading a model or testing it; empty where none is. From
        any thread, at any time."""
        return next((asked.doing for _, asked in self._backends if asked.doing), "")

    def close(self) -> None:
        """End all back ends."""
        for _, asked in self._backends:
            asked.close()

    def _judged(
        self,
        texts: Sequence[str],
        role: Judged,
        context: Sequence[Message],
        backends: Sequence[tuple[BackendSpec, Asked]],
    ) -> list[Judgement]:
        """Ask the back ends for this role, all at the same time."""
        asked = [(spec, asked) for spec, asked in backends if role in spec.roles]
        calls = [asked.begin(texts, role, context) for _, asked in asked]
        answers = [
            (spec, asked.finish(call, len(texts))) for (spec, asked), call in zip(asked, calls, strict=True)
        ]
        section = self.policy.section(role)
        found = []
        for number in range(len(texts)):
            parts = tuple(self._part(spec, one, number, section, role) for spec, one in answers)
            found.append(Judgement(role, _strictest(parts, role), parts))
        for spec, one in answers:
            self._tell_unread(spec, one, role)
        return found

    def _tell_unread(self, spec: BackendSpec, answers: Answers, role: Judged) -> None:
        unread = [verdict for verdict in answers.verdicts if not_looked_at(verdict)]
        if not unread:
            return
        count = sum(map(unread_characters, unread))
        what = f"{count:,} characters of {_TEXTS[role]}" if count else f"{_TEXTS[role]}: {unread[0].reason}"
        # each time, unlike what is told of a back end: it is about this text
        self._banners.append(f"{spec.name} did not look at {what}")

    def _part(self, spec: BackendSpec, answers: Answers, number: int, section: Section, role: Judged) -> Part:
        verdict = answers.verdicts[number]
        if answers.advisory is not None:
            self._banner(f"{spec.name} only advises: {answers.advisory}")
        enforcing = spec.enforce and answers.advisory is None
        if verdict.status not in FAULTS:
            decision = decide(verdict, section, role, CutPoints(answers.cuts), max_level=spec.max_level)
            return Part(spec, verdict, decision, enforcing)
        closed = enforcing and section.fails_closed
        reason = f"{UNAVAILABLE}: {spec.name}: {verdict.reason}"
        if verdict.reason not in (answers.advisory, HANGS):  # which are told already
            self._banner(f"{spec.name} did not check: {verdict.reason}")
        return Part(spec, verdict, Decision("refuse" if closed else "allow", 0, reason, False), enforcing)

    def _banner(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._banners.append(text)


def _no_more(judgement: Judgement, at_most: Action) -> Judgement:
    """A judgement whose action is no stricter than that."""
    if ACTIONS.index(judgement.verdict.action) <= ACTIONS.index(at_most):
        return judgement
    return replace(judgement, verdict=replace(judgement.verdict, action=at_most))


def _strictest(parts: Sequence[Part], role: Judged) -> Verdict:
    """One verdict of all: of those that count the strictest, of equally strict ones that of the highest level."""
    counting = [part for part in parts if part.enforcing]
    if not counting:
        return _advised(parts)
    first = max(counting, key=lambda part: gravity(_weighed(part)))
    action = first.decision.action
    reason = _words(first)
    at_risk = next(
        (part for part in parts if part.decision.at_risk), None
    )  # an adviser's word is enough for this
    if at_risk is not None and supported(action, role) != action:
        first, action, reason = at_risk, supported(action, role), AT_RISK
    if action == "allow" and any(part.decision.action != "allow" for part in parts):
        action = "note"  # only an adviser saw something
    status = first.verdict.status
    if action not in STOPPING:  # it goes on its way, though not all that count have read it
        met = [part.verdict.status for part in counting if part.verdict.status != "ok"]
        status = next((one for one in met if one in FAULTS), met[0] if met else status)
    for part in counting:
        reason = with_unread(reason, not_looked_at(part.verdict))
    return replace(
        first.verdict,
        action=action,
        status=status,
        level=first.decision.level,
        reason=reason,
        ms=max(part.verdict.ms for part in parts),
    )


def _weighed(part: Part) -> Verdict:
    """A part as the verdict it would be by itself. Of a text that goes on, what was not read does not count here: the
    verdict made of all parts tells it."""
    verdict = replace(part.verdict, action=part.decision.action, level=part.decision.level)
    if verdict.action in STOPPING:
        return verdict
    return replace(verdict, status="ok", backend="none" if verdict.status in FAULTS else verdict.backend)


def _advised(parts: Sequence[Part]) -> Verdict:
    """Where nothing enforces: what the first adviser that answered said, noted at the most."""
    if not parts:
        return Verdict(0, (), {}, (), "allow", "no back end judges these texts", "none", 0.0, "not_scanned")
    first = next((part for part in parts if part.verdict.status not in FAULTS), parts[0])
    seen = any(part.decision.action != "allow" for part in parts)
    return replace(
        first.verdict,
        action="note" if seen else "allow",
        level=first.decision.level,
        reason=_words(first),
    )


def _words(part: Part) -> str:
    """Why, in one sentence: the policy's words, and those of a back end that knows more, as which rule it was."""
    said, more = part.decision.reason, part.verdict.reason
    plain = part.decision.action == "allow" or part.spec.kind in _IN_FULL or part.verdict.status in FAULTS
    return said if plain or not more or more in said else f"{said} ({more})"
