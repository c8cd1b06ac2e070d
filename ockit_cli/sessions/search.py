"""Finding text in all chats: what a person types becomes a query that cannot fail.

Every word is quoted, so no operator of FTS5 (``AND``, ``NEAR``, ``*``, ``column:``) is ever read as one; the last
word matches as a prefix. Where the full-text index finds nothing, the text is looked for as it stands: emoji and
signs are no words to the index, and in a script without spaces it only knows whole runs.
"""

from __future__ import annotations

import sqlite3

MAX_WORDS = 32
"""Later words of a query are not looked for: FTS5 limits the depth of an expression."""

_AROUND = 40
_COLUMNS = "m.id, m.session_id, m.role, m.text, m.created_at, s.title"


def expression(text: str) -> str:
    """The FTS5 expression for all words of `text`, empty where there is none."""
    words = text.replace("\0", " ").split()[:MAX_WORDS]
    quoted = ['"{}"'.format(word.replace('"', '""')) for word in words]
    return " ".join(quoted) + "*" if quoted else ""


def find(connection: sqlite3.Connection, text: str, limit: int) -> list[tuple[sqlite3.Row, str]]:
    """Messages that match, best first, each with a snippet. `text` is storable (`rows.text_in`)."""
    words = expression(text)
    if not words:
        return []
    found = connection.execute(
        f"SELECT {_COLUMNS}, snippet(messages_text, 0, '[', ']', '…', 16) AS snippet"  # noqa: S608
        " FROM messages_text JOIN messages m ON m.key = messages_text.rowid JOIN sessions s ON s.id = m.session_id"
        " WHERE messages_text MATCH ? ORDER BY rank, m.key DESC LIMIT ?",
        (words, limit),
    ).fetchall()
    if found:
        return [(row, row["snippet"]) for row in found]
    needle = " ".join(text.replace("\0", " ").split())
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM messages m JOIN sessions s ON s.id = m.session_id"  # noqa: S608
        " WHERE instr(lower(m.text), lower(?)) ORDER BY m.key DESC LIMIT ?",
        (needle, limit),
    ).fetchall()
    return [(row, _around(row["text"], needle)) for row in found]


def _around(text: str, needle: str) -> str:
    start = max(0, text.lower().find(needle.lower()))
    end = start + len(needle)
    before, after = text[max(0, start - _AROUND) : start], text[end : end + _AROUND]
    return "".join(
        (
            "…" if start > _AROUND else "",
            f"{before}[{text[start:end]}]{after}",
            "…" if len(text) > end + _AROUND else "",
        )
    )
