"""A line-by-line chat: a prompt, a line, an answer as it comes. Works on any terminal, and on a pipe.

The way of ACCESSIBLE=1, of TERM=dumb and of pipes: nothing on the screen is ever drawn over. Knows lines; the talk
and its commands know the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from ockit.assistant.branch import Turn
from ockit.assistant.vetting import BUSY
from ockit.console import Console
from ockit.environment import Environment
from ockit.errors import InterruptedByUser, OckitError, UsageError
from ockit.events import End, Event, Notice, Prefill, Token
from ockit.interrupts import interruptible
from ockit.repl.echo import typing_unseen
from ockit.repl.fence import block, opens, said
from ockit.repl.refusal import show
from ockit.repl.slash_table import asks, enter
from ockit.repl.talk import Leave, Talk
from ockit.settings import Settings

PROMPT = "> "


class PlainFace:
    """Lines on one terminal or pipe: the face of a `Talk`, and its input (`run`)."""

    steady = False

    def __init__(self, environment: Environment, console: Console) -> None:
        self._environment = environment
        self._console = console
        self._offered = ""
        self._talk: Talk | None = None

    def run(self, talk: Talk) -> None:
        """Talk until the input ends.

        Raises:
            OckitError: on a pipe, the first error (nobody is there to try again).
            KeyboardInterrupt: on a pipe, at Ctrl-C, once what came of the answer is saved.
        """
        self._talk = talk
        talk.mentions = self._environment.stdin_is_tty  # what is piped in must not choose files to read
        with suppress(EOFError, Leave):
            for text in self._inputs():
                self._one(talk, text)
            return
        if self._environment.stdin_is_tty:
            self._console.line()  # the shell's prompt gets a line of its own

    def answer(self, events: Iterator[Event], before: str = "") -> End | None:
        """Print a turn as it comes; of an answer that goes on, what is new.

        Raises:
            KeyboardInterrupt: on a pipe: whoever pipes text in means the whole run.
        """
        assert self._talk is not None
        console, end, midway = self._console, None, False
        with (
            typing_unseen(self._environment),
            interruptible(self._talk.assistant.stop),
            console.status("loading the model") as status,
        ):
            for event in events:
                if isinstance(event, Token):
                    console.write(event.text)
                    midway |= bool(event.text)
                elif isinstance(event, Prefill):
                    status.update(f"reading the prompt: {event.done} of {event.total} tokens")
                elif isinstance(event, Notice) and event.kind == BUSY:
                    status.update(event.text)
                elif isinstance(event, Notice):
                    show(console, event, midway=midway)
                elif isinstance(event, End):
                    end = event
        if end is None or end.finish_reason != "refused":
            console.line()
        if end is not None and end.finish_reason == "interrupted" and not self._environment.stdin_is_tty:
            raise KeyboardInterrupt
        return end

    def earlier(self, turn: Turn) -> None:
        """A turn of a chat that goes on."""
        self._console.line(f"{PROMPT}{turn.words}" if turn.role == "user" else turn.text)

    def offer(self, text: str) -> None:
        """The next line can be edited from this text, where Python has line editing; elsewhere it is shown."""
        self._offered = text
        if not self._edits:
            self._console.notice("the question, to be typed anew (an empty line leaves it as it was):")
            self._console.line(text)

    def clear(self) -> None:
        """Plain lines are never taken back."""
        self._console.notice("this plain chat never erases what was shown")

    def emit(self, sequence: str) -> None:
        """There is nothing that would take it. Raises UsageError."""
        raise UsageError(
            "plain lines send no control sequences, which the clipboard would need", hint="/export FILE"
        )

    def restyle(self, settings: Settings) -> None:
        """Plain lines have no theme; it is kept for the next chat on a full terminal."""

    @property
    def _edits(self) -> bool:
        """Whether a person edits lines on a terminal."""
        if not (self._environment.stdin_is_tty and self._environment.stdout_is_tty):
            return False
        try:
            import readline  # noqa: F401 - asked for its being there
        except ImportError:
            return False
        return True

    def _inputs(self) -> Iterator[str]:
        """What the person enters: single lines, and whole blocks between two lines of three quotes."""
        while True:
            try:
                line = self._read_line(PROMPT)
                if opens(line):
                    line = said(block(line, self._lines())[0])
            except KeyboardInterrupt:
                if not self._environment.stdin_is_tty:
                    raise
                self._forget_edit()
                self._console.notice("Ctrl-D or /exit leaves")
                continue
            except UsageError as error:
                if not self._environment.stdin_is_tty:
                    raise
                self._console.error(error)
                continue
            if line.strip():
                yield line.strip()
            else:
                self._forget_edit()

    def _forget_edit(self) -> None:
        if self._talk is not None:
            self._talk.editing = None

    def _lines(self) -> Iterator[str]:
        """Further lines of a block, to the end of the input."""
        with suppress(EOFError):
            while True:
                yield self._read_line(". ")

    def _read_line(self, prompt: str) -> str:
        """One line. Raises EOFError at the end of the input, UsageError where it is no text."""
        try:
            if self._environment.stdin_is_tty and self._environment.stdout_is_tty:
                return self._typed_line(prompt)
            line = self._environment.stdin.readline()
            if not line:
                raise EOFError
            return line.decode("utf-8").rstrip("\r\n")
        except UnicodeError as error:
            raise UsageError("the input is not UTF-8 text", hint="send UTF-8 text") from error

    def _typed_line(self, prompt: str) -> str:
        """A line from a terminal, with editing and history where Python has them. Raises UnicodeError."""
        self._console.flush()
        offered, self._offered = self._offered, ""
        with suppress(ImportError):
            import readline

            readline.set_completer(lambda text, state: None)  # its own would list file names, unsanitized
            readline.set_startup_hook(lambda: readline.insert_text(" ".join(offered.split("\n"))))
        line = input(prompt)
        line.encode("utf-8")  # bytes that are no text may have come as lone surrogates
        return line

    def _one(self, talk: Talk, text: str) -> None:
        try:
            if asks(text):
                talk.assistant.ready()
            enter(talk, text)
        except (KeyboardInterrupt, InterruptedByUser) as stop:
            if not self._environment.stdin_is_tty:
                raise KeyboardInterrupt from None
            self._console.notice(talk.stopped() if isinstance(stop, InterruptedByUser) else "stopped")
        except OckitError as error:
            if not self._environment.stdin_is_tty:
                raise
            self._console.error(error)
