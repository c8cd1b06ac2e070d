"""Commands about saved chats: begin a new one, go on with an old one, find, name and write them out."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from ockit.errors import NotFound, OckitError, UsageError
from ockit.files import write_atomic
from ockit.repl.slash import Slash, path_of
from ockit.repl.talk import Talk
from ockit.sessions.export import FORMATS, exported

LISTED = 15


def new(talk: Talk, _: str) -> None:
    """Begin a new conversation; the old one stays saved."""
    talk.restart()
    talk.console.notice("a new conversation")


def sessions(talk: Talk, _: str) -> None:
    """List the saved chats, the one used last first."""
    talk.listed, talk.hits = talk.store.list(LISTED), ()
    if not talk.listed:
        talk.console.notice("no chat is saved yet")
        return
    if talk.face.steady:
        rows: list[tuple[object, ...]] = [
            (i, s.title, (s.n_messages + 1) // 2) for i, s in enumerate(talk.listed, 1)
        ]
        talk.console.table(("", "CHAT", "QUESTIONS"), rows)
    else:
        rows = [(i, s.title, when(s.updated_at), s.id) for i, s in enumerate(talk.listed, 1)]
        talk.console.table(("", "CHAT", "USED", "ID"), rows, optional=(3, 2))
    more = "; the older ones: ockit sessions list" if len(talk.listed) == LISTED else ""
    talk.console.notice(f"/resume NUMBER goes on with one{more}")


def resume(talk: Talk, rest: str) -> None:
    """Go on with a saved chat: its number in the last list, its id or a beginning of it, `last`."""
    if not rest:
        sessions(talk, "")
        return
    if rest.isdecimal() and talk.listed and len(rest) < 4:
        if not 1 <= int(rest) <= len(talk.listed):
            raise NotFound(f"the list has no chat {rest}", hint=f"/resume 1 to /resume {len(talk.listed)}")
        session = talk.store.get(talk.listed[int(rest) - 1].id)
    else:
        session = talk.store.get(rest)
    talk.resume(session)


def find(talk: Talk, rest: str) -> None:
    """Search every saved chat; open one of what was found by its number."""
    if not rest:
        raise UsageError("there is nothing to search for", hint="/find WORDS")
    if rest.isdecimal() and len(rest) < 4 and 1 <= int(rest) <= len(talk.hits):
        _open(talk, int(rest))
        return
    talk.hits = talk.store.search(rest, LISTED)
    if not talk.hits:
        talk.console.notice(f"no saved chat holds {rest!r}")
    elif len(talk.hits) == 1:
        _open(talk, 1)
    else:
        rows = [(i, hit.role, hit.title, " ".join(hit.snippet.split())) for i, hit in enumerate(talk.hits, 1)]
        talk.console.table(("", "WHO", "CHAT", "TEXT"), rows, optional=(1, 2))
        more = f" (the best {LISTED} are shown)" if len(talk.hits) == LISTED else ""
        talk.console.notice(f"/find NUMBER opens one where it was said{more}")


def _open(talk: Talk, number: int) -> None:
    hit = talk.hits[number - 1]
    session = talk.store.get(hit.session_id)
    talk.resume(session, hit.message_id)
    if session.head is not None:
        later = len(talk.store.path_to(session.head)) - len(talk.assistant.turns)
        if later > 0:
            name = "ID" if talk.face.steady else session.id
            talk.console.notice(f"the chat stands at what was found; /resume {name} goes to its end")


def when(seconds: float) -> str:
    """A moment in the person's own time: the time of today, the day of this year, the date."""
    try:
        then, now = datetime.fromtimestamp(seconds).astimezone(), datetime.now().astimezone()
    except (ValueError, OverflowError, OSError):
        return str(seconds)
    if then.date() == now.date():
        return f"today {then:%H:%M}"
    return f"{then:%d %b %H:%M}" if then.year == now.year else f"{then:%d %b %Y}"


def save(talk: Talk, rest: str) -> None:
    """Give the chat a name; a chat that was not being saved is saved from here on."""
    if not talk.assistant.conversation.turns:
        raise UsageError("there is nothing to save yet", hint="ask something first")
    talk.title = talk.assistant.keep(rest or None, store=talk.store)
    talk.console.notice(f"saved as {talk.title}")


def export(talk: Talk, rest: str) -> None:
    """Write the chat to a file: Markdown, or by its suffix .json or .jsonl."""
    if talk.assistant.session_id is None:
        raise UsageError("this chat is not saved, so there is nothing to export", hint="/save, then /export")
    session = talk.store.get(talk.assistant.session_id)
    if not rest and talk.face.steady:
        raise UsageError("a script has to name the file", hint="/export chat.md")
    path = path_of(rest) if rest else Path(f"chat-{session.id}.md")
    target = talk.cwd / path
    form = next((form for form in FORMATS if target.suffix == f".{form}"), None)
    if form is None:
        raise UsageError(
            f"the suffix of {path.name} is none of {', '.join(FORMATS)}", hint=f"/export {path.stem}.md"
        )
    if os.path.lexists(target):
        raise UsageError(
            "the file exists already and was left as it is", where=str(target), hint="/export ANOTHER.md"
        )
    if not os.path.isdir(target.parent):
        raise NotFound("there is no such directory", where=str(target.parent), hint="/export FILE.md")
    messages = talk.store.messages(session.id)
    if form == "md" and not session.head:
        raise UsageError(
            "there is nothing to export: the chat stands before its first question",
            hint="ask something first",
        )
    trail = talk.store.path_to(session.head) if session.head else ()
    write_atomic(target, exported(form, session, messages, trail))
    talk.console.notice(f"{len(trail if form == 'md' else messages)} messages written to {path}")


def session_ids(talk: Talk) -> Iterable[tuple[str, str]]:
    """Saved chats, the one used last first."""
    try:
        return [(session.id, session.title or "") for session in talk.store.list(50)]
    except OckitError:
        return []  # /sessions says what is wrong with the store


COMMANDS = (
    Slash("new", "", "begin a new conversation", new),
    Slash("sessions", "", "list the saved chats", sessions),
    Slash("resume", "[ID]", "go on with a saved chat", resume, candidates=session_ids),
    Slash("find", "TEXT", "search all saved chats; /find NUMBER opens one", find),
    Slash("save", "[NAME]", "give this chat a name; save one begun with --no-log", save),
    Slash("export", "[FILE]", "write this chat to a .md, .json or .jsonl file", export),
)
"""In the order of the help."""
