"""The table of all commands inside a chat, and what becomes of a text that is entered.

`/help`, the completion and the table in docs/chat.md are made from `TABLE`.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from ockit.errors import UsageError
from ockit.repl import slash_answers, slash_files, slash_models, slash_sessions
from ockit.repl.fence import FENCE
from ockit.repl.slash import Slash
from ockit.repl.talk import Leave, Talk

KEYS = (
    (FENCE, "begins and ends a text of several lines"),
    ("//text", "sends a text that begins with a slash"),
    ("@path", "puts a file in front of the question"),
    ("Ctrl-C", "stops an answer, or clears the line"),
    ("Ctrl-D", "leaves"),
)
"""What is typed besides commands: (how, what it does)."""


def help_(talk: Talk, _: str) -> None:
    """List the commands."""
    wide = max(len(command.spelling) for command in TABLE) + 2
    for command in TABLE:
        talk.console.line(f"{command.spelling:{wide}}{command.summary}")
    for how, what in KEYS:
        talk.console.line(f"{how:{wide}}{what}")


def clear(talk: Talk, _: str) -> None:
    """Empty the screen; the conversation stays."""
    talk.face.clear()


def leave(_: Talk, __: str) -> None:
    """Leave the chat."""
    raise Leave


TABLE: tuple[Slash, ...] = (
    Slash("help", "", "show this list", help_, aliases=("?",)),
    *slash_models.COMMANDS,
    *slash_files.COMMANDS,
    *slash_sessions.COMMANDS,
    *slash_answers.COMMANDS,
    Slash("clear", "", "empty the screen; the conversation stays", clear),
    Slash("exit", "", "leave", leave, aliases=("quit", "bye")),
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
    if text.startswith("/") and not text.startswith("//"):
        name, _, rest = text[1:].partition(" ")
        if "\n" in name:  # a text of several lines whose first word is a command
            name, _, rest = text[1:].partition("\n")
        command(name).run(talk, talk.expand(rest.strip()))
    else:
        talk.ask(text[1:] if text.startswith("//") else text)


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
