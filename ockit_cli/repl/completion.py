"""What Tab offers: commands, their arguments, and paths behind ``@``.

Knows where in the input a command, an argument or a path stands; the table of commands gives the arguments, `listing`
the paths. Is to be run in prompt_toolkit's ThreadedCompleter: reading a directory takes time.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import islice
from pathlib import Path

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from ockit.errors import OckitError
from ockit.repl.listing import MOST, Listing
from ockit.repl.mentions import quoted, unquoted
from ockit.text import one_line

FENCE = '"""'
_COMMAND = re.compile(r"/(?!/)(?P<name>\S*)(?:(?P<space>\s+)(?P<argument>.*))?", re.DOTALL)
_MENTION = re.compile(r"""(?<!\S)@(?P<path>"(?:[^"\\\n]|\\.)*|[^\s"]\S*|)\Z""")
_LONGEST = 4_096  # characters; no system takes a longer path


class ChatCompleter(Completer):
    """Completes the input of a chat.

    Args:
        commands: name (with or without its slash) and summary of each command.
        arguments: from the command's name without slash and what is typed of its argument to (completion, remark)
            pairs, in the order they are offered; a completion takes the place of the whole argument. An OckitError it
            raises means that nothing is offered: the command itself will tell what is wrong.
        cwd: where relative paths begin.
        path_commands: commands whose argument is a path.
        listing: the entries of a directory that begin with a prefix.
    """

    def __init__(
        self,
        commands: Sequence[tuple[str, str]],
        arguments: Callable[[str, str], Iterable[tuple[str, str]]],
        cwd: Path,
        path_commands: Collection[str] = ("file", "export"),
        listing: Callable[[str, str], list[str]] | None = None,
    ) -> None:
        self._commands = [(f"/{name.removeprefix('/')}", summary) for name, summary in commands]
        self._arguments = arguments
        self._cwd = cwd
        self._path_commands = frozenset(path_commands)
        self._listing = listing or Listing()

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """The completions of what stands before the cursor."""
        before = document.text_before_cursor
        command = _COMMAND.fullmatch(before) if FENCE not in before else None
        if command is None:
            mention = _MENTION.search(document.current_line_before_cursor[-_LONGEST:])
            if mention is not None:
                yield from self._paths(mention["path"])
        elif "\n" in before:
            return  # an argument of several lines is prose
        elif command["space"] is None:
            yield from self._names(before)
        elif command["name"] in self._path_commands:
            yield from self._paths(command["argument"])
        else:
            yield from self._of_argument(command["name"], command["argument"])

    def _names(self, typed: str) -> Iterable[Completion]:
        for name, summary in self._commands:
            if name.startswith(typed.lower()):
                yield Completion(name, -len(typed), display_meta=one_line(summary))

    def _of_argument(self, name: str, typed: str) -> Iterable[Completion]:
        if f"/{name}" not in dict(self._commands):
            return
        try:
            found = list(islice(self._arguments(name, typed), MOST))
        except OckitError:  # as said above
            return
        for completion, remark in found:
            if one_line(completion) == completion:  # what cannot be shown cannot be typed either
                yield Completion(completion, -len(typed), display_meta=one_line(remark))

    def _paths(self, written: str) -> Iterable[Completion]:
        """Completions of a path of which `written` is typed, perhaps with its opening quote."""
        in_quotes = written.startswith('"')
        typed = unquoted(f'{written}"') if in_quotes else written
        folder, slash, start = typed.rpartition("/")
        if typed == "~":
            yield Completion("~/", -len(written), display="~/")
            return
        directory = os.path.join(self._cwd, os.path.expanduser(f"{folder}{slash}"))
        for name in self._listing(directory, start):
            path = f"{folder}{slash}{name}"
            text = quoted(path, always=in_quotes)
            if text.endswith('/"'):
                text = text[:-1]  # what lies in the directory is typed next
            yield Completion(text, -len(written), display=name)
