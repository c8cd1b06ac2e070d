"""A line-by-line chat: a prompt, a line, an answer as it comes. Works on any terminal, and on a pipe.

Knows lines and slash commands; the assistant knows the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

from ockit.assistant.turn import Assistant
from ockit.console import Console
from ockit.environment import Environment
from ockit.errors import OckitError, UsageError
from ockit.events import End, Notice, Prefill, Token
from ockit.interrupts import interruptible
from ockit.messages import Sampling
from ockit.prompts.marked import marked
from ockit.repl.echo import typing_unseen

PROMPT = "> "
FENCE = '"""'


class PlainChat:
    """One chat on one terminal or pipe."""

    def __init__(
        self, environment: Environment, console: Console, assistant: Assistant, sampling: Sampling
    ) -> None:
        self._environment = environment
        self._console = console
        self._assistant = assistant
        self._sampling = sampling
        self._failed: OckitError | None = None
        self._commands: dict[str, tuple[str, Callable[[str], None]]] = {
            "/help": ("show this list", self._help),
            "/new": ("begin a new conversation", self._new),
            "/system": ("show the system text, or set it: /system You are terse.", self._system),
            "/raw": ("show the exact prompt, control tokens marked", self._raw),
            "/exit": ("leave (also Ctrl-D)", self._leave),
        }

    def run(self) -> None:
        """Talk until the input ends.

        Raises:
            OckitError: on a pipe, the first error (nobody is there to try again).
            KeyboardInterrupt: on a pipe, at Ctrl-C, once what came of the answer is saved.
        """
        with suppress(EOFError):
            for text in self._inputs():
                self._one(text)
                if self._failed is not None and not self._environment.stdin_is_tty:
                    raise self._failed

    def _inputs(self) -> Iterator[str]:
        """What the person enters: single lines, and whole blocks between two lines of three quotes."""
        while True:
            try:
                line = self._read_line(PROMPT)
                if line.strip().startswith(FENCE):
                    line = self._rest_of_block(line.strip().removeprefix(FENCE))
            except KeyboardInterrupt:
                if not self._environment.stdin_is_tty:
                    raise
                self._console.notice("Ctrl-D or /exit leaves")
                continue
            except UsageError as error:
                if not self._environment.stdin_is_tty:
                    raise
                self._console.error(error)
                continue
            if line.strip():
                yield line.strip()

    def _rest_of_block(self, first: str) -> str:
        """A block up to its closing quotes, or to the end of the input."""
        lines = [first] if first else []
        with suppress(EOFError):
            while not first.rstrip().endswith(FENCE):
                first = self._read_line(". ")
                lines.append(first)
        if lines:
            lines[-1] = lines[-1].rstrip().removesuffix(FENCE)
        return "\n".join(lines)

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
        with suppress(ImportError):
            import readline

            readline.set_completer(lambda text, state: None)  # its own would list file names, unsanitized
        line = input(prompt)
        line.encode("utf-8")  # bytes that are no text may have come as lone surrogates
        return line

    def _one(self, text: str) -> None:
        self._failed = None
        try:
            if text.startswith("//"):
                self._ask(text[1:])
            elif text.startswith("/"):
                self._command(text)
            else:
                self._ask(text)
        except KeyboardInterrupt:
            if not self._environment.stdin_is_tty:
                raise
            self._console.notice("stopped before the answer began; the question can be asked again")
        except OckitError as error:
            self._failed = error
            if self._environment.stdin_is_tty:
                self._console.error(error)

    def _ask(self, question: str) -> None:
        console = self._console
        with (
            typing_unseen(self._environment),
            interruptible(self._assistant.stop),
            console.status("loading the model") as status,
        ):
            for event in self._assistant.reply(question, self._sampling):
                if isinstance(event, Token):
                    console.write(event.text)
                elif isinstance(event, Prefill):
                    status.update(f"reading the prompt: {event.done} of {event.total} tokens")
                elif isinstance(event, Notice):
                    console.notice(event.text)
                elif isinstance(event, End):
                    self._close(event)
        if self._assistant.trouble is not None:
            raise self._assistant.trouble

    def _close(self, end: End) -> None:
        self._console.line()
        if end.finish_reason == "interrupted":
            if not self._environment.stdin_is_tty:
                raise KeyboardInterrupt  # whoever pipes text in means the whole run
            self._console.notice("stopped; what came so far is kept")
        elif end.finish_reason == "length":
            self._console.notice(
                f"cut after {end.usage.completion_tokens} tokens; ask it to go on, or start with --max-tokens N"
            )

    def _command(self, text: str) -> None:
        name, _, rest = text.partition(" ")
        if name in ("/quit", "/bye", "/?"):
            name = "/help" if name == "/?" else "/exit"
        if name not in self._commands:
            from difflib import get_close_matches

            near = get_close_matches(name, self._commands, 1)
            raise UsageError(
                f"there is no command {name}",
                hint=f"{near[0]}; /help lists them; //text sends a line that begins with a slash"
                if near
                else "/help lists them; //text sends a line that begins with a slash",
            )
        self._commands[name][1](rest.strip())

    def _help(self, _: str) -> None:
        for name, (summary, _run) in self._commands.items():
            self._console.line(f"{name:10} {summary}")
        self._console.line(f"{FENCE}        begins and ends a text of several lines; Ctrl-C stops an answer")

    def _new(self, _: str) -> None:
        self._assistant.restart(self._assistant.conversation.system)
        self._console.notice("a new conversation")

    def _system(self, text: str) -> None:
        if text:
            self._assistant.set_system(text)
            self._console.notice("the system text is set; it holds from the next question on")
        else:
            self._console.line(
                self._assistant.conversation.system or "(none: the template's own, if it has one)"
            )

    def _raw(self, _: str) -> None:
        if not self._assistant.last_prompt:
            self._console.notice("no prompt was sent yet in this conversation: ask something first")
            return
        self._console.line(marked(self._assistant.last_prompt, self._assistant.load().bos))

    def _leave(self, _: str) -> None:
        raise EOFError
