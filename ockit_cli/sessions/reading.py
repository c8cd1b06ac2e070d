"""What the store gives back: sessions, their messages, a branch of them, what a search finds.

Knows no writing. A read of a file that does not exist finds nothing and makes none.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from ockit.errors import NotFound
from ockit.messages import Conversation, Message
from ockit.sessions import rows, search, tables
from ockit.sessions.database import Database
from ockit.sessions.ids import normal
from ockit.sessions.records import Hit, Session, StoredMessage


class Reading:
    """The reading half of `ockit.sessions.store.Store`."""

    _database: Database
    _begun: dict[str, dict[str, Any]]

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
