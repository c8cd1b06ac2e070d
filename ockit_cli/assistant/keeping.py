"""What keeps a conversation in the store: its session, its turns, where it stands, what is pinned.

A disk that fails in mid-chat is an outage, not an end, where the caller wants it so: turns stay in memory and are
saved, oldest first, once the store takes them again, those of branches and chats that were left meanwhile too. Knows no
model and no prompt.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ockit.assistant.branch import Branch, Turn
from ockit.assistant.record import finish
from ockit.errors import NotFound, StoreError
from ockit.events import Notice
from ockit.messages import Sampling
from ockit.sessions.store import Store
from ockit.sessions.titles import title_of

PINNED = "pinned"
"""The key of a session's metadata under which the ids of pinned questions stand."""

SWITCHED = "moderation"
"""The key under which it stands when moderation was switched on or off: ``[{"on": false, "at": 1.0}, ...]``, times in
Unix seconds. A session without it was begun with moderation on, and it stayed so."""


@dataclass(frozen=True)
class _Owed:
    """A turn that could not be saved when the chat left it."""

    session_id: str
    turn: Turn
    parent: Turn | None


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
        self._owed: list[_Owed] = []
        self._heads: dict[str, Turn] = {}  # where the sessions stood that were left with turns unsaved
        self._texts: dict[str, str | None] = {}  # system texts that could not be saved, by session
        self._strayed = False  # whether turns of another branch of this session were saved last
        self._moderated = True  # whether texts are checked now
        self._row_moderated = True  # what the session's row says of that

    def left(self, branch: Branch) -> None:
        """The chat will stand elsewhere: what of a branch is not saved must be remembered here."""
        if not self.unsaved or self.session_id is None:
            return
        known, parent = {owed.turn for owed in self._owed}, None
        for turn in (*branch.turns, *([branch.waiting] if branch.waiting is not None else [])):
            if not turn.kept and turn not in known:
                self._owed.append(_Owed(self.session_id, turn, parent))
            parent = turn

    def leave(self, branch: Branch) -> None:
        """The next question begins another session; this one ends with a branch."""
        self.left(branch)
        if self.unsaved and self.session_id is not None and branch.last is not None:
            self._heads[self.session_id] = branch.last
        self._forget_session()

    def resume(self, session_id: str, at: str | None, leaving: Branch) -> tuple[Branch, str | None]:
        """The branch of a saved session that ends at a message (None: at its head), and its system text. Only reads.

        Args:
            leaving: where the chat has stood.

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
        pins, switches = session.metadata.get(PINNED), session.metadata.get(SWITCHED)
        self.leave(leaving)
        self._pins = frozenset(pins if isinstance(pins, list) else ())
        last = switches[-1] if isinstance(switches, list) and switches else None
        self._row_moderated = bool(last.get("on", True)) if isinstance(last, dict) else True
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
        self._begin(runs, system, title)
        try:
            self._save_owed()
            try:
                self._save([*branch.turns, question], runs, system, title)
            except (StoreError, NotFound):
                if not self._unsaved_ok or not self._removed(branch):
                    raise
                self._forget(branch, question)
                self._save([*branch.turns, question], runs, system, title)
                notices = [Notice("this chat was removed from the store; all of it is saved anew", "saved")]
            self._save_rest(branch, runs)
            if title is not None and not branch.turns:
                self._rename(title)
            self._stand_again(branch)
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
        self._save_owed()
        self._save(turns, runs, system, title)
        self._save_rest(branch, runs)
        assert self.session_id is not None
        self._stand_again(branch)
        if title:
            self.store.set_title(self.session_id, title)
        self.unsaved = False
        return self.store.get(self.session_id).title

    def settle(self, branch: Branch, *, runs: tuple[str, str], system: str | None) -> None:
        """Save what could not be saved so far, where there is anything.

        Raises:
            StoreError: not all of it was saved.
        """
        if self.store is None or not self.unsaved:
            return
        try:
            self._save_owed()
            if branch.last is not None:
                self.save(branch, runs=runs, system=system, title=None)
        except (StoreError, NotFound) as error:
            raise StoreError(
                f"what was said while the store failed is lost: {error.what}",
                where=error.where,
                hint=error.hint,
            ) from error
        self.unsaved = False

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

    def set_system(self, system: str | None) -> None:
        """Save the system text; as `stand_at` where that fails."""
        if self.store is not None and self.session_id is not None:
            try:
                self.store.set_system(self.session_id, system)
                self._texts.pop(self.session_id, None)
            except (StoreError, NotFound):
                if not self._unsaved_ok:
                    raise
                self._texts[self.session_id] = system

    def pin(self, branch: Branch) -> None:
        """Save which questions are pinned."""
        if self.store is not None and self.session_id is not None:
            try:
                self._save_pins(branch)
            except (StoreError, NotFound):
                if not self._unsaved_ok:
                    raise

    def moderated(self, question: Turn) -> StoreError | None:
        """Save what moderation made of a question that gets no answer; gives what went wrong."""
        found = question.moderation
        if self.store is None or question.id is None or found is None:
            return None
        try:
            self.store.moderated(question.id, found)
        except StoreError as error:
            return error
        except NotFound as gone:  # somebody removed the session since
            return StoreError(gone.what, hint=gone.hint)
        question.settled()
        return None

    def switched(self, on: bool) -> None:
        """Texts are checked from now on, or no longer; the session's row says so, at the latest with its next
        question. Raises StoreError."""
        self._moderated = on
        if self.store is not None and self.session_id is not None:
            try:
                self._save_switch()
            except (StoreError, NotFound):
                if not self._unsaved_ok:
                    raise

    def _save_switch(self) -> None:
        if self._moderated == self._row_moderated:
            return
        assert self.store is not None
        assert self.session_id is not None
        metadata = self.store.get(self.session_id).metadata
        before = metadata.get(SWITCHED)
        entry = {"on": self._moderated, "at": time.time()}
        entries = [*(before if isinstance(before, list) else []), entry]
        self.store.set_metadata(self.session_id, metadata | {SWITCHED: entries})
        self._row_moderated = self._moderated

    def _save(
        self, turns: Sequence[Turn], runs: tuple[str, str], system: str | None, title: str | None
    ) -> None:
        self._begin(runs, system, title)
        assert self.store is not None
        assert self.session_id is not None
        parent = None
        for turn in turns:
            if not turn.kept:
                self._save_one(turn, parent, self.session_id)
            elif turn.moderation is not None and turn.id is not None:
                self.store.moderated(turn.id, turn.moderation)
                turn.settled()
            parent = turn.id

    def _begin(self, runs: tuple[str, str], system: str | None, title: str | None) -> None:
        """The session has a name, if not a row yet."""
        assert self.store is not None
        if self.session_id is None:
            name = None if title is None else title_of(title)
            self.session_id = self.store.start(model=runs[0], template=runs[1], system=system, title=name)
            self._runs = runs

    def _save_one(self, turn: Turn, parent: str | None, session_id: str) -> None:
        assert self.store is not None
        if turn.role == "user":
            turn.id = self.store.add_user(
                session_id, turn.text, parent=parent, metadata=turn.metadata, verdicts=turn.owed
            )
            turn.kept = True
            turn.settled()
            return
        if turn.id is None:
            assert parent is not None
            turn.id = self.store.begin_answer(
                session_id,
                parent,
                model=turn.model or "",
                sampling=asdict(turn.sampling if turn.sampling is not None else Sampling()),
                sources=turn.sources,
            )
        finish(self.store, turn)

    def _save_owed(self) -> None:
        """Turns of branches and sessions that were left. What somebody else has removed meanwhile stays removed."""
        assert self.store is not None
        while self._owed:
            owed = self._owed[0]
            if not owed.turn.kept and (owed.parent is None or owed.parent.id is not None):
                try:
                    self._save_one(
                        owed.turn, None if owed.parent is None else owed.parent.id, owed.session_id
                    )
                except (StoreError, NotFound):
                    begun = owed.parent is not None or owed.turn.id is not None
                    if not begun or not self._is_removed(owed.session_id):
                        raise
            if owed.session_id == self.session_id:
                self._strayed = True
            del self._owed[0]
        for session_id, head in self._heads.items():
            if session_id != self.session_id and head.kept and not self._is_removed(session_id):
                self.store.set_head(session_id, head.id)
        self._heads.clear()
        while self._texts:
            session_id, text = next(iter(self._texts.items()))
            if not self._is_removed(session_id):
                self.store.set_system(session_id, text)
            del self._texts[session_id]

    def _stand_again(self, branch: Branch) -> None:
        """Whatever was saved last, the session stands at the end of the branch."""
        if self._strayed and branch.last is not None:
            assert self.store is not None
            assert self.session_id is not None
            self.store.set_head(self.session_id, branch.last.id)
        self._strayed = False

    def _save_rest(self, branch: Branch, runs: tuple[str, str]) -> None:
        """What the session's row says of it all."""
        assert self.store is not None
        assert self.session_id is not None
        if runs != self._runs:
            self.store.set_model(self.session_id, model=runs[0], template=runs[1])
            self._runs = runs
        self._save_pins(branch)
        self._save_switch()

    def _rename(self, title: str) -> None:
        """A session that is called after a question which moderation has refused is called after the next one."""
        assert self.store is not None
        assert self.session_id is not None
        name = self.store.get(self.session_id).title
        asked = [turn for turn in map(Turn.of, self.store.messages(self.session_id)) if turn.role == "user"]
        given = title_of(title)
        if given and name and any(turn.refused and title_of(turn.words) == name for turn in asked):
            self.store.set_title(self.session_id, given)

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
        if self.session_id is None or not any(turn.id for turn in branch.turns):
            return False
        return self._is_removed(self.session_id)

    def _is_removed(self, session_id: str) -> bool:
        assert self.store is not None
        try:
            self.store.get(session_id)
        except NotFound:
            return True
        except StoreError:
            return False
        return False

    def _forget_session(self) -> None:
        self.session_id = self._runs = None
        self._pins = frozenset()
        self._row_moderated = True

    def _forget(self, branch: Branch, question: Turn) -> None:
        self._forget_session()
        for turn in (*branch.turns, question):
            turn.id, turn.kept, turn.owed = None, False, turn.verdicts
