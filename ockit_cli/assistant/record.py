"""One answer on its way to the disk: begun before its first token, saved while it streams, closed in any case."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from types import TracebackType
from typing import Self

from ockit.errors import OckitError, StoreError
from ockit.events import End, Token
from ockit.messages import Message, Sampling
from ockit.sessions.store import Store

SAVE_EVERY_S = 0.5


class AnswerRecord:
    """Collects an answer and keeps the store up to date with it. Leaving the `with` block without an End saves
    what has come as interrupted, or as failed where an error of ours ended it.

    A store that fails does not end the answer: it goes on unsaved, and the end is tried once more.

    Attributes:
        text: the answer so far; white space in front of it is dropped, as no person means to see it.
        message_id: where it is saved, or None.
        trouble: why the answer as it stands could not be saved, or None.
    """

    def __init__(
        self, store: Store | None, session_id: str | None, parent: str | None, model: str, sampling: Sampling
    ) -> None:
        self._store = store
        self._ids: list[int] = []
        self._verbatim = False
        self._saved_at = time.monotonic()
        self._finished = False
        self._keep_space = sampling.grammar is not None
        self.text = ""
        self.first_token_s: float | None = None
        self.message_id: str | None = None
        self.trouble: StoreError | None = None
        if store is not None and session_id is not None and parent is not None:
            try:
                self.message_id = store.begin_answer(
                    session_id, parent, model=model, sampling=asdict(sampling)
                )
            except StoreError as error:
                self.trouble = error

    @property
    def message(self) -> Message:
        """The answer as a turn; with its token ids where they say exactly its text."""
        return Message("assistant", self.text, tuple(self._ids) if self._verbatim else None)

    def add(self, token: Token, elapsed: float) -> Token:
        """Take in a token event that came `elapsed` seconds after the request; gives the event to show."""
        text = token.text if self.text or self._keep_space else token.text.lstrip()
        if text and self.first_token_s is None:
            self.first_token_s = elapsed
        self.text += text
        self._ids += token.ids
        if self.trouble is None and time.monotonic() - self._saved_at > SAVE_EVERY_S:
            self._save_so_far()
            self._saved_at = time.monotonic()
        return replace(token, text=text)

    def _save_so_far(self) -> None:
        if self._store is None or self.message_id is None:
            return
        try:
            self._store.save_so_far(self.message_id, text=self.text, token_ids=self._ids)
        except StoreError as error:
            self.trouble = error

    def finish(self, end: End) -> None:
        """Save the whole answer."""
        self._verbatim = end.verbatim
        self._close("interrupted" if end.finish_reason == "interrupted" else "complete", end)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._finished:
            failed = isinstance(error, OckitError)
            self._close("failed" if failed else "interrupted", None, str(error) if failed else None)

    def _close(self, state: str, end: End | None, error: str | None = None) -> None:
        self._finished = True
        if self._store is None or self.message_id is None:
            return
        try:
            self._store.finish(
                self.message_id,
                text=self.text,
                token_ids=self._ids if self._verbatim else (),
                state=state,  # type: ignore[arg-type]
                finish_reason=end.finish_reason if end is not None else "error" if error else "interrupted",
                usage=end.usage if end is not None else None,
                timings=end.timings if end is not None else None,
                error=error,
            )
        except StoreError as failure:
            self.trouble = failure
        else:
            self.trouble = None
