"""The store of chats: what the assistant saves while it works and what `ockit sessions` reads.

Every write is one short transaction that is on the disk when the call returns. It knows sessions and messages;
how a file is opened, locked and mended is the business of `ockit.sessions.database` and `.salvage`.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from ockit.environment import Directories
from ockit.errors import NotFound, UsageError
from ockit.events import FinishReason, Notice
from ockit.messages import Conversation, Message, Passage, Timings, Usage, Verdict
from ockit.sessions import rows, salvage, search, tables
from ockit.sessions.database import Database
from ockit.sessions.ids import new_id, normal
from ockit.sessions.records import Hit, Session, StoredMessage
from ockit.sessions.titles import title_of
from ockit.sessions.writer import this_process

FILE_NAME = "ockit.db"


class Store:
    """The chats in one file. Nothing is opened before the first call, nothing made before the first write.

    Attributes:
        notices: what the person should know (a damaged file was mended); the caller shows and clears it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notices: list[Notice] = []
        self._database = Database(path, self._mend)
        self._begun: dict[str, dict[str, Any]] = {}

    @classmethod
    def of(cls, directories: Directories) -> Self:
        """The store of this user."""
        return cls(directories.data / FILE_NAME)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; a later call opens it again."""
        self._database.close()

    def _mend(self, path: Path) -> None:
        notice = salvage.mend(path)
        if notice is not None:
            self.notices.append(notice)

    # writing

    def start(
        self,
        *,
        model: str | None,
        template: str | None = None,
        system: str | None = None,
        title: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> str:
        """Begin a session and give its id. It is saved together with its first message: a chat that was opened
        and left leaves nothing behind. Only this Store knows the id until then."""
        session_id, now = new_id(), time.time()
        self._begun[session_id] = {
            "id": session_id,
            "title": title,
            "model": model,
            "template": template,
            "system": system,
            "created_at": now,
            "updated_at": now,
            "metadata": dict(metadata or {}),
        }
        return session_id

    def add_user(
        self,
        session_id: str,
        text: str,
        *,
        parent: str | None,
        metadata: Mapping[str, Any] | None = None,
    ) -> str:
        """Save a question after `parent` (None: as the first of the session); it becomes the head.

        Returns:
            The message's id. When it returns, the question survives a crash of the machine.

        Raises:
            NotFound: no such session or parent.
            StoreError: nothing was saved.
        """
        return self._add(
            session_id, parent, role="user", text=text, state="complete", metadata=dict(metadata or {})
        )

    def begin_answer(
        self,
        session_id: str,
        parent: str,
        *,
        model: str,
        sampling: Mapping[str, Any],
        metadata: Mapping[str, Any] | None = None,
    ) -> str:
        """Save an empty answer in state ``partial``, written by this process; it becomes the head.

        Args:
            sampling: the parameters, as `dataclasses.asdict` gives them; its ``seed`` has a column of its own.
        """
        return self._add(
            session_id,
            parent,
            role="assistant",
            text="",
            state="partial",
            writer=this_process(),
            model=model,
            sampling=dict(sampling),
            seed=sampling.get("seed"),
            metadata=dict(metadata or {}),
        )

    def save_so_far(self, message_id: str, *, text: str, token_ids: Sequence[int] | None) -> None:
        """Save an answer while it streams: `text` and `token_ids` are all of it so far, not what is new.
        The caller limits how often (about four times a second)."""
        self._change(message_id, text=text, token_ids=rows.ids_in(token_ids))

    def finish(
        self,
        message_id: str,
        *,
        text: str,
        token_ids: Sequence[int] | None,
        state: Literal["complete", "interrupted", "failed"],
        finish_reason: FinishReason | None,
        usage: Usage | None = None,
        timings: Timings | None = None,
        error: str | None = None,
    ) -> None:
        """Save the whole answer, how it ended and what it cost.

        Args:
            token_ids: None (or none) where the ids do not spell exactly the text; a later prompt then reads that.
            error: what failed.
        """
        self._change(
            message_id,
            text=text,
            token_ids=rows.ids_in(token_ids),
            state=state,
            finish_reason=finish_reason,
            writer=None,
            error=error,
            **(asdict(usage) if usage else {}),
            **(asdict(timings) if timings else {}),
        )

    def add_sources(self, message_id: str, passages: Iterable[Passage]) -> None:
        """Save the passages an answer was given, best first."""
        found = [{"message_id": message_id, **asdict(passage)} for passage in passages]

        def work(connection: sqlite3.Connection) -> None:
            tables.require(connection, "messages", message_id)
            for values in found:
                tables.insert(connection, "sources", values)

        self._database.write(work)

    def add_verdict(self, message_id: str, role: Literal["user", "assistant"], verdict: Verdict) -> None:
        """Save what moderation says of a message; `role` is that of the text it judged."""
        values = asdict(verdict) | {"message_id": message_id, "role": role}
        for name in ("p_level", "categories", "hits"):
            values[name] = rows.json_in(values[name])

        def work(connection: sqlite3.Connection) -> None:
            tables.require(connection, "messages", message_id)
            tables.insert(connection, "verdicts", values)

        self._database.write(work)

    def rate(self, message_id: str, rating: int) -> None:
        """Save what the person thinks of an answer: 1 good, -1 bad, 0 takes the rating back.

        Raises:
            UsageError: another number.
        """
        if rating not in (-1, 0, 1):
            raise UsageError(f"a rating is {rating}, but must be 1 (good), -1 (bad) or 0 (none)")
        self._change(message_id, rating=rating or None)

    def set_head(self, session_id: str, message_id: str | None) -> None:
        """Let a session stand at one of its messages, or before its first (None).

        Raises:
            NotFound: the session has no such message.
        """

        def work(connection: sqlite3.Connection) -> None:
            tables.require(connection, "sessions", session_id)
            if message_id is not None:
                tables.require(connection, "messages", message_id, session_id)
            tables.update(connection, "sessions", session_id, {"head": message_id, "updated_at": time.time()})

        self._database.write(work)

    def set_system(self, session_id: str, system: str | None) -> None:
        """Change the system text of a session from here on."""
        if session_id in self._begun:
            self._begun[session_id]["system"] = system
            return

        def work(connection: sqlite3.Connection) -> None:
            tables.require(connection, "sessions", session_id)
            tables.update(connection, "sessions", session_id, {"system": system, "updated_at": time.time()})

        self._database.write(work)

    def remove(self, session_id: str) -> None:
        """Delete a session and all that hangs on it, from the file too (its pages are overwritten).

        Raises:
            NotFound: no session has exactly this id.
        """

        def work(connection: sqlite3.Connection) -> None:
            tables.require(connection, "sessions", session_id)
            connection.execute("DELETE FROM sessions WHERE id = ?", (session_id,))
            # until its parts are merged, the index keeps the words of what was deleted
            connection.execute("INSERT INTO messages_text(messages_text) VALUES ('optimize')")

        self._database.write(work)

    def _add(self, session_id: str, parent: str | None, **values: Any) -> str:
        begun = self._begun.get(session_id)
        message_id = new_id()

        def work(connection: sqlite3.Connection) -> None:
            now = time.time()
            if begun is not None:
                tables.insert(connection, "sessions", begun | {"updated_at": now})
            else:
                tables.require(connection, "sessions", session_id)
            if parent is not None:
                tables.require(connection, "messages", parent, session_id)
            links = {"id": message_id, "session_id": session_id, "parent_id": parent}
            tables.insert(connection, "messages", links | {"created_at": now, "updated_at": now} | values)
            changes: dict[str, Any] = {"head": message_id, "updated_at": now}
            if values["role"] == "user" and tables.is_untitled(connection, session_id):
                changes["title"] = title_of(values["text"])
            tables.update(connection, "sessions", session_id, changes)

        self._database.write(work)
        self._begun.pop(session_id, None)
        return message_id

    def _change(self, message_id: str, **values: Any) -> None:
        def work(connection: sqlite3.Connection) -> None:
            now = time.time()
            tables.update(connection, "messages", message_id, values | {"updated_at": now})
            connection.execute(
                "UPDATE sessions SET updated_at = ? WHERE id = (SELECT session_id FROM messages WHERE id = ?)",
                (now, message_id),
            )

        self._database.write(work)

    # reading

    def list(self, limit: int | None = 20) -> tuple[Session, ...]:
        """The sessions, the one used last first; `limit` None for all."""

        def work(connection: sqlite3.Connection) -> tuple[Session, ...]:
            query = f"{tables.SESSIONS} ORDER BY s.updated_at DESC, s.key DESC LIMIT ?"
            found = connection.execute(query, (-1 if limit is None else limit,))
            return tuple(rows.session_out(row) for row in found.fetchall())

        return self._database.read(work, empty=())

    def get(self, name: str) -> Session:
        """A session by its id, a beginning of it that no other has, or ``last``.

        Raises:
            NotFound: none or several; the hint names the nearest ids.
        """
        if name.strip().lower() == "last":
            last = self.list(1)
            return last[0] if last else tables.no_session(name, [])
        wanted = normal(rows.text_in(name))

        def work(connection: sqlite3.Connection) -> tuple[tuple[Session, ...], tuple[str, ...]]:
            query = f"{tables.SESSIONS} WHERE substr(s.id, 1, ?) = ? ORDER BY s.key DESC LIMIT 4"
            found = connection.execute(query, (len(wanted), wanted)).fetchall() if wanted else []
            recent = connection.execute("SELECT id FROM sessions ORDER BY key DESC LIMIT 1000")
            return (
                tuple(rows.session_out(row) for row in found),
                tuple(row["id"] for row in recent.fetchall()),
            )

        nothing: tuple[tuple[Session, ...], tuple[str, ...]] = (), ()
        found, recent = self._database.read(work, empty=nothing)
        if not found:
            tables.no_session(name, recent)
        if len(found) > 1:
            ids = ", ".join(session.id for session in found[:3])
            raise NotFound(
                f"{name!r} is the beginning of several session ids: {ids}{' ...' if len(found) > 3 else ''}",
                hint="type more of the id",
            )
        return found[0]

    def messages(self, session_id: str) -> tuple[StoredMessage, ...]:
        """Every message of a session, all branches, in the order they were begun."""

        def work(connection: sqlite3.Connection) -> tuple[StoredMessage, ...]:
            return tables.messages(connection, "", "m.session_id = ?", session_id)

        return self._database.read(work, empty=())

    def path_to(self, message_id: str) -> tuple[StoredMessage, ...]:
        """The messages from the first of the session to this one.

        Raises:
            NotFound: no such message.
        """

        def work(connection: sqlite3.Connection) -> tuple[StoredMessage, ...]:
            return tables.messages(connection, tables.PATH, "m.id IN path", message_id)

        return self._database.read(work, empty=()) or tables.no_message(message_id)

    def children(self, message_id: str) -> tuple[StoredMessage, ...]:
        """The messages that follow one, in the order they were begun: the branches that leave it."""

        def work(connection: sqlite3.Connection) -> tuple[StoredMessage, ...]:
            return tables.messages(connection, "", "m.parent_id = ?", message_id)

        return self._database.read(work, empty=())

    def conversation(
        self, session_id: str, head: str | None = None, *, model: str | None = None
    ) -> Conversation:
        """The turns up to `head` (None: up to the session's own head), under the session's system text.

        Answers without any text (failed or stopped before the first word) are left out. Where `model` is given,
        token ids are kept only for answers of that model: they mean nothing to another.

        Raises:
            NotFound: no such session or message.
        """
        begun = self._begun.get(session_id)
        system, own_head = (begun["system"], None) if begun is not None else self._stand(session_id)
        at = own_head if head is None else head
        path = () if at is None else self.path_to(at)
        turns = (
            message.message
            if model is None or message.model == model
            else Message(message.role, message.text)
            for message in path
            if message.role != "assistant" or message.text
        )
        return Conversation(tuple(turns)).with_system(system)

    def search(self, text: str, limit: int = 20) -> tuple[Hit, ...]:
        """Messages that hold all words of `text` (the last one as a prefix), best first."""

        def work(connection: sqlite3.Connection) -> tuple[Hit, ...]:
            found = search.find(connection, rows.text_in(text), limit)
            return tuple(rows.hit_out(row, snippet) for row, snippet in found)

        return self._database.read(work, empty=())

    def _stand(self, session_id: str) -> tuple[str | None, str | None]:
        """System text and head of a session."""

        def work(connection: sqlite3.Connection) -> Session | None:
            row = connection.execute(f"{tables.SESSIONS} WHERE s.id = ?", (session_id,)).fetchone()
            return None if row is None else rows.session_out(row)

        found = self._database.read(work, empty=None)
        if found is None:
            tables.no_session(session_id, [])
        return found.system, found.head
