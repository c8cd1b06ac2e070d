"""The table of all commands inside a chat, and what becomes of a text that is entered.

`/help`, the completion and the table in docs/chat.md are made from `TABLE`.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from ockit.errors import OckitError, UsageError
from ockit.repl import (
    slash_answers,
    slash_documents,
    slash_files,
    slash_models,
    slash_moderation,
    slash_sessions,
)
from ockit.repl.fence import FENCE
from ockit.repl.slash import Slash
from ockit.repl.talk import Leave, Talk

KEYS = (
    (FENCE, "begins and ends a text of several lines; so do Alt-Enter and Ctrl-J"),
    ("//text", "sends a text that begins with a slash"),
    ("@path", "puts a file in front of the question"),
    ("Ctrl-C", "stops an answer, or clears the line"),
    ("Ctrl-D", "leaves"),
    ("Tab", "completes commands, models, files, chats; Escape closes the menu"),
    ("Ctrl-R", "searches what was entered before; the up-arrow brings it back"),
    ("Ctrl-X Ctrl-E", "opens the editor on the line"),
    ("Ctrl-L", "empties the screen; Ctrl-Z suspends the chat"),
)
"""What is typed besides commands: (how, what it does)."""

_HINTS = {
    "ockit sessions list": "/sessions",
    "ockit models list": "/models",
    "ockit indexes list": "/index",
    "; `ockit ask --truncate` cuts attached and piped text": "",
    "--ctx-size N": "/set ctx_size N",
    "--ctx-size": "/set ctx_size",
    "--condition takes": "/condition takes",
    "ockit ask --help lists the parameters": "/params",
}
"""What a hint says to a shell, and what to type for it inside a chat."""


def help_(talk: Talk, rest: str) -> None:
    """List the commands, or say what one of them does."""
    if rest:
        found = command(rest.lstrip("/"))
        talk.console.line(found.spelling)
        talk.console.line(" ".join((found.run.__doc__ or "").split()), hang=0)
        for alias in found.aliases:
            talk.console.line(f"/{alias} does the same")
        return
    wide = max(len(entry.spelling) for entry in TABLE) + 2
    for entry in TABLE:
        talk.console.line(f"{entry.spelling:{wide}}{entry.summary}", hang=wide)
    for how, what in KEYS:
        talk.console.line(f"{how:{wide}}{what}", hang=wide)


def clear(talk: Talk, _: str) -> None:
    """Empty the screen; the conversation stays."""
    talk.face.clear()


def leave(_: Talk, __: str) -> None:
    """Leave the chat."""
    raise Leave


_EXIT = Slash("exit", "", "leave", leave, aliases=("quit", "bye"))

TABLE: tuple[Slash, ...] = (
    Slash("help", "[NAME]", "show this list, or more of one command", help_, aliases=("?",)),
    *slash_models.COMMANDS,
    *slash_files.COMMANDS,
    *slash_documents.COMMANDS,
    *slash_sessions.COMMANDS,
    *slash_answers.COMMANDS,
    *slash_moderation.COMMANDS,
    Slash("clear", "", "empty the screen; the conversation stays", clear),
    _EXIT,
)
"""Every command, in the order of the help."""

BY_NAME = {name: command for command in TABLE for name in (command.name, *command.aliases)}


def enter(talk: Talk, text: str) -> None:
    """One input of the person: a command, or a question. What begins with a slash and is no command is never sent.

    Raises:
        Leave: the person wants to leave.
        UsageError: there is no such command.
        OckitError: whatever the command or the turn raises.
    """
    try:
        if not _is_command(text):
            talk.ask(text[1:] if text.startswith("//") else text)
            return
        name, rest = _parts(text)
        found = command(name)
        if rest and not found.usage:
            raise UsageError(f"/{name} takes nothing behind it, and was not done", hint=f"/{name}")
        found.run(talk, talk.expand(rest))
    except OckitError as error:
        for shell, chat in _HINTS.items():
            error.hint = error.hint.replace(shell, chat) if error.hint else None
        raise


def asks(text: str) -> bool:
    """Whether entering a text asks the model, so that there is an answer to be stopped."""
    if not _is_command(text):
        return True
    found = BY_NAME.get(_parts(text)[0])
    return found is not None and found.turn


def leaves(text: str) -> bool:
    """Whether entering a text leaves the chat."""
    return text.startswith("/") and BY_NAME.get(text[1:]) is _EXIT


def _is_command(text: str) -> bool:
    return text.startswith("/") and not text.startswith("//")


def _parts(text: str) -> tuple[str, str]:
    """The name of a command and what stands behind it."""
    name, *rest = text[1:].split(maxsplit=1) if text[1:2].strip() else [""]
    return name, rest[0].strip() if rest else ""


def command(name: str) -> Slash:
    """The command of a name or an alias. Raises UsageError with the nearest one."""
    found = BY_NAME.get(name)
    if found is None:
        near = get_close_matches(name, BY_NAME, 1)
        ways = "/help lists them; //text sends a line that begins with a slash"
        raise UsageError(f"there is no command /{name}", hint=f"/{near[0]}; {ways}" if near else ways)
    return found


def arguments(talk: Talk, name: str, typed: str) -> Iterable[tuple[str, str]]:
    """What may stand behind a command, for the completion."""
    found = BY_NAME.get(name)
    if found is None or found.candidates is None:
        return
    for text, what in found.candidates(talk):
        if text.lower().startswith(typed.lower()):
            yield text, what
