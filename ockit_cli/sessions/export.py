"""A chat as Markdown, JSON or JSON lines. Pure: records in, text out.

Markdown shows the conversation at which the session stands; the two JSON forms hold every branch and all that was
saved. Times are ISO 8601 in UTC.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Literal

from ockit.messages import Passage
from ockit.sessions.records import FIXED, Hit, Session, StoredMessage

SCHEMA_VERSION = 1

Format = Literal["md", "json", "jsonl"]
FORMATS: tuple[Format, ...] = ("md", "json", "jsonl")


def exported(
    form: Format, session: Session, messages: Sequence[StoredMessage], path: Sequence[StoredMessage]
) -> str:
    """A whole session as text that ends with a newline.

    Args:
        messages: all messages of the session.
        path: those from its first to its head.
    """
    if form == "md":
        return to_markdown(session, path, n_elsewhere=len(messages) - len(path))
    if form == "json":
        return json.dumps(session_json(session, messages), indent=2, allow_nan=False) + "\n"
    return "".join(json.dumps(line, allow_nan=False) + "\n" for line in json_lines(session, messages))


def session_json(session: Session, messages: Sequence[StoredMessage] | None = None) -> dict[str, Any]:
    """A session, with its messages where they are given, as one JSON-ready object."""
    found = {"schema_version": SCHEMA_VERSION, "session": _plain(asdict(session))}
    return found if messages is None else found | {"messages": [_plain(asdict(m)) for m in messages]}


def list_json(sessions: Sequence[Session]) -> dict[str, Any]:
    """Several sessions without their messages."""
    return {"schema_version": SCHEMA_VERSION, "sessions": [_plain(asdict(session)) for session in sessions]}


def hits_json(query: str, hits: Sequence[Hit]) -> dict[str, Any]:
    """What a search found."""
    return {"schema_version": SCHEMA_VERSION, "query": query, "hits": [_plain(asdict(hit)) for hit in hits]}


def json_lines(session: Session, messages: Sequence[StoredMessage]) -> list[dict[str, Any]]:
    """One object for the session (``"type": "session"``), then one for each message."""
    head = {"type": "session", "schema_version": SCHEMA_VERSION, **_plain(asdict(session))}
    return [head, *({"type": "message", **_plain(asdict(message))} for message in messages)]


def to_markdown(session: Session, path: Sequence[StoredMessage], *, n_elsewhere: int = 0) -> str:
    """The conversation for people to read."""
    lines = [f"# {session.title or 'Untitled chat'}", "", f"- session: `{session.id}`"]
    if session.model:
        lines.append(f"- model: {session.model}")
    lines.append(f"- begun: {moment(session.created_at)}")
    if n_elsewhere:
        lines.append(f"- messages on other branches, not shown: {n_elsewhere}")
    if session.system is not None:
        lines += ["", "## System", "", session.system]
    for message in path:
        lines += ["", f"## {speaker(message)}", "", message.text]
        if said := stopped(message):
            lines += ["", f"*{said}*"]
        if message.sources:
            lines += [
                "",
                "Sources:",
                "",
                *(f"- [{number}] {place(source)}" for number, source in enumerate(message.sources, 1)),
            ]
    return "\n".join(lines) + "\n"


def speaker(message: StoredMessage) -> str:
    """Who speaks, with which model, and whether all of it is there."""
    if message.role != "assistant":
        return "You" if message.role == "user" else "System"
    name = f"Assistant ({message.model})" if message.model else "Assistant"
    return name if message.state == "complete" else f"{name} [{message.state}]"


def stopped(message: StoredMessage) -> str | None:
    """What to say of a message that moderation has stopped, by its last verdict on the message itself, or has given."""
    if message.role == "assistant" and message.model == "":
        return FIXED
    said = [each.verdict for each in message.verdicts if each.role == message.role]
    if not said or said[-1].action != "refuse":
        return None
    if said[-1].faulty:
        return f"stopped by moderation, which could not judge it: {said[-1].reason}"
    what = "refused" if message.role == "user" else "cut"
    return f"{what} by moderation: {said[-1].reason}" if said[-1].reason else f"{what} by moderation"


def place(source: Passage) -> str:
    """Where a passage stands: path, lines or page, heading."""
    where = source.path
    if source.start_line is not None:
        where += f":{source.start_line}"
        if source.end_line is not None and source.end_line != source.start_line:
            where += f"-{source.end_line}"
    if source.page is not None:
        where += f", page {source.page}"
    return f"{where} › {source.heading}" if source.heading else where


def moment(seconds: float) -> str:
    """Unix seconds as ISO 8601 in UTC, to the second; the number itself where no calendar has it."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return str(seconds)


def _plain(value: Any, name: str = "") -> Any:
    """A value as JSON can hold it: times as text, and None for what is no finite number."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        if name in ("created_at", "updated_at"):
            return moment(value)
        return value if math.isfinite(value) else None
    return value
