"""What is printed while the prompt stands at the bottom goes above it, and stays: nothing there is ever drawn over.

`Above` is a text stream for the console, `Paper` what is printed on; `OneWrite` sends the prompt's removal, the lines
and the new prompt to the terminal at once, so that nothing flickers.
"""

from __future__ import annotations

import asyncio
import errno
import io
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from prompt_toolkit.application import Application
from prompt_toolkit.data_structures import Size
from prompt_toolkit.output.color_depth import ColorDepth
from prompt_toolkit.output.vt100 import Vt100_Output

from ockit.environment import Environment


class Above(io.StringIO):
    """A stream whose whole lines are handed to `show`; what has no line end yet waits. Any thread may write."""

    def __init__(self, show: Callable[[str], None]) -> None:
        super().__init__()
        self._show = show
        self._lock = threading.Lock()
        self._begun = ""

    def writable(self) -> bool:
        """It is."""
        return True

    def isatty(self) -> bool:
        """Its lines end on a terminal."""
        return True

    def write(self, text: str) -> int:
        """Take text in; gives its length."""
        with self._lock:
            whole, newline, self._begun = (self._begun + text).rpartition("\n")
            if newline:
                self._show(whole + newline)
        return len(text)


class OneWrite(Vt100_Output):
    """The terminal's output; within `at_once`, all of it is one write."""

    _held = _by_lines = False

    def erase_down(self) -> None:
        """Erase from the cursor to the end of the screen."""
        if self._by_lines:
            # from the first cell on, tmux takes "erase below" for "clear" and keeps a copy of the prompt in its history
            self.write_raw("\x1b7\x1b[K\x1b[1B\r\x1b[J\x1b8")
        else:
            super().erase_down()

    def flush(self) -> None:
        """Send what has been gathered, unless it is held."""
        if not self._held:
            super().flush()

    @contextmanager
    def by_lines(self) -> Iterator[None]:
        """Within the block the prompt's lines are erased; the cursor stands at the beginning of the first."""
        self._by_lines = True
        try:
            yield
        finally:
            self._by_lines = False

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Within the block nothing is sent, at its end everything."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
            self.flush()


class Paper:
    """Lines on their way to the terminal, in the order they came, from any thread."""

    def __init__(self, output: OneWrite) -> None:
        self._output = output
        self._waiting: list[str] = []
        self._lock = threading.Lock()
        self._app: Application[Any] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def lay_under(self, app: Application[Any], loop: asyncio.AbstractEventLoop) -> None:
        """Print above this application's prompt from now on."""
        self._app, self._loop = app, loop

    def add(self, text: str) -> None:
        """Whole lines to be printed."""
        with self._lock:
            self._waiting.append(text)
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended: `flush` comes
                self._loop.call_soon_threadsafe(self.drain)

    def drain(self) -> None:
        """Print what waits; while an editor has the terminal it waits on. In the loop's thread."""
        app = self._app
        if app is None or not app.is_running or app._running_in_terminal:
            return
        text = self._taken()
        if text:
            with self._output.at_once():
                with self._output.by_lines():
                    app.renderer.erase(leave_alternate_screen=False)
                self._output.write_raw(text)
                app._redraw()

    def flush(self) -> None:
        """Print what still waits when the prompt is gone."""
        self._output.write_raw(self._taken())
        with suppress(OSError):  # the terminal may be gone as well
            self._output.flush()

    def _taken(self) -> str:
        with self._lock:
            waiting, self._waiting = self._waiting, []
        return "".join(waiting).replace("\n", "\r\n")


def terminal_output(environment: Environment) -> OneWrite:
    """The output on this process's terminal."""

    def size() -> Size:
        try:
            found = os.get_terminal_size(environment.stdout.fileno())
        except OSError:  # no longer a terminal
            return Size(rows=24, columns=80)
        return Size(rows=found.lines or 24, columns=found.columns or 80)

    return OneWrite(
        environment.stdout,
        size,
        term=environment.variables.get("TERM"),
        default_color_depth=None if environment.colour(environment.stdout) else ColorDepth.DEPTH_1_BIT,
        enable_bell=False,
        # an answer to "where is the cursor" may come late over a slow line, and end in the input
        enable_cpr=False,
    )


@contextmanager
def gone_terminal() -> Iterator[None]:
    """A terminal that goes away ends the block, and is no error: nobody is there to be told."""
    try:
        yield
    except EOFError:
        pass
    except OSError as error:
        if error.errno not in (errno.EIO, errno.EBADF, errno.EPIPE):
            raise


def waits(descriptor: int) -> bool:
    """Whether whole lines that were typed wait in a terminal."""
    import fcntl
    import termios

    count = fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4))
    return any(count)
