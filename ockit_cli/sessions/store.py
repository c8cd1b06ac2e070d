"""The store of chats: what the assistant saves while it works and what `ockit sessions` reads.

Every write is one short transaction that is on the disk when the call returns. This module writes, and
`ockit.sessions.reading` reads; how a file is opened, locked and mended is the business of `ockit.sessions.database`
and `.salvage`.
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
from ockit.errors import UsageError
from ockit.events import FinishReason, Moderated, Notice
from ockit.messages import Judged, Passage, Timings, Usage, Verdict
from ockit.sessions import rows, salvage, tables
from ockit.sessions.database import Database
from ockit.sessions.ids import new_id
from ockit.sessions.reading import Reading
from ockit.sessions.records import Moderation
from ockit.sessions.titles import title_of
from ockit.sessions.writer import this_process

FILE_NAME = "ockit.db"


class Store(Reading):
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
        verdicts: Iterable[Moderated] = (),
    ) -> str:
        """Save a question after `parent` (None: as the first of the session); it becomes the head.

        Args:
            verdicts: what moderation says of it, where that is known already.

        Returns:
            The message's id. When it returns, the question survives a crash of the machine.

        Raises:
            NotFound: no such session or parent.
            StoreError: nothing was saved.
        """
        return self._add(
            session_id,
            parent,
            own=verdicts,
            role="user",
            text=text,
            state="complete",
            metadata=dict(metadata or {}),
        )

    def begin_answer(
        self,
        session_id: str,
        parent: str,
        *,
        model: str,
        sampling: Mapping[str, Any],
        metadata: Mapping[str, Any] | None = None,
        sources: Iterable[Passage] = (),
        asked: Moderation | None = None,
    ) -> str:
        """Save an empty answer in state ``partial``, written by this process; it becomes the head.

        Args:
            sampling: the parameters, as `dataclasses.asdict` gives them; its ``seed`` has a column of its own.
            sources: the passages it is given, best first.
            asked: what moderation made of the question: saved with it in the same step.
        """
        return self._add(
            session_id,
            parent,
            sources,
            asked,
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
        verdicts: Iterable[Moderated] = (),
    ) -> None:
        """Save the whole answer, how it ended and what it cost.

        Args:
            verdicts: what moderation says of it, besides what is saved already.
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
            verdicts=verdicts,
            **(asdict(usage) if usage else {}),
            **(asdict(timings) if timings else {}),
        )

    def reopen(self, message_id: str) -> None:
        """An answer that had ended goes on: it is ``partial`` again, written by this process, with the text and ids
        that it has. Whoever reads it before its new end takes its text: nobody can say yet what its ids spell.

        Raises:
            StoreError: it is no longer there.
        """
        self._change(message_id, state="partial", writer=this_process(), finish_reason=None, error=None)

    def add_sources(self, message_id: str, passages: Iterable[Passage]) -> None:
        """Save the passages an answer was given, best first."""
        found = [rows.source_in(message_id, passage) for passage in passages]

        def work(connection: sqlite3.Connection) -> None:
            tables.require(connection, "messages", message_id)
            for values in found:
                tables.insert(connection, "sources", values)

        self._database.write(work)

    def add_verdict(self, message_id: str, role: Judged, verdict: Verdict) -> None:
        """Save what moderation says of a message; `role` is that of the text it judged: a passage that was found for a
        question is ``retrieved``, and its verdict hangs on the question."""
        self.moderated(message_id, Moderation((Moderated(verdict, role),)))

    def moderated(self, message_id: str, found: Moderation) -> None:
        """Save what moderation made of a message. Raises NotFound."""

        def work(connection: sqlite3.Connection) -> None:
            tables.require(connection, "messages", message_id)
            tables.add_moderation(connection, message_id, found)

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
        self._set(session_id, message_id, head=message_id)

    def set_system(self, session_id: str, system: str | None) -> None:
        """Change the system text of a session from here on."""
        self._set(session_id, system=system)

    def set_title(self, session_id: str, title: str) -> None:
        """Give a session a name."""
        self._set(session_id, title=title)

    def set_model(self, session_id: str, *, model: str, template: str) -> None:
        """Say which model, in which chat format, a session goes on with."""
        self._set(session_id, model=model, template=template)

    def set_metadata(self, session_id: str, metadata: Mapping[str, Any]) -> None:
        """Replace what else is known of a session."""
        self._set(session_id, metadata=dict(metadata))

    def _set(self, session_id: str, message_id: str | None = None, **values: Any) -> None:
        """Change columns of a session that has the message, where one is given. Raises NotFound."""
        if session_id in self._begun and message_id is None:
            self._begun[session_id] |= values
            return

        def work(connection: sqlite3.Connection) -> None:
            tables.require(connection, "sessions", session_id)
            if message_id is not None:
                tables.require(connection, "messages", message_id, session_id)
            tables.update(connection, "sessions", session_id, values | {"updated_at": time.time()})

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

    def _add(
        self,
        session_id: str,
        parent: str | None,
        sources: Iterable[Passage] = (),
        asked: Moderation | None = None,
        own: Iterable[Moderated] = (),
        **values: Any,
    ) -> str:
        begun = self._begun.get(session_id)
        message_id = new_id()
        found = [rows.source_in(message_id, passage) for passage in sources]
        own = tuple(own)

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
            for source in found:
                tables.insert(connection, "sources", source)
            if parent is not None and asked is not None:
                tables.add_moderation(connection, parent, asked)
            tables.add_moderation(connection, message_id, Moderation(own))
            changes: dict[str, Any] = {"head": message_id, "updated_at": now}
            if values["role"] == "user" and tables.is_untitled(connection, session_id):
                changes["title"] = title_of(values["text"])
            tables.update(connection, "sessions", session_id, changes)

        self._database.write(work)
        self._begun.pop(session_id, None)
        return message_id

    def _change(self, message_id: str, verdicts: Iterable[Moderated] = (), **values: Any) -> None:
        own = tuple(verdicts)

        def work(connection: sqlite3.Connection) -> None:
            now = time.time()
            tables.update(connection, "messages", message_id, values | {"updated_at": now})
            tables.add_moderation(connection, message_id, Moderation(own))
            connection.execute(
                "UPDATE sessions SET updated_at = ? WHERE id = (SELECT session_id FROM messages WHERE id = ?)",
                (now, message_id),
            )

        self._database.write(work)
