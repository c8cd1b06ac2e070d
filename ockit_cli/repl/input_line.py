"""The line that a person types into: its history and what is completed in it. Knows no keys and no screen."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import ThreadedCompleter
from prompt_toolkit.filters import Condition

from ockit.console import Console
from ockit.crashes import internal
from ockit.environment import Environment
from ockit.repl.completion import ChatCompleter
from ockit.repl.history import ChatHistory
from ockit.repl.pastes import Pastes
from ockit.repl.slash_table import TABLE
from ockit.settings import Settings


def input_line(
    environment: Environment,
    settings: Settings,
    console: Console,
    pastes: Pastes,
    arguments: Callable[[str, str], Iterable[tuple[str, str]]],
) -> Buffer:
    """An empty input line.

    Args:
        console: is told what is wrong with the history's file, and errors inside the completion.
        pastes: the history keeps them whole.
        arguments: what may stand behind a command: (command, what is typed of it) to (completion, what it is).
    """
    history = ChatHistory(
        environment.directories, console.warning, memory_only=not settings.log, expand=pastes.expand
    )
    commands = [(command.name, command.summary) for command in TABLE]

    def failed(error: Exception) -> None:
        console.error(internal(error, environment.directories))

    completer = ChatCompleter(commands, arguments, environment.cwd, failed)
    buffer = Buffer(
        multiline=True,
        history=history,
        completer=ThreadedCompleter(completer),
        complete_while_typing=Condition(lambda: _completes(buffer.document.current_line_before_cursor)),
    )
    return buffer


def _completes(before: str) -> bool:
    """Whether completions come by themselves: for commands and files, never for plain words."""
    command = before.startswith("/") and not before.startswith("//")
    return command or before.rpartition(" ")[2].startswith("@")
