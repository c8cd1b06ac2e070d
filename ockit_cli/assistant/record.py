"""One answer on its way to the disk: begun before its first token, saved while it streams, closed in any case."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from types import TracebackType
from typing import Self

from ockit.assistant.branch import Turn
from ockit.errors import NotFound, OckitError, StoreError
from ockit.events import End, Token
from ockit.messages import Sampling, Timings, Usage
from ockit.sessions.records import State
from ockit.sessions.store import Store

SAVE_EVERY_S = 0.5


class AnswerRecord:
    """Collects an answer and keeps the store up to date with it. Leaving the `with` block without an End saves
    what has come as interrupted, or as failed where an error of ours ended it.

    A store that fails does not end the answer: it goes on unsaved, and the end is tried once more.

    Args:
        store: where it is saved, or None.
        session_id: None saves nothing.
        question: what is answered; what moderation made of it is saved together with the answer's beginning.
        turn: the answer: a new one, or one that was cut and goes on. It is brought up to date at the end.
        model: whose tokens come; where another model has begun the answer, its ids are of no use to either.

    Attributes:
        text: the answer so far; white space in front of it is dropped, as no person means to see it.
        grown: whether any text has come.
        trouble: why the answer as it stands could not be saved, or None.
    """

    def __init__(
        self,
        store: Store | None,
        session_id: str | None,
        question: Turn,
        turn: Turn,
        sampling: Sampling,
        *,
        model: str,
    ) -> None:
        self._store = store
        self._turn = turn
        self._goes_on = bool(turn.text)
        self._ids: list[int] = list(turn.token_ids or ())
        self._verbatim = turn.token_ids is not None or not self._goes_on
        self._same_model = turn.model == model
        self._saved_at = time.monotonic()
        self._finished = False
        self._keep_space = self._goes_on or sampling.grammar is not None
        self.text = turn.text
        self.grown = False
        self.first_token_s: float | None = None
        self.trouble: StoreError | None = None
        turn.kept = False
        if store is None or session_id is None or question.id is None:
            return
        try:
            if turn.id is not None:
                store.reopen(turn.id)
            else:
                turn.id = store.begin_answer(
                    session_id,
                    question.id,
                    model=turn.model or "",
                    sampling=asdict(sampling),
                    sources=turn.sources,
                    asked=question.moderation,
                )
                question.settled()
        except StoreError as error:
            self.trouble = error
        except NotFound as gone:  # somebody removed the session since
            self.trouble = StoreError(gone.what, hint=gone.hint)

    def add(self, token: Token, elapsed: float) -> Token:
        """Take in a token event that came `elapsed` seconds after the request; gives the event to show."""
        text = token.text if self.text or self._keep_space else token.text.lstrip()
        if text and self.first_token_s is None:
            self.first_token_s = elapsed
        self.grown |= bool(text)
        self.text += text
        self._ids += token.ids
        self._verbatim &= self._same_model
        if self.trouble is None and time.monotonic() - self._saved_at > SAVE_EVERY_S:
            self._save_so_far()
            self._saved_at = time.monotonic()
        return replace(token, text=text)

    def _save_so_far(self) -> None:
        if self._store is None or self._turn.id is None:
            return
        try:
            self._store.save_so_far(self._turn.id, text=self.text, token_ids=self._ids)
        except StoreError as error:
            self.trouble = error

    def finish(self, end: End) -> None:
        """Save the whole answer. What a continuation cost is added to what the answer has cost before."""
        turn = self._turn
        if self._goes_on and not self.grown and end.finish_reason == "interrupted":
            end = replace(end, finish_reason=turn.finish_reason or "interrupted")  # it stands where it stood
        self._verbatim &= end.verbatim or not self.grown
        turn.finish_reason, turn.error = end.finish_reason, None
        turn.usage, turn.timings = _sums(turn, end) if self._goes_on else (end.usage, end.timings)
        self._close("interrupted" if end.finish_reason == "interrupted" else "complete")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._finished:
            return
        failed = isinstance(error, OckitError)
        self._verbatim &= not self.grown  # what came since nobody has vouched for
        self._turn.finish_reason = "error" if failed else "interrupted"
        self._turn.error = str(error) if failed else None
        # an answer that was there before is worth more than one that failed: it can go on
        self._close("failed" if failed and not self._goes_on else "interrupted")

    def _close(self, state: State) -> None:
        self._finished = True
        turn = self._turn
        turn.text, turn.state = self.text, state
        turn.token_ids = tuple(self._ids) if self._verbatim else None
        if self._store is None or turn.id is None:
            return
        try:
            finish(self._store, turn)
        except StoreError as failure:
            self.trouble = failure
        else:
            self.trouble = None


def finish(store: Store, turn: Turn) -> None:
    """Save the end of an answer that was begun in the store. Raises StoreError."""
    assert turn.id is not None
    assert turn.state != "partial"
    store.finish(
        turn.id,
        text=turn.text,
        token_ids=turn.token_ids,
        state=turn.state,
        finish_reason=turn.finish_reason,
        usage=turn.usage,
        timings=turn.timings,
        error=turn.error,
        verdicts=turn.owed,
    )
    turn.kept = True
    turn.settled()


def _sums(turn: Turn, end: End) -> tuple[Usage, Timings]:
    """What the answer has cost in all: the prompt as it was at first, the tokens and seconds of every part."""
    usage, timings = turn.usage or Usage(), turn.timings or Timings()
    return (
        replace(usage, completion_tokens=usage.completion_tokens + end.usage.completion_tokens),
        Timings(
            timings.load_s + end.timings.load_s,
            timings.prefill_s + end.timings.prefill_s,
            timings.decode_s + end.timings.decode_s,
            timings.first_token_s if timings.first_token_s is not None else end.timings.first_token_s,
        ),
    )
