"""What keeps a conversation in the store: its session, its turns, where it stands, what is pinned.

A disk that fails in mid-chat is an outage, not an end, where the caller wants it so: turns stay in memory and are
saved, oldest first, once the store takes them again. Knows no model and no prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from ockit.assistant.branch import Branch, Turn
from ockit.assistant.record import finish
from ockit.errors import NotFound, StoreError
from ockit.events import Notice
from ockit.messages import Sampling
from ockit.sessions.store import Store
from ockit.sessions.titles import title_of

PINNED = "pinned"
"""The key of a session's metadata under which the ids of pinned questions stand."""


class Keeper:
    """Saves one conversation at a time.

    Args:
        store: where; None keeps nothing.
        unsaved_ok: whether the chat goes on where the store fails.

    Attributes:
        session_id: None before the first question, or without a store.
        unsaved: whether turns wait for a store that fails.
    """

    def __init__(self, store: Store | None, *, unsaved_ok: bool) -> None:
        self.store = store
        self._unsaved_ok = unsaved_ok
        self.session_id: str | None = None
        self.unsaved = False
        self._runs: tuple[str, str] | None = None  # the model and template that the session's row names
        self._pins: frozenset[str] = frozenset()  # the ids that the session's row names

    def leave(self) -> None:
        """The next question begins another session."""
        self.session_id = self._runs = None
        self._pins = frozenset()
        self.unsaved = False

    def resume(self, session_id: str, at: str | None) -> tuple[Branch, str | None]:
        """The branch of a saved session that ends at a message (None: at its head), and its system text. Only reads.

        Raises:
            NotFound: there is no such session, or it has no such message.
            StoreError: the store cannot be read.
        """
        if self.store is None:
            raise NotFound(
                f"there is no session {session_id!r}: this chat is not saved", hint="/save saves it"
            )
        session = self.store.get(session_id)
        place = session.head if at is None else at
        path = () if place is None else self.store.path_to(place)
        if path and path[-1].session_id != session.id:
            raise NotFound(
                f"session {session.id} has no message {at!r}", hint="ockit sessions show ID lists them"
            )
        pins = session.metadata.get(PINNED)
        self.leave()
        self._pins = frozenset(pins if isinstance(pins, list) else ())
        self.session_id = session.id
        self._runs = session.model or "", session.template or ""
        return Branch.of(path, self._pins), session.system

    def ask(
        self, branch: Branch, question: Turn, *, runs: tuple[str, str], system: str | None, title: str | None
    ) -> list[Notice]:
        """Save a question after a branch, and what of the branch could not be saved before.

        Args:
            runs: the names of the model and of its template.
            title: the session's name, if it begins; None names it after the question.

        Raises:
            StoreError, NotFound: nothing was saved, and the chat must not go on so.
        """
        if self.store is None:
            return []
        was, notices = self.unsaved, []
        try:
            try:
                self._save([*branch.turns, question], runs, system, title)
            except (StoreError, NotFound):
                if not self._unsaved_ok or not self._removed(branch):
                    raise
                self._forget(branch, question)
                self._save([*branch.turns, question], runs, system, title)
                notices = [Notice("this chat was removed from the store; all of it is saved anew", "saved")]
            self._save_rest(branch, runs)
        except StoreError as error:
            return self.outage(error)
        self.unsaved = False
        return notices or ([Notice("the chat is saved again, all of it", "saved")] if was else [])

    def outage(self, error: StoreError) -> list[Notice]:
        """What to say of a store that fails; nothing but the first time. Raises it where the chat must not go on."""
        if not self._unsaved_ok:
            raise error
        was, self.unsaved = self.unsaved, True
        return [] if was else [Notice(f"the chat goes on unsaved: {error}", "unsaved")]

    def save(
        self, branch: Branch, *, runs: tuple[str, str], system: str | None, title: str | None
    ) -> str | None:
        """Save every turn that is not saved yet, under a name (None keeps the session's own); gives the name.

        Raises:
            StoreError: not all of it was saved.
        """
        assert self.store is not None
        turns = [*branch.turns, *([branch.waiting] if branch.waiting is not None else [])]
        self._save(turns, runs, system, title)
        self._save_rest(branch, runs)
        assert self.session_id is not None
        if title:
            self.store.set_title(self.session_id, title)
        self.unsaved = False
        return self.store.get(self.session_id).title

    def stand_at(self, turn: Turn | None) -> None:
        """The session stands at a turn from now on, or before its first. Where that cannot be saved the next question
        does it, so a chat that may go on unsaved hears nothing of it. Raises StoreError."""
        if self.store is None or self.session_id is None or (turn is not None and turn.id is None):
            return
        try:
            self.store.set_head(self.session_id, None if turn is None else turn.id)
        except (StoreError, NotFound):
            if not self._unsaved_ok:
                raise

    def pin(self, branch: Branch) -> None:
        """Save which questions are pinned."""
        if self.store is not None and self.session_id is not None:
            try:
                self._save_pins(branch)
            except (StoreError, NotFound):
                if not self._unsaved_ok:
                    raise

    def _save(
        self, turns: Sequence[Turn], runs: tuple[str, str], system: str | None, title: str | None
    ) -> None:
        assert self.store is not None
        if self.session_id is None:
            name = None if title is None else title_of(title)
            self.session_id = self.store.start(model=runs[0], template=runs[1], system=system, title=name)
            self._runs = runs
        parent = None
        for turn in turns:
            if not turn.kept:
                self._save_one(turn, parent, self.session_id)
            parent = turn.id

    def _save_one(self, turn: Turn, parent: str | None, session_id: str) -> None:
        assert self.store is not None
        if turn.role == "user":
            turn.id = self.store.add_user(session_id, turn.text, parent=parent)
            turn.kept = True
            return
        if turn.id is None:
            assert parent is not None
            turn.id = self.store.begin_answer(
                session_id,
                parent,
                model=turn.model or "",
                sampling=asdict(turn.sampling if turn.sampling is not None else Sampling()),
            )
        finish(self.store, turn)

    def _save_rest(self, branch: Branch, runs: tuple[str, str]) -> None:
        """What the session's row says of it all."""
        assert self.store is not None
        assert self.session_id is not None
        if runs != self._runs:
            self.store.set_model(self.session_id, model=runs[0], template=runs[1])
            self._runs = runs
        self._save_pins(branch)

    def _save_pins(self, branch: Branch) -> None:
        """Pins of other branches stay as they are."""
        assert self.store is not None
        assert self.session_id is not None
        here = {turn.id: turn.pinned for turn in branch.questions if turn.id is not None}
        pins = self._pins - here.keys() | {id for id, pinned in here.items() if pinned}
        if pins != self._pins:
            metadata = self.store.get(self.session_id).metadata
            self.store.set_metadata(self.session_id, metadata | {PINNED: sorted(pins)})
            self._pins = pins

    def _removed(self, branch: Branch) -> bool:
        """Whether somebody else has removed the session, or the whole store, since turns of it were saved."""
        assert self.store is not None
        if self.session_id is None or not any(turn.id for turn in branch.turns):
            return False
        try:
            self.store.get(self.session_id)
        except NotFound:
            return True
        except StoreError:
            return False
        return False

    def _forget(self, branch: Branch, question: Turn) -> None:
        self.leave()
        for turn in (*branch.turns, question):
            turn.id, turn.kept = None, False
