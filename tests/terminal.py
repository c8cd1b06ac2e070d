"""A command on a pseudo-terminal: what it sends byte by byte, and the screen it makes."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect
import psutil
import pyte

COLUMNS, LINES = 100, 40


class Terminal:
    """One running command. `raw` holds every byte it has sent so far."""

    def __init__(
        self, command: list[str], env: dict[str, str], cwd: Path, size: tuple[int, int] = (LINES, COLUMNS)
    ) -> None:
        self.raw = b""
        self._screen = pyte.Screen(size[1], size[0])
        self._stream = pyte.ByteStream(self._screen)
        self._child = pexpect.spawn(
            command[0], command[1:], env=env, cwd=str(cwd), dimensions=size, timeout=30, echo=True
        )

    @property
    def pid(self) -> int:
        return int(self._child.pid)

    @property
    def screen(self) -> str:
        """What a person sees now."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    @property
    def rows(self) -> list[str]:
        """The lines of the screen, without the blanks at their ends."""
        return [line.rstrip() for line in self._screen.display]

    @property
    def cursor(self) -> tuple[int, int]:
        """Row and column, from 0."""
        return self._screen.cursor.y, self._screen.cursor.x

    def resize(self, lines: int, columns: int) -> None:
        """As when the window's corner is dragged."""
        self._child.setwinsize(lines, columns)
        self._screen.resize(lines, columns)

    def look(self, seconds: float = 0.05) -> None:
        """Read what comes within so many seconds."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not self._read(left):
                break

    def until(self, seen: Callable[[Terminal], bool], what: str = "it", timeout: float = 30.0) -> None:
        """Read until the screen is as wanted."""
        deadline = time.monotonic() + timeout
        while not seen(self):
            assert time.monotonic() < deadline, f"{what} did not come; the screen:\n{self.screen}"
            if not self._read(0.05):
                assert seen(self), f"{what} did not come before the end; the screen:\n{self.screen}"
                return

    def wait_for(self, pattern: str | bytes, timeout: float = 30.0) -> re.Match[bytes]:
        """Read until what came since the last match matches."""
        expression = re.compile(pattern.encode() if isinstance(pattern, str) else pattern, re.DOTALL)
        deadline = time.monotonic() + timeout
        while not (found := expression.search(self.raw, getattr(self, "_at", 0))):
            left = deadline - time.monotonic()
            assert left > 0, f"{pattern!r} did not come; the screen:\n{self.screen}"
            self._read(left)
        self._at = found.end()
        return found

    def send(self, text: str | bytes) -> None:
        self._child.send(text)

    def line(self, text: str) -> None:
        """A line, as a person types it."""
        self._child.send(text + "\r")

    def interrupt(self) -> None:
        """Ctrl-C, through the terminal's line discipline."""
        self._child.send("\x03")

    def end(self, timeout: float = 30.0) -> int:
        """Read to the end; the exit code, or minus the signal."""
        deadline = time.monotonic() + timeout
        while self._read(max(0.1, deadline - time.monotonic())):
            assert time.monotonic() < deadline, f"it does not end; the screen:\n{self.screen}"
        self._child.wait()
        return self._child.exitstatus if self._child.exitstatus is not None else -self._child.signalstatus

    def worker(self, timeout: float = 15.0) -> psutil.Process:
        """The model's process."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for child in psutil.Process(self.pid).children():
                if "ockit.workers.child" in child.cmdline():
                    return child
            time.sleep(0.01)
        raise AssertionError("no worker was started")

    def _read(self, timeout: float) -> bool:
        try:
            data = self._child.read_nonblocking(65536, timeout=timeout)
        except pexpect.EOF:
            return False
        except pexpect.TIMEOUT:
            return True
        self.raw += data
        self._stream.feed(data)
        return True

    @staticmethod
    def without_readline(raw: bytes) -> bytes:
        """What was sent, less what readline sends of its own accord: bracketed paste on and off."""
        return raw.replace(b"\x1b[?2004h", b"").replace(b"\x1b[?2004l\r", b"").replace(b"\x1b[?2004l", b"")

    def hang_up(self) -> None:
        """The terminal goes away, as when its window is closed."""
        self._child.close(force=False)

    def close(self) -> None:
        if self._child.isalive():
            self._child.kill(signal.SIGKILL)
            self._child.wait()
        self._child.close(force=True)


@contextmanager
def terminal(
    run_ockit: Any,
    *args: str,
    env: dict[str, str | None] | None = None,
    size: tuple[int, int] = (LINES, COLUMNS),
) -> Iterator[Terminal]:
    """``ockit ARGS`` on a terminal of 100 by 40 characters, or of `size` lines and columns."""
    variables = run_ockit.variables({"TERM": "xterm-256color", "LANG": "C.UTF-8", **(env or {})})
    variables.pop("LC_ALL", None)
    started = Terminal([*run_ockit.command(), *args], variables, run_ockit.cwd, size)
    try:
        yield started
    finally:
        started.close()


def gone(pid: int, timeout: float = 10.0) -> bool:
    """Whether a process ends within so many seconds (a zombie that nobody looks at has ended)."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.02)
    return False
