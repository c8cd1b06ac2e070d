"""A conversation whose texts are checked: the question before it is answered, what was found for it, the answer while
it is written.

Asks the guard (`ockit.assistant.checking`) and does what its verdicts say; answers nothing (`ockit.assistant.turn`
does).
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from ockit.assistant.branch import Branch, Turn
from ockit.assistant.checked import Checked, QuestionChecked, Switched, Text, of_file
from ockit.assistant.checking import Checking
from ockit.assistant.errands import Errand
from ockit.assistant.grounding import Grounding
from ockit.assistant.looking_up import LookingUp
from ockit.assistant.watching import Watch
from ockit.environment import Environment
from ockit.errors import RefusedError, StoreError, UsageError
from ockit.events import Event, Moderated, Notice
from ockit.messages import ACTIONS, Message, Passage, Sampling, Verdict
from ockit.moderation.policy.gravity import gravest
from ockit.sessions.store import Store
from ockit.workers.worker import Worker

if TYPE_CHECKING:
    from ockit.moderation.guarding import CheckedPassages

T = TypeVar("T")

REFUSED, CONFIRM = "refused", "confirm"
"""Kinds of notices: why a turn got no answer, or only the beginning of one; that the person is asked first."""

RECORDED_S = 0.5
"""How long the end of a turn waits for its line in the record: behind a check that hangs it comes when that is over."""

BANNER, LEFT_OUT, CAUTION = "moderation", "moderation_passage", "caution"
"""Kinds of notices: about the check itself; about a passage that was found; that the model is told to take care."""

BUSY = "moderation_busy"
"""The kind of notice that says what a turn waits for; a face shows it as long as that lasts."""

BUSY_AFTER_S = 0.5
"""A check that takes longer may be one that loads a model or tests it first."""

_GLANCE_S = 0.02


class Vetting(LookingUp):
    """See `ockit.assistant.turn.Assistant`.

    Attributes:
        checking: the check of this chat, closed together with this; None where nothing is ever checked.
    """

    def __init__(
        self,
        environment: Environment,
        store: Store | None,
        *,
        stall_seconds: float,
        worker: Worker | None,
        unsaved_ok: bool,
        grounding: Grounding | None,
        checking: Checking | None,
    ) -> None:
        super().__init__(
            environment,
            store,
            stall_seconds=stall_seconds,
            worker=worker,
            unsaved_ok=unsaved_ok,
            grounding=grounding,
        )
        self.checking = checking
        self._asked_first: Turn | None = None  # the question that the person must confirm
        self._read: Turn | None = None  # the answer that stood when it was judged, or that it is about
        self._asked_on = False  # whether its answer was to go on
        self._checked: Turn | None = None  # the question that `Checking.last` is about
        self._unread: set[str] = set()  # what was said of texts that were not judged
        self._cleared: str | None = None  # the system text that was judged last, and may be used
        if checking is not None and not checking.on:
            self._keeper.switched(False)

    @property
    def moderated(self) -> bool:
        """Whether texts are checked now."""
        return self.checking is not None and self.checking.on

    @property
    def unconfirmed(self) -> bool:
        """Whether the last question waits for a yes: `Assistant.agree` says it, `decline` says no."""
        asked = self._branch.questions
        return self._asked_first is not None and bool(asked) and self._asked_first is asked[-1]

    @property
    def goes_on_then(self) -> bool:
        """Whether a yes lets the last answer go on, and does not make one."""
        return self.unconfirmed and self._asked_on

    @property
    def judged(self) -> dict[Text, Checked]:
        """What was made of the texts of the last turn, in the order they were judged; of a turn that this run has not
        judged, what is saved with it."""
        if self.checking is None:
            return {}
        asked, answer = self._branch.questions, self._branch.answer
        here = bool(asked) and asked[-1] is self._checked
        if here and (answer is None or answer is self._read):
            return dict(self.checking.last)
        found: dict[Text, Checked] = {
            text: checked
            for text, checked in self.checking.last.items()
            if text == "system" or (here and text != "assistant")
        }
        turns = ([] if here or not asked else [asked[-1]]) + ([] if answer is None else [answer])
        for role in ("user", "retrieved", "assistant"):
            verdicts = [each.verdict for turn in turns for each in turn.verdicts if each.role == role]
            if verdicts:
                at = gravest(verdicts) if role == "retrieved" else -1
                found[role] = Checked(verdicts[at], "", None)
        return found

    def decline(self) -> None:
        """The person does not want that for which a yes is waited. Raises UsageError where nothing was asked about."""
        if not self.unconfirmed:
            raise self._nothing_asked()
        self._asked_first = None

    def _nothing_asked(self) -> UsageError:
        waits = self.unanswered is not None
        hint = "/regen asks the last question again" if waits else "/moderation says what the last check said"
        return UsageError("moderation has asked nothing", hint=hint)

    def moderate(self, on: bool, why: str) -> Switched | None:
        """Check texts from now on, or no longer; session and record have it. None where nothing changes. It is switched
        whatever is wrong with the policy, the record or the store, which is told."""
        if self.checking is None or self.checking.on == on:
            return None
        done = self.checking.switch(on, why, session=self.session_id)
        try:
            self._keeper.switched(on)
        except StoreError as error:
            return replace(done, unsaved=error)
        return done

    def close(self) -> None:
        """End the worker, what looks into documents, and the check."""
        super().close()
        if self.checking is not None:
            self.checking.close()

    def _begin_check(self, branch: Branch, question: Turn) -> Errand[QuestionChecked] | None:
        """Begin to judge a question behind a branch, beside whatever comes before the answer."""
        if not self.moderated:
            return None
        assert self.checking is not None
        before = [turn.message("") for turn in branch.turns]
        return self.checking.begin_question(question.pieces, before, session=self.session_id)

    def _begin_system(self, system: str | None) -> Errand[Checked] | None:
        """Begin to judge a system text, where it is not the one that was judged last."""
        if not self.moderated or not system or system == self._cleared:
            return None
        assert self.checking is not None
        return self.checking.begin(system, "user", session=self.session_id)

    def judge_system(self, system: str | None) -> Iterator[Event]:
        """Judge a system text before it is set, where texts are checked.

        Raises:
            RefusedError: the policy refuses it.
            InterruptedByUser: it was stopped meanwhile.
            UsageError: the policy cannot be read.
        """
        with self._running():
            check = self._begin_system(system)
            yield from self._vet_system(check, system)

    def _vet_system(self, check: Errand[Checked] | None, system: str | None) -> Iterator[Event]:
        """Nothing is asked under a system text that the policy refuses.

        Raises:
            RefusedError: it does.
        """
        if check is None:
            return
        checked = yield from self._awaited(check)
        assert self.checking is not None
        self.checking.remember("system", checked)
        verdict = checked.verdict
        yield from self._told(checked.banners, [verdict])
        if verdict.action in ("refuse", "support"):
            what = "could not be checked" if verdict.faulty else "is refused"
            raise RefusedError(
                f"the system text {what}: {verdict.reason}", hint="give another: --system TEXT"
            )
        self._cleared = system
        if verdict.action in ("caution", "confirm"):
            yield Notice(f"take care with the system text: {verdict.reason}", BANNER)

    def _must_judge(self, question: Turn) -> bool:
        """Whether the answer to a question may go on only after the question was judged: nobody has, or it was stopped
        and answered while nothing was checked, or no yes to it is known."""
        said = [each.verdict.action for each in question.verdicts if each.role == "user"]
        if not said or said[-1] in ("refuse", "support"):
            return True
        return said[-1] == "confirm" and not question.agreed

    def _vet_passages(self, question: Turn) -> Iterator[Event]:
        """Leave out of what was found for a question what the policy stops."""
        if self.grounding.off or not self._unjudged(question, question.passages):
            return
        found = yield from self._judged(question, question.passages)
        question.passages = question.cleared = found.kept
        yield from (Notice(text, LEFT_OUT) for text in found.notices)

    def _vet_sources(self, question: Turn, answer: Turn) -> Generator[Event, None, bool]:
        """Whether an answer may go on with what it was given of documents: nothing of it can be left out now, so that
        it ends here where the policy stops a passage that nobody had judged."""
        if not self._unjudged(question, answer.sources):
            return True
        found = yield from self._judged(question, answer.sources)
        if not found.left_out:
            answer.sources = found.kept
            question.cleared = (*question.cleared, *found.kept)
            yield from (Notice(text, LEFT_OUT) for text in found.notices)
            return True
        stopped = [
            f"{passage.path}{'' if passage.start_line is None else f':{passage.start_line}'}: {verdict.reason}"
            for passage, verdict in zip(answer.sources, found.verdicts, strict=True)
            if passage in found.left_out
        ]
        yield Notice(
            f"the answer does not go on: it was given what moderation leaves out ({'; '.join(stopped)}); "
            "/regen answers without it",
            LEFT_OUT,
        )
        return False

    def _unjudged(self, question: Turn, passages: Sequence[Passage]) -> bool:
        """Whether some of these passages must be judged before they are used."""
        return self.moderated and not all(passage in question.cleared for passage in passages)

    def _judged(self, question: Turn, passages: Sequence[Passage]) -> Generator[Event, None, CheckedPassages]:
        """What was made of passages: their verdicts are told and will be saved with the question."""
        assert self.checking is not None
        errand = self.checking.begin_passages(passages, session=self.session_id)
        checked = yield from self._awaited(errand)
        self.checking.remember("retrieved", checked.worst)
        yield from self._told(checked.banners, checked.found.verdicts)
        said = [each for each in checked.found.verdicts if each.action != "allow" or each.status != "ok"]
        question.judged(Moderated(verdict, "retrieved") for verdict in said)
        yield from (Moderated(verdict, "retrieved") for verdict in said)
        return checked.found

    def _decided(
        self, question: Turn, check: Errand[QuestionChecked] | None, *, confirmed: bool
    ) -> Generator[Event, None, Checked | None]:
        """What was made of a question: its verdict is told and will be saved with it. Gives what stops it, or None."""
        if check is None:
            return None
        checked = yield from self._awaited(check)
        assert self.checking is not None
        self.checking.remember("user", checked)
        if checked.attached is not None:
            self.checking.remember("attached", checked.attached)
        yield from self._told(checked.banners, [checked.verdict])
        found = [Moderated(checked.verdict, "user")]
        found += [Moderated(of_file(name, verdict), "retrieved") for name, verdict in checked.careful]
        question.judged(found)
        yield from found
        action = checked.verdict.action
        if action == "support":
            question.caution = ""
        if action in ("refuse", "support") or (action == "confirm" and not confirmed):
            return checked  # an answer that it has already was given by what held then
        question.agreed = action == "confirm"
        question.caution = checked.care
        for name, verdict in checked.careful:
            yield Notice(f"the model is told to take care with {name}: {verdict.reason}", CAUTION)
        if action == "caution":
            yield Notice("the model is told to take care with this question", CAUTION)
        return None

    def _not_answered(self, question: Turn, checked: Checked, *, on: bool = False) -> Iterator[Notice]:
        """A question gets no answer, or not before the person has said yes. It waits, and is part of no later
        prompt. `on`: its answer was to go on."""
        self.trouble = self._keeper.moderated(question)
        if self.trouble is not None and self._unsaved_ok:
            trouble, self.trouble = self.trouble, None
            yield from self._keeper.outage(trouble)
        asks = checked.verdict.action == "confirm"
        if asks:
            self._asked_first, self._asked_on = question, on
        yield Notice(checked.said, CONFIRM if asks else REFUSED)

    def _watch(self, question: Turn, answer: Turn, sampling: Sampling) -> Watch | None:
        """What reads the answer along, or None where nothing is checked."""
        if not self.moderated:
            return None
        checking = self.checking
        assert checking is not None
        reading = checking.reading().wait(self._stop)
        asked, session = [Message("user", question.text)], self.session_id
        return Watch(
            checking.begin_part,
            holds=reading.holds,
            stop=self._stop,
            before=answer.text,
            whole=(lambda text: checking.begin(text, "assistant", asked, session=session))
            if reading.whole
            else None,
            trims=not answer.text and sampling.grammar is None,
        )

    def _read_along(self, answer: Turn, watch: Watch) -> Iterator[Event]:
        """The answer is over: its verdict is told and will be saved with it."""
        worst = watch.worst
        if worst is None:
            return
        assert self.checking is not None
        self.checking.remember("assistant", worst)
        self._read = answer
        yield from self._told(watch.banners, [worst.verdict])
        found = Moderated(worst.verdict, "assistant")
        answer.judged([found])
        yield found
        yield from self._recorded(watch, worst.verdict)
        if watch.cut:
            yield Notice(worst.said, REFUSED)
        elif worst.verdict.action == "caution":
            yield Notice(f"take care with this answer: {worst.verdict.reason}", BANNER)

    def _recorded(self, watch: Watch, verdict: Verdict) -> Iterator[Notice]:
        """The record has one line for an answer, unless a clause met something stricter than the check of the whole,
        which the record has already."""
        assert self.checking is not None
        known = watch.recorded
        if known is not None and ACTIONS.index(known.verdict.action) >= ACTIONS.index(verdict.action):
            return
        errand = self.checking.record(watch.text, verdict, session=self.session_id)
        if errand.settled(RECORDED_S):
            yield from self._told(errand.wait(), [])

    def _begins(self, question: Turn, *, on: bool = False) -> None:
        """A turn begins: what was asked about before is no longer, and what was said of other texts is of no matter.
        `on`: an answer goes on, whose question may have been judged before."""
        self._asked_first = None
        if self.checking is not None:
            if not on or self._checked is not question:
                self.checking.last.clear()
            self.checking.last.pop("assistant", None)
        self._checked, self._read = question, self._branch.answer

    def _awaited(self, errand: Errand[T]) -> Generator[Event, None, T]:
        """What a check gives. Where it takes long because a judge has to be made ready first, that is said."""
        assert self.checking is not None
        said, since = "", time.monotonic()
        while not errand.settled(_GLANCE_S):
            self._stop.check()
            busy = self.checking.busy if time.monotonic() - since > BUSY_AFTER_S else said
            if busy not in ("", said):
                said = busy
                yield Notice(busy, BUSY)
        return errand.wait(self._stop)

    def _told(self, banners: Sequence[str], verdicts: Sequence[Verdict]) -> Iterator[Notice]:
        """What the person must know of the check itself, each once. A text that nobody has read is never passed over in
        silence."""
        for banner in banners:
            yield Notice(f"moderation: {banner}", BANNER)
        unread = {verdict.reason for verdict in verdicts if verdict.status != "ok"}
        if unread and not banners:
            for reason in sorted(unread - self._unread):
                yield Notice(f"moderation: a text was not checked ({reason})", BANNER)
        self._unread |= unread
