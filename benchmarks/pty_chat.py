"""``ockit chat`` on a pseudo-terminal, with the moment at which every byte came.

Reading is separate from understanding: bytes get their time when they are read, and are made into a screen (by
pyte, which is slow) after that, so that looking at the screen does not bend the times. Knows the chat's prompt and
its bar, and no claim.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from bisect import bisect_left
from collections.abc import Callable
from pathlib import Path

import psutil
import pyte

from ockit.environment import Directories
from ockit.sessions.records import StoredMessage
from ockit.sessions.store import Store

OCKIT = Path(sys.executable).with_name("ockit")
PROMPT = b"> "
RUNNING = "●"
LINES, COLUMNS = 40, 100


class PtyChat:
    """One running chat.

    Attributes:
        began: when the process was started (`time.monotonic`, seconds, like every time here).
        raw: every byte it has sent.
        screen: what they make of the terminal, as far as it was looked at.
    """

    def __init__(self, *arguments: str, home: str, label: str = "smollm2") -> None:
        """Start ``ockit chat ARGUMENTS`` with its own files below `home`; `label` names the model in the bar."""
        self.raw = bytearray()
        self.screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self.screen)
        self._label = label
        self._ends: list[tuple[int, float]] = []  # where each chunk ends in `raw`, and when it came
        self._looked = 0  # so many chunks are on the screen
        self._open = True
        self._terminal, below = pty.openpty()
        termios.tcsetwinsize(below, (LINES, COLUMNS))
        os.set_blocking(self._terminal, False)

        def take_terminal() -> None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.began = time.monotonic()
        self.child = subprocess.Popen(
            [OCKIT, "chat", *arguments], stdin=below, stdout=below, stderr=below, env=environment(home),
            cwd=home, start_new_session=True, preexec_fn=take_terminal,  # noqa: PLW1509 - no threads here
        )  # fmt: skip
        os.close(below)
        self.process = psutil.Process(self.child.pid)

    @property
    def cpu_s(self) -> float:
        """CPU seconds of the chat's own process so far, without its model's."""
        used = self.process.cpu_times()
        return float(used.user + used.system)

    def write(self, text: str) -> float:
        """Send keys; gives the moment before."""
        data, now = text.encode(), time.monotonic()
        while data:
            select.select([], [self._terminal], [])
            data = data[os.write(self._terminal, data) :]
        return now

    def read(self, seconds: float) -> bool:
        """Read what is there, or what comes first within so many seconds; False where nothing came."""
        before = len(self.raw)
        while (
            self._open
            and select.select([self._terminal], [], [], 0.0 if len(self.raw) > before else seconds)[0]
        ):
            try:
                data = os.read(self._terminal, 65536)
            except OSError:  # the last process on the terminal has ended
                data = b""
            if not data:
                self._open = False
                break
            self.raw += data
            self._ends.append((len(self.raw), time.monotonic()))
        return len(self.raw) > before

    def rest(self, seconds: float) -> None:
        """Let it run, and read what comes."""
        end = time.monotonic() + seconds
        while self._open and (left := end - time.monotonic()) > 0:
            self.read(left)

    def until_bytes(self, wanted: bytes, since: int = 0, timeout: float = 30.0) -> float:
        """Read until these bytes have come behind byte `since`; gives the moment they were complete."""
        deadline = time.monotonic() + timeout
        while (at := self.raw.find(wanted, since)) < 0:
            since = max(since, len(self.raw) - len(wanted) + 1)
            if not self.read(min(0.1, timeout)) and (time.monotonic() > deadline or not self._open):
                raise SystemExit(f"{wanted!r} did not come; the screen:\n{self.shown()}")
        at += len(wanted)
        return self._ends[bisect_left(self._ends, (at, 0.0))][1]

    def until(self, seen: Callable[[PtyChat], bool], what: str, timeout: float = 60.0) -> float:
        """Read until the screen is as wanted; gives the moment at which what made it so came."""
        deadline = time.monotonic() + timeout
        while not seen(self):
            if self._looked < len(self._ends):
                self._look()
            elif not self.read(0.1) and (time.monotonic() > deadline or not self._open):
                raise SystemExit(f"{what} did not come; the screen:\n{self.shown()}")
        return self._ends[self._looked - 1][1]

    def shown(self) -> str:
        """What a person sees now."""
        while self._looked < len(self._ends):
            self._look()
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    @property
    def bar(self) -> str:
        """The bottom bar: the last line that is not blank."""
        for y in range(LINES - 1, -1, -1):
            row = self.screen.buffer[y]
            text = "".join(row[x].data for x in range(COLUMNS)).strip()
            if text:
                return text
        return ""

    @property
    def rests(self) -> bool:
        """The bar stands there, and says that nothing runs."""
        bar = self.bar
        return self._label in bar and RUNNING not in bar

    def opened(self) -> None:
        """Wait until the chat is open."""
        self.until(lambda chat: chat.rests, "the prompt")

    def ask(self, text: str) -> float:
        """Send a line; returns once it runs (or is over). Gives the moment it was sent."""
        before = len(self.raw)
        sent = self.write(f"{text}\r")
        runs = self.until_bytes(RUNNING.encode(), before)
        while self._ends[self._looked - 1][1] < runs:  # what came before it looks like a rest
            self._look()
        return sent

    def answered(self, text: str, timeout: float = 120.0) -> float:
        """Send a line and wait for its end; gives that moment."""
        self.ask(text)
        return self.until(lambda chat: chat.rests, f"the end of {text[:40]!r}", timeout)

    def worker(self) -> psutil.Process:
        """The model's process."""
        return next(child for child in self.process.children() if "ockit.workers.child" in child.cmdline())

    def close(self) -> None:
        """Ctrl-D; what has not ended then is killed."""
        if self._open:
            self.write("\x04")
        deadline = time.monotonic() + 10
        while self._open and time.monotonic() < deadline:
            self.read(0.1)
        if self._open:
            self.child.send_signal(signal.SIGKILL)
        os.close(self._terminal)
        if self.child.wait() != 0:
            raise SystemExit(f"the chat ended with {self.child.returncode}:\n{self.shown()}")

    def _look(self) -> None:
        """Put the next chunk on the screen."""
        begin = self._ends[self._looked - 1][0] if self._looked else 0
        self._stream.feed(bytes(self.raw[begin : self._ends[self._looked][0]]))
        self._looked += 1


def environment(home: str) -> dict[str, str]:
    """The variables of a chat that keeps everything below `home`, and is steered by nothing of ours."""
    steering = ("OCKIT_", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "PYTHON", "LC_ALL")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(steering)}
    return kept | {"OCKIT_HOME": f"{home}/ockit", "HOME": home, "TERM": "xterm-256color", "LANG": "C.UTF-8"}


def last_answer(home: str) -> StoredMessage:
    """The last message of the last chat that was kept below `home`."""
    with Store.of(Directories.of(environment(home))) as store:
        return store.messages(store.get("last").id)[-1]
