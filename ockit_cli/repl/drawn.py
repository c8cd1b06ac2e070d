"""The face of a talk on a terminal: what a turn, an earlier turn, a cleared screen look like there.

Its methods are called in the thread that runs a turn; whatever touches the terminal is handed to the one that draws.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.styles import Style

from ockit.assistant.branch import Turn
from ockit.console import Console
from ockit.environment import Environment
from ockit.events import End, Event
from ockit.repl.above import Above, Paper, terminal_output
from ockit.repl.layout import CONTINUED, PROMPT
from ockit.repl.live import Live
from ockit.repl.streamed import stream, whole
from ockit.repl.talk import Talk
from ockit.repl.themes import theme
from ockit.settings import Settings

ECHOED_LINES = 12
"""Lines of a sent text that are shown above its answer; the whole of it is in the saved chat."""

ECHOED_CHARACTERS = 2000
"""Characters of such a line."""


class DrawnFace:
    """Prints above the prompt.

    Attributes:
        console: prints above the prompt; for everything the chat has to say.
        buffer: the input line.
    """

    steady = False
    buffer: Buffer
    _talk: Talk
    _app: Application[None]

    def __init__(self, environment: Environment, settings: Settings) -> None:
        self._environment = environment
        self._colour = environment.colour(environment.stdout)
        self._theme = theme(settings.theme, self._colour)
        self._output = terminal_output(environment)
        self._paper = Paper(self._output)
        above = Above(self._paper.add)
        self.console = Console(
            replace(environment, stdout=above, stderr=above),
            columns=lambda: self._output.get_size().columns,
        )
        self._live = Live()
        self._loop: asyncio.AbstractEventLoop | None = None

    def answer(self, events: Iterator[Event], before: str = "") -> End | None:
        """Show a turn as it comes."""
        loaded = self._talk.assistant.loaded is not None
        searched = self._talk.assistant.grounding.names
        begins = f"searching {', '.join(searched)}" if searched else "reading the prompt"
        self._live.do(begins if loaded else "loading the model")
        return stream(events, self.console, self._live, self._theme, self._colour, before)

    def earlier(self, turn: Turn) -> None:
        """A turn of a chat that goes on."""
        if turn.role == "user":
            self._echo(turn.words)
        else:
            self.console.styled(whole(turn.text, self.console.columns, self._theme, self._colour))

    def offer(self, text: str) -> None:
        """Put a text into the input line, in front of what was typed meanwhile."""

        def put() -> None:
            self._write(f"{text}\n{self.buffer.text}".rstrip("\n"), len(text))

        self._in_loop(put)

    def clear(self) -> None:
        """Empty the screen; the terminal's own history keeps what was on it."""

        def work() -> None:
            with self._output.at_once():
                with self._output.by_lines():
                    self._app.renderer.erase(leave_alternate_screen=False)
                self._app.renderer.clear()
                self._app._redraw()

        self._in_loop(work)

    def emit(self, sequence: str) -> None:
        """Send a control sequence of ours."""

        def send() -> None:
            self._output.write_raw(sequence)
            self._output.flush()

        self._in_loop(send)

    def restyle(self, settings: Settings) -> None:
        """Take on another theme, other keys."""
        self._theme = theme(settings.theme, self._colour)
        self._app.style = Style.from_dict(dict(self._theme.prompt_toolkit))
        self._app.editing_mode = editing_mode(settings)
        self._app.invalidate()

    def _write(self, text: str, cursor: int | None = None) -> None:
        """Put a text into the input line in place of what stands there, the cursor at its end or at `cursor`."""
        self.buffer.text = text
        self.buffer.cursor_position = len(text) if cursor is None else cursor

    def _in_loop(self, work: Callable[[], None]) -> None:
        """Do something with the terminal in the thread that draws, after what was printed, and not under an editor."""
        assert self._loop is not None

        def try_now() -> None:
            if self._app._running_in_terminal:
                assert self._loop is not None
                self._loop.call_later(0.1, try_now)
            else:
                self._paper.drain()
                work()

        self._loop.call_soon_threadsafe(try_now)

    def _echo(self, text: str) -> None:
        """A sent text, above its answer."""
        lines = text.split("\n")
        more = len(lines) - ECHOED_LINES
        if more > 0:
            lines = [*lines[:ECHOED_LINES], f"… and {more} more lines"]
        self.console.line()
        for number, line in enumerate(lines):
            lead = PROMPT if number == 0 else CONTINUED
            over = len(line) - ECHOED_CHARACTERS
            cut = f"{line[:ECHOED_CHARACTERS]}… and {over} more characters" if over > 0 else line
            self.console.line(f"{lead}{cut}", style="bold", hang=len(lead))


def editing_mode(settings: Settings) -> EditingMode:
    """The keys that the settings ask for."""
    return EditingMode.VI if settings.edit_mode == "vi" else EditingMode.EMACS
