"""``ockit chat --script FILE``: inputs from a file, and a transcript that is the same, byte for byte, at every run.

For tests, guides and bug reports. Inputs are lines as a person would enter them, blocks between ``\"\"\"`` included;
lines that begin with ``#`` are comments. The transcript is what a person would see, without times and ids, and all of
it (notices and errors too) on stdout.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from ockit.assistant.branch import Turn
from ockit.assistant.vetting import BUSY
from ockit.console import Console
from ockit.environment import Environment
from ockit.errors import OckitError, UsageError
from ockit.events import End, Event, Notice, Token
from ockit.files import read_limited
from ockit.repl.fence import FENCE, block, opens, said
from ockit.repl.refusal import show
from ockit.repl.slash_table import asks, enter
from ockit.repl.talk import Leave, Talk
from ockit.settings import Settings

LARGEST_SCRIPT = 16 << 20
COMMENT = "#"
SEED = 1
"""The seed where none is given: a script means to be repeated."""


class _Paper(Environment):
    """Streams that are taken for no terminal, whatever they are: no colour, no columns that depend on a window."""

    @property
    def stdout_is_tty(self) -> bool:
        """Never."""
        return False

    @property
    def stderr_is_tty(self) -> bool:
        """Never."""
        return False

    def colour(self, stream: TextIO) -> bool:
        """None."""
        return False


def on_paper(environment: Environment) -> Environment:
    """The environment of a transcript: everything in its order on stdout."""
    return _Paper(
        environment.stdin, environment.stdout, environment.stdout, environment.variables, environment.cwd
    )


def inputs(path: Path) -> list[str]:
    """The inputs of a script.

    Raises:
        NotFound, UsageError: there is no such file; it is no UTF-8 text, or a block is not closed.
    """
    data = read_limited(path, LARGEST_SCRIPT)
    try:
        lines = data.decode("utf-8-sig").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(
            "the script is not UTF-8 text", where=f"{path}:{line}", hint="save it as UTF-8"
        ) from error
    found: list[str] = []
    numbered = iter(enumerate(lines, 1))
    for number, read in numbered:
        text = read.strip()
        if opens(text):
            inside, closed = block(text, (line for _, line in numbered))
            text = said(inside)
            if not closed:
                raise UsageError(
                    f"a block {FENCE} is not closed",
                    where=f"{path}:{number}",
                    hint=f"end it with a line {FENCE}",
                )
        elif text.startswith(COMMENT):
            continue
        if text.strip():
            found.append(text.strip())
    return found


class ScriptFace:
    """The face of a script: its transcript. The console it is given writes everything to one stream."""

    steady = True

    def __init__(self, console: Console) -> None:
        self._console = console

    def run(self, talk: Talk, texts: list[str]) -> OckitError | None:
        """Enter the inputs one after the other; gives the first error, which is in the transcript as well."""
        failed: OckitError | None = None
        for text in texts:
            self._console.line("\n".join(f"> {line}" for line in text.split("\n")))
            try:
                if asks(text):
                    talk.assistant.ready()
                enter(talk, text)
            except Leave:
                break
            except OckitError as error:
                failed = failed or error
                self._console.error(error)
        return failed

    def answer(self, events: Iterator[Event], before: str = "") -> End | None:
        """Print a turn; of an answer that goes on, what is new."""
        end, midway = None, False
        for event in events:
            if isinstance(event, Token):
                self._console.write(event.text)
                midway |= bool(event.text)
            elif isinstance(event, Notice) and event.kind != BUSY:  # no two runs take as long
                show(self._console, event, midway=midway)
            elif isinstance(event, End):
                end = event
        if end is None or end.finish_reason != "refused":
            self._console.line()
        return end

    def earlier(self, turn: Turn) -> None:
        """A turn of a chat that goes on."""
        self._console.line(f"> {turn.words}" if turn.role == "user" else turn.text)

    def offer(self, text: str) -> None:
        """The script's next input is the changed text."""
        self._console.line(text)

    def clear(self) -> None:
        """A transcript is never erased."""

    def emit(self, sequence: str) -> None:
        """There is nothing that would take it. Raises UsageError."""
        raise UsageError("a script has no terminal, and so no clipboard", hint="/export FILE")

    def restyle(self, settings: Settings) -> None:
        """A transcript has no theme."""
