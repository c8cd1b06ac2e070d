"""What Tab offers: commands, their arguments, and paths behind ``@``.

Knows where in the input a command, an argument or a path stands; the table of commands gives the arguments, `listing`
the paths. Is to be run in prompt_toolkit's ThreadedCompleter: reading a directory takes time.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
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
            pairs, in the order they are offered; a completion takes the place of the whole argument. An OckitError or
            OSError it raises means that nothing is offered: the command itself will tell what is wrong.
        cwd: where relative paths begin.
        failed: is told any other exception, the first of each class, in the completer's thread. That is a bug, and
            to be seen; but nothing is offered then and the input goes on, for an exception that leaves here ends
            the chat and takes what was typed with it.
        path_commands: commands whose argument is a path.
        listing: the entries of a directory that begin with a prefix.
    """

    def __init__(
        self,
        commands: Sequence[tuple[str, str]],
        arguments: Callable[[str, str], Iterable[tuple[str, str]]],
        cwd: Path,
        failed: Callable[[Exception], None],
        path_commands: Collection[str] = ("file", "export"),
        listing: Callable[[str, str], list[str]] | None = None,
    ) -> None:
        self._commands = [(f"/{name.removeprefix('/')}", summary) for name, summary in commands]
        self._arguments = arguments
        self._cwd = cwd
        self._path_commands = frozenset(path_commands)
        self._listing = listing or Listing()
        self._failed = failed
        self._told: set[type[Exception]] = set()

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """The completions of what stands before the cursor; raises nothing."""
        try:
            yield from self._found(document)
        except (OckitError, OSError):  # as said above
            return
        except Exception as error:  # noqa: BLE001  # as said above
            if type(error) not in self._told:
                self._told.add(type(error))
                self._failed(error)

    def _found(self, document: Document) -> Iterator[Completion]:
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

    def _names(self, typed: str) -> Iterator[Completion]:
        for name, summary in self._commands:
            if name.startswith(typed.lower()):
                yield Completion(name, -len(typed), display_meta=one_line(summary))

    def _of_argument(self, name: str, typed: str) -> Iterator[Completion]:
        if f"/{name}" not in dict(self._commands):
            return
        for completion, remark in list(islice(self._arguments(name, typed), MOST)):
            if one_line(completion) == completion:  # what cannot be shown cannot be typed either
                yield Completion(completion, -len(typed), display_meta=one_line(remark))

    def _paths(self, written: str) -> Iterator[Completion]:
        """Completions of a path of which `written` is typed, perhaps with its opening quote."""
        in_quotes = written.startswith('"')
        typed = unquoted(f'{written}"') if in_quotes else written
        folder, slash, start = typed.rpartition("/")
        if typed == "~":
            yield Completion("~/", -len(written), display="~/")
            return
        try:
            directory = os.path.join(self._cwd, os.path.expanduser(f"{folder}{slash}"))
        except ValueError:  # a null character is in no user's name
            return
        for name in self._listing(directory, start):
            path = f"{folder}{slash}{name}"
            text = quoted(path, always=in_quotes)
            if text.endswith('/"'):
                text = text[:-1]  # what lies in the directory is typed next
            yield Completion(text, -len(written), display=name)
