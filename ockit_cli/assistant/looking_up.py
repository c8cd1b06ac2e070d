"""A conversation that looks into documents: what was found for a question, and how much of it fits into its prompt.

Asks the retrievers (`ockit.assistant.grounding`) and lays out what they found; answers nothing (`ockit.assistant.turn`
does).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ockit.assistant import shelf
from ockit.assistant.branch import Turn
from ockit.assistant.grounding import Found, Grounding, worth
from ockit.assistant.grounding_prompt import grounded
from ockit.assistant.grounding_query import query_of
from ockit.assistant.ledger import Fitted, fit, most_passages, room_for_prompt, without
from ockit.assistant.standing import Standing
from ockit.environment import Environment
from ockit.errors import ContextOverflow
from ockit.events import Event, Notice, Sources
from ockit.messages import Conversation, Passage, Sampling
from ockit.prompts.template import Rendered
from ockit.sessions.store import Store
from ockit.workers.worker import Worker

LayOut = Callable[[Conversation], Rendered]


class LookingUp(Standing):
    """See `ockit.assistant.turn.Assistant`."""

    def __init__(
        self,
        environment: Environment,
        store: Store | None,
        *,
        stall_seconds: float,
        worker: Worker | None,
        unsaved_ok: bool,
        grounding: Grounding | None,
    ) -> None:
        super().__init__(
            environment, store, stall_seconds=stall_seconds, worker=worker, unsaved_ok=unsaved_ok
        )
        self.grounding = grounding if grounding is not None else shelf.grounding(environment)
        self._looked: tuple[Turn, Found] | None = None

    def search(self, words: str, k: int | None = None) -> Found:
        """What the documents in use have on some words; asks no model.

        Raises:
            InterruptedByUser: it was stopped.
        """
        with self._running():
            return self.grounding.find(words, self._stop, k=k)

    @property
    def sources(self) -> tuple[Passage, ...]:
        """The passages that the last answer was given."""
        return () if self.last_answer is None else self.last_answer.sources

    @property
    def looked(self) -> Found:
        """What was found for the last question, as far as this run has looked; for `again`, what was found then."""
        asked = self._branch.questions
        if self._looked is None or not asked or asked[-1] is not self._looked[0]:
            return Found()
        return self._looked[1]

    def close(self) -> None:
        """End the worker, and what looks into documents."""
        super().close()
        self.grounding.close()

    def _look_up(self, question: Turn) -> Iterator[Notice]:
        """Find passages for a question, unless it has some: another answer to it is given the same."""
        if question.passages:
            return
        before = [turn.words for turn in self._branch.questions if turn is not question]
        alone = question.words if question.sought is None else question.sought
        found = self.grounding.find(query_of(alone, before), self._stop, alone=alone)
        question.passages = worth(found.passages)
        self._looked = (question, found)
        yield from found.notices

    def _given(self, question: Turn, answer: Turn) -> tuple[Passage, ...]:
        """The passages that an answer is to be given: one that goes on, those that it began with."""
        if answer.text:
            return answer.sources
        return () if self.grounding.off else question.passages

    def _fitted(
        self,
        conversation: Conversation,
        lay_out: LayOut,
        sampling: Sampling,
        passages: tuple[Passage, ...] = (),
        lead: str = "",
    ) -> tuple[Fitted, Rendered, int]:
        """What of the conversation is sent, and with how many of the passages. Runs beside the turn, which may stop
        waiting for it."""
        info = self._load()
        last: list[
            tuple[Conversation, Rendered]
        ] = []  # laying out may be dear: it runs a model's own template

        def encode(part: Conversation) -> list[int]:
            last[:] = [(part, lay_out(part))]
            return self.engine.encode(last[0][1].segments)

        def count(n: int) -> int | None:
            try:
                return len(encode(grounded(alone, passages[:n], lead)))
            except ContextOverflow:  # so much that it was not even counted
                return None

        room = room_for_prompt(info.n_ctx, sampling.max_tokens)
        n_turns = sum(message.role == "user" for message in conversation.turns)
        alone = without(conversation, max(n_turns - 1, 0), self._places())
        kept = most_passages(count, len(passages), room)
        whole = grounded(conversation, passages[:kept], lead)
        fitted = fit(whole, encode, room, dropped=self._dropped, pinned=self._places())
        part, rendered = last[0]
        return fitted, rendered if part == fitted.conversation else lay_out(fitted.conversation), kept

    def _sourced(self, answer: Turn, passages: tuple[Passage, ...], kept: int) -> Iterator[Event]:
        """Says what a new answer is given, and what had no room."""
        out = len(passages) - kept
        if out:
            yield Notice(
                f"{out} of {len(passages)} passages {'does' if out == 1 else 'do'} not fit beside the question and "
                f"{'is' if out == 1 else 'are'} left out",
                "dropped_passages",
            )
        if not answer.text:
            answer.sources = passages[:kept]
            if kept:
                yield Sources(answer.sources)

    @contextmanager
    def _running(self) -> Iterator[None]:
        self._stop.begin()
        try:
            yield
        finally:
            self._stop.end()
