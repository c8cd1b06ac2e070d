"""The check of one chat: its guard, opened while the model loads, asked before a turn, beside it and behind it.

Whatever waits for the guard does so in one thread of its own, so that a turn that is stopped need not wait with it.
Knows no turn (`ockit.assistant.vetting` does) and no back end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ockit.assistant.attachments import Piece
from ockit.assistant.checked import (
    Checked,
    PassagesChecked,
    QuestionChecked,
    Reading,
    Switched,
    Text,
    of_file,
    shifted,
)
from ockit.assistant.errands import Errand, Errands
from ockit.errors import OckitError
from ockit.messages import Judged, Message, Passage, Verdict
from ockit.moderation.policy.gravity import gravest

if TYPE_CHECKING:
    from ockit.environment import Environment
    from ockit.moderation.audit import AuditLog
    from ockit.moderation.guarding import Guard
    from ockit.moderation.policy.policy import Policy
    from ockit.settings import Settings

PATIENCE_S = 3.0
"""How long the end of a chat waits for the guard to close."""

CONTEXT = 4
"""Messages before a text that a back end may look at."""


class Checking:
    """The guard of one chat, and whether it is asked.

    Args:
        open_guard: opens it; is called in the check's thread. Raises OckitError: whoever waits for a check gets it, and
            the next check tries once more.
        audit: the record, which is told of switches even where the guard cannot be opened; None keeps none.
        on: whether texts are checked.

    Attributes:
        last: what was made of the texts of the last turn, in the order they were judged.
        asked: whether any text was judged in this run.
    """

    def __init__(
        self, open_guard: Callable[[], Guard], *, audit: AuditLog | None = None, on: bool = True
    ) -> None:
        self._open = open_guard
        self._audit = audit
        self._guard: Guard | None = None  # made and asked by the errands alone; its policy never changes
        self._errands = Errands("moderation")
        self.on = on
        self.last: dict[Text, Checked] = {}
        self.asked = False

    @property
    def busy(self) -> str:
        """What a back end does that takes long, as making a judge ready; empty where none does. Never waits."""
        guard = self._guard
        return "" if guard is None else guard.busy()

    def remember(self, text: Text, checked: Checked) -> None:
        """Something was made of a text of this turn."""
        self.last.pop(text, None)  # so that the dictionary ends with what was judged last
        self.last[text] = checked
        self.asked = True

    def warm(self) -> None:
        """Begin to open the guard and to start its processes, unless nothing is checked. What goes wrong is told by the
        check that needs it."""
        if self.on:
            self._errands.do(lambda: self._opened().warm_up())

    def begin(
        self, text: str, role: Judged, context: Sequence[Message] = (), *, session: str | None = None
    ) -> Errand[Checked]:
        """Begin to judge a text, after the turns before it."""
        return self._errands.do(lambda: self._check(text, role, context, session))

    def begin_question(
        self, pieces: Sequence[Piece], context: Sequence[Message] = (), *, session: str | None = None
    ) -> Errand[QuestionChecked]:
        """Begin to judge a question, every piece of it by itself: what a person types is read however long the file
        beside it is. An attachment is read as a document as well, which may give orders."""

        def work() -> QuestionChecked:
            guard = self._opened()
            texts = [piece.text for piece in pieces]
            verdicts = guard.check_many(texts, "user", context[-CONTEXT:], session=session)
            at = gravest(verdicts)
            judgement = guard.last if guard.last is not None and guard.last.verdict == verdicts[at] else None
            files = [piece for piece in pieces if piece.name]
            # the person has chosen these: they are met with care at most, and record and session say so
            read = guard.check_many(
                [piece.text for piece in files], "retrieved", session=session, at_most="caution"
            )
            careful = tuple(
                (file.name, shifted(verdict, file.start))
                for file, verdict in zip(files, read, strict=True)
                if verdict.action == "caution"
            )
            worst = gravest(read) if careful else 0
            attached = Checked(of_file(files[worst].name, read[worst]), "", guard.last) if careful else None
            verdict = shifted(verdicts[at], pieces[at].start)
            if pieces[at].name and verdict.action != "allow":
                verdict = of_file(pieces[at].name, verdict)
            cares = bool(careful) or verdict.action == "caution"
            return QuestionChecked(
                verdict,
                _said(guard, verdict, "user"),
                judgement,
                guard.take_banners(),
                careful,
                guard.policy.texts.caution if cares else "",
                attached,
            )

        return self._errands.do(work)

    def begin_part(self, text: str) -> Errand[Checked]:
        """Begin to judge a clause of an answer, with what stands before it, by the back ends that are quick."""

        def work() -> Checked:
            guard = self._opened()
            verdict = guard.check_part(text)
            return Checked(verdict, _said(guard, verdict, "assistant"), None, guard.take_banners())

        return self._errands.do(work)

    def record(self, text: str, verdict: Verdict, *, session: str | None = None) -> Errand[tuple[str, ...]]:
        """Put what was made of a whole answer into the record; gives what the person should know of that."""

        def work() -> tuple[str, ...]:
            guard = self._opened()
            guard.record(text, "assistant", verdict, session=session)
            return guard.take_banners()

        return self._errands.do(work)

    def begin_passages(
        self, passages: Sequence[Passage], *, session: str | None = None
    ) -> Errand[PassagesChecked]:
        """Begin to judge what was found, all of it at once."""

        def work() -> PassagesChecked:
            guard = self._opened()
            found = guard.check_passages(passages, session=session)
            verdict = found.verdicts[gravest(found.verdicts)]
            judgement = guard.last if guard.last is not None and guard.last.verdict == verdict else None
            worst = Checked(verdict, _said(guard, verdict, "retrieved"), judgement)
            return PassagesChecked(found, worst, guard.take_banners())

        return self._errands.do(work)

    def reading(self) -> Errand[Reading]:
        """How answers are read under the policy."""

        def work() -> Reading:
            guard = self._opened()
            return Reading(guard.policy.section("assistant").can_refuse, guard.slow_for_answers)

        return self._errands.do(work)

    def policy(self) -> Policy:
        """The policy. Waits for no check that runs. Raises OckitError where it cannot be read."""
        guard = self._guard if self._guard is not None else self._errands.do(self._opened).wait()
        return guard.policy

    def switch(self, on: bool, why: str, *, session: str | None = None) -> Switched:
        """Check texts from now on, or no longer: at once, whatever a check that runs is at, and also where the policy
        cannot be read. The record has it in any case."""
        self.on = on
        digest, fault = None, None
        try:
            digest = self.policy().digest[:16]
        except OckitError as error:
            fault = error
        recorded = False
        try:
            if self._audit is not None:
                self._audit.switched(on, why=why, session=session, policy=digest)
                recorded = True
        except OckitError as error:
            fault = fault or error
        return Switched(recorded, fault)

    def describe(self) -> list[tuple[str, str, str]]:
        """The policy's back ends: name, whose texts each judges, and whether it enforces. Raises as `policy`."""
        return [
            (spec.name, ", ".join(spec.roles), "enforces" if spec.enforce else "advises")
            for spec in self.policy().backends
        ]

    def close(self) -> None:
        """End the guard; where a check hangs, its processes are ended from here."""

        def work() -> None:
            if self._guard is not None:
                self._guard.close()

        if not self._errands.end(work, PATIENCE_S) and self._guard is not None:
            self._guard.close()

    def _opened(self) -> Guard:
        if self._guard is None:
            self._guard = self._open()
        return self._guard

    def _check(self, text: str, role: Judged, context: Sequence[Message], session: str | None) -> Checked:
        guard = self._opened()
        verdict = guard.check(text, role, context[-CONTEXT:], session=session)
        return Checked(verdict, _said(guard, verdict, role), guard.last, guard.take_banners())


def _said(guard: Guard, verdict: Verdict, role: Judged) -> str:
    """The policy's words for a verdict's action."""
    if verdict.action in ("allow", "note"):
        return ""
    if verdict.action == "caution":
        return guard.caution_text(verdict)
    if verdict.action == "confirm":
        return guard.confirm_text(verdict)
    return guard.answer_text(verdict, role)


def checking(environment: Environment, settings: Settings) -> Checking:
    """The check by the person's policy, or the built-in one. Opens nothing yet."""
    from ockit.moderation.audit import AuditLog

    def opened() -> Guard:
        from ockit.moderation.opening import open_guard

        return open_guard(environment, settings)

    return Checking(opened, audit=AuditLog.of(environment.directories), on=settings.moderation)
