"""The assistant: a model, a conversation and a store, and what runs a turn from question to answer.

The question is on the disk before the model sees it; the answer is saved while it streams. Every face of ockit
gets the same events (`ockit.events`). Knows no terminal.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ockit.assistant.attachments import Place
from ockit.assistant.branch import Branch, Turn
from ockit.assistant.checked import Checked
from ockit.assistant.checking import Checking
from ockit.assistant.grounding import Grounding
from ockit.assistant.ledger import Fitted
from ockit.assistant.looking_up import LayOut
from ockit.assistant.record import AnswerRecord
from ockit.assistant.vetting import Vetting
from ockit.assistant.waiting import stopped
from ockit.environment import Environment
from ockit.errors import UsageError, WorkerError
from ockit.events import End, Event, Notice, Token
from ockit.messages import Conversation, Sampling
from ockit.prompts.template import Rendered
from ockit.sessions.store import Store
from ockit.workers.worker import Worker

SEEDS = 2**32 - 1
"""Seeds are 0 to one less than this."""


@dataclass(frozen=True)
class Totals:
    """What the turns of one process have cost: tokens, and seconds of reading and of writing."""

    turns: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    prefill_s: float = 0.0
    decode_s: float = 0.0

    def plus(self, end: End) -> Totals:
        """With one more turn."""
        return Totals(
            self.turns + 1,
            self.prompt_tokens + end.usage.prompt_tokens,
            self.cached_tokens + end.usage.cached_tokens,
            self.completion_tokens + end.usage.completion_tokens,
            self.prefill_s + end.timings.prefill_s,
            self.decode_s + end.timings.decode_s,
        )


class Assistant(Vetting):
    """Answers questions in one conversation. One turn at a time; `stop` may come from anywhere, at any time.

    Args:
        environment: for the worker's variables and the cache directory.
        store: where turns are saved; None saves nothing.
        stall_seconds: silence after which the model's process counts as hung.
        worker: the model's process, where it has been started already.
        unsaved_ok: go on where the store fails, and save what was said once it takes it again.
        grounding: the documents that are looked into before a turn, closed together with this; None for those of the
            person, of which none is in use yet.
        checking: the check of what goes in and comes out, closed together with this; None checks nothing.

    Attributes:
        totals: what all turns have cost so far.
    """

    def __init__(
        self,
        environment: Environment,
        store: Store | None,
        *,
        stall_seconds: float = 120.0,
        worker: Worker | None = None,
        unsaved_ok: bool = False,
        grounding: Grounding | None = None,
        checking: Checking | None = None,
    ) -> None:
        super().__init__(
            environment,
            store,
            stall_seconds=stall_seconds,
            worker=worker,
            unsaved_ok=unsaved_ok,
            grounding=grounding,
            checking=checking,
        )
        self.totals = Totals()

    def reply(
        self,
        question: str,
        sampling: Sampling,
        *,
        started: float | None = None,
        title: str | None = None,
        typed: str | None = None,
        attached: Sequence[str] = (),
        sought: str | None = None,
        places: Sequence[Place] = (),
        confirmed: bool = False,
    ) -> Iterator[Event]:
        """One turn: Notice, Moderated, Sources, Prefill and Token events, then End. A question that moderation stops
        gets no answer (End says ``refused``, a Notice of kind ``refused`` or ``confirm`` why) and waits, or gets the
        policy's text as its answer.

        Args:
            question: what the person says.
            started: `time.perf_counter` from which ``first_token_s`` counts; None counts from now.
            title: names a session that begins; None names it after the question.
            typed: what the person typed, where files stand in front of it in the question.
            attached: paths of those files that are not named in it.
            sought: what documents are searched for; None searches for what was typed.
            places: where files and piped texts stand in the question; moderation reads each by itself.
            confirmed: the person has said yes beforehand to whatever moderation would ask about.

        Raises:
            ContextOverflow: the question does not fit.
            InterruptedByUser: it was stopped before a word came.
            RefusedError: moderation refuses the system text.
            WorkerError: the model's process died; the part that came is saved as failed.
            OckitError: whatever loading raises.
        """
        started = time.perf_counter() if started is None else started
        with self._running():
            asked = Turn(
                "user", question, typed=typed, attached=tuple(attached), sought=sought, places=tuple(places)
            )
            branch = Branch(self._branch.turns, asked)
            yield from self._save(branch, title)
            self._branch = branch
            yield from self._answered(branch, sampling, started, confirmed=confirmed)

    def again(self, sampling: Sampling, *, confirmed: bool = False) -> Iterator[Event]:
        """Another answer to the last question, beside those that there are. A seed that is given counts on with every
        answer, or the same would come; at temperature 0 it does. The question is checked again.

        Args:
            confirmed: the person has said yes to a question that moderation asks about first.

        Raises:
            UsageError: nothing was asked.
            OckitError: as `reply`. The conversation stands where it stood.
        """
        started = time.perf_counter()
        with self._running():
            before = self._branch
            branch = before.unanswered()
            yield from self._save(branch, None)
            if sampling.seed is not None:
                sampling = replace(sampling, seed=(sampling.seed + self._tries(branch)) % SEEDS)
            try:
                yield from self._answered(branch, sampling, started, confirmed=confirmed)
            finally:
                if self._branch is before and before.answer is not None:
                    self._keeper.stand_at(before.answer)

    def go_on(self, sampling: Sampling, *, confirmed: bool = False) -> Iterator[Event]:
        """The last answer goes on where it was cut: Token events bring the new text, End what it cost. In the store it
        stays one answer, with the sum of the costs. A question that moderation has not judged, or has stopped, is
        judged first, and so are the passages that the answer was given; where one is stopped the answer stays as it is,
        and End says ``refused``.

        Args:
            confirmed: the person has said yes to a question that moderation asks about first.

        Raises:
            UsageError: there is no answer, or it ended by itself.
            OckitError: as `reply`; what was there before stays.
        """
        started = time.perf_counter()
        with self._running():
            answer = self._unfinished()
            question = self._branch.questions[-1]
            yield from self._save(self._branch, None)
            self._begins(question, on=True)
            system = self._begin_system(self._system)
            if self.moderated and self._must_judge(question):
                check = self._begin_check(self._branch.before(question), question)
                yield from self._vet_system(system, self._system)
                stopped_by = yield from self._decided(question, check, confirmed=confirmed)
                if stopped_by is not None:
                    yield from self._not_answered(question, stopped_by, on=True)
                    yield End("refused")
                    return
            else:
                yield from self._vet_system(system, self._system)
            goes_on = yield from self._vet_sources(question, answer)
            self._keeper.moderated(question)  # else it is owed, and saved with the next question
            if not goes_on:
                yield End("refused")
                return
            conversation = self._all(self._branch)
            yield from self._run(conversation, self._render_open, question, answer, sampling, started)

    def agree(self, sampling: Sampling) -> Iterator[Event]:
        """The person says yes to what moderation has asked about (`unconfirmed`): the question is answered, or its
        answer goes on.

        Raises:
            UsageError: nothing was asked about.
            OckitError: as `again` and `go_on`.
        """
        if not self.unconfirmed:
            raise self._nothing_asked()
        return (self.go_on if self.goes_on_then else self.again)(sampling, confirmed=True)

    def _answered(
        self, branch: Branch, sampling: Sampling, started: float, *, confirmed: bool = False
    ) -> Iterator[Event]:
        """The waiting question of a branch gets an answer, unless not a word of it comes."""
        question = branch.waiting
        assert question is not None
        if sampling.seed is None:
            sampling = replace(sampling, seed=secrets.randbelow(SEEDS))  # saved: can be repeated
        answer = Turn("assistant", "", model=self.model.entry.name, sampling=sampling)
        self._begins(question)
        system, check = self._begin_system(self._system), self._begin_check(branch, question)
        yield from self._look_up(question)
        yield from self._vet_system(system, self._system)
        stopped_by = yield from self._decided(question, check, confirmed=confirmed)
        if stopped_by is not None and stopped_by.verdict.action != "support":
            yield from self._not_answered(question, stopped_by)
            yield End("refused")
            return
        yield from self._vet_passages(question)
        try:
            if stopped_by is not None:
                yield from self._policys(question, answer, stopped_by, sampling, started)
            else:
                yield from self._run(self._all(branch), self.render, question, answer, sampling, started)
        finally:
            if answer.text and answer.state in ("complete", "interrupted"):
                self._branch = branch.answered(answer)

    def _run(
        self,
        conversation: Conversation,
        lay_out: LayOut,
        question: Turn,
        answer: Turn,
        sampling: Sampling,
        started: float,
    ) -> Iterator[Event]:
        """Prompt the model with a conversation; what it writes becomes the answer, or its next part."""
        passages = self._given(question, answer)
        fitting = self._aside(lambda: self._fitted(conversation, lay_out, sampling, passages, question.lead))
        fitted, rendered, kept = fitting.wait(self._stop)
        yield from self._sourced(answer, passages, kept)
        yield from self._left_out(fitted)
        load_s, self._loaded_s = self._loaded_s or 0.0, 0.0
        self.last_prompt = rendered.segments
        sampling = replace(sampling, stop=(*sampling.stop, *rendered.stop))
        self._stop.check()
        question.tries += 1
        end = End("interrupted")
        watch = self._watch(question, answer, sampling)
        record = AnswerRecord(
            self._keeper.store, self.session_id, question, answer, sampling, model=self.model.entry.name
        )
        with record:
            events = self.engine.generate(fitted.ids, sampling, stopped=lambda: self._stop.asked)
            try:
                for event in events if watch is None else watch.over(events, self.engine.cancel):
                    if isinstance(event, Token):
                        yield record.add(event, time.perf_counter() - started)
                    elif isinstance(event, End):
                        end = event
                    else:
                        yield event
            except WorkerError:
                if not self._stop.hard:  # else it died of that
                    raise
                end = replace(end, verbatim=False)
            timings = replace(end.timings, load_s=load_s, first_token_s=record.first_token_s)
            end = replace(end, timings=timings)
            if watch is not None:
                yield from self._read_along(answer, watch)
            record.finish(end)
        self.totals = self.totals.plus(end)
        self.answer_id = answer.id
        yield from self._ended(record)
        if end.finish_reason == "interrupted" and not record.grown:
            raise stopped()
        yield end

    def _policys(
        self, question: Turn, answer: Turn, checked: Checked, sampling: Sampling, started: float
    ) -> Iterator[Event]:
        """The policy's text is the answer, and part of the conversation; no model is asked."""
        answer.model = ""
        record = AnswerRecord(self._keeper.store, self.session_id, question, answer, sampling, model="")
        end = End("stop", verbatim=False)
        with record:
            yield record.add(Token(checked.said), time.perf_counter() - started)
            end = replace(end, timings=replace(end.timings, first_token_s=record.first_token_s))
            record.finish(end)
        self.answer_id = answer.id
        yield from self._ended(record)
        yield end

    def _ended(self, record: AnswerRecord) -> Iterator[Notice]:
        """An answer is over; what could not be saved of it is an outage, or told."""
        if record.trouble is not None and self._unsaved_ok:
            yield from self._keeper.outage(record.trouble)
        else:
            self.trouble = record.trouble

    def _left_out(self, fitted: Fitted) -> Iterator[Notice]:
        """Says which turns are no longer part of the prompt."""
        asked = self._branch.questions
        out = frozenset(asked[place] for place in fitted.out)
        gone = len(out - self._out)
        self._dropped, self._out = fitted.dropped, out
        if gone:
            yield Notice(
                f"the context is full: the oldest {gone} question{'s' * (gone > 1)} with "
                f"{'their answers' if gone > 1 else 'its answer'} are no longer part of the prompt",
                "dropped_turns",
            )

    def _render_open(self, conversation: Conversation) -> Rendered:
        return self.template.render_open(conversation, condition=self._condition)

    def _save(self, branch: Branch, title: str | None) -> Iterator[Notice]:
        """The question that waits, or the answer that goes on, and whatever could not be saved before it."""
        self.trouble = None
        self._keeper.left(self._branch)
        question = branch.waiting if branch.waiting is not None else branch.questions[-1]
        yield from self._keeper.ask(branch, question, runs=self._runs, system=self._system, title=title)
        if (store := self._keeper.store) is not None:
            notices, store.notices = store.notices, []
            yield from notices

    def _unfinished(self) -> Turn:
        """The last answer, if it can go on. Raises UsageError."""
        answer = self._branch.answer
        if answer is None:
            waits = self._branch.waiting is not None
            raise UsageError(
                "the last question has no answer yet" if waits else "there is no answer that could go on",
                hint="/regen answers it" if waits else "ask something first",
            )
        if answer.state == "partial":
            raise UsageError(
                "another ockit is writing this answer", hint="wait for it, then /resume the session again"
            )
        if answer.fixed:
            raise UsageError(
                "the last answer is a fixed text by moderation, and whole: there is nothing to go on with",
                hint="say more in your own words; /moderation why",
            )
        if not answer.can_go_on:
            raise UsageError(
                "the last answer ended by itself; only one that was stopped or cut can go on",
                hint="ask for more in your own words, or /regen for another answer",
            )
        return answer

    def _tries(self, branch: Branch) -> int:
        """Answers to the waiting question that were begun, in this process or before."""
        question = branch.waiting
        assert question is not None
        if self._keeper.store is None or question.id is None:
            return question.tries
        return max(question.tries, len(self._keeper.store.children(question.id)))
