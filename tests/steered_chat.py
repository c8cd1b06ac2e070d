"""A chat that a test steers input by input and may kill: drawn on a pseudo-terminal, or plain on a pipe.

Both are told what to enter, can be waited for, and say whether an answer was seen to begin.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import psutil

from asking import QUICK
from drawn_chat import RUNNING, rests
from terminal import COLUMNS, LINES, Terminal

ENV = {**QUICK, "OCKIT_TEMPERATURE": "0", "TERM": "xterm-256color", "LANG": "C.UTF-8"}


class Steered(ABC):
    """One running chat.

    Attributes:
        answering_since: when the answer to the last input was first seen (`time.monotonic`), or None.
        sent: every input so far.
    """

    def __init__(self) -> None:
        self.answering_since: float | None = None
        self.sent: list[str] = []

    @property
    @abstractmethod
    def pid(self) -> int:
        """The chat's process."""

    @abstractmethod
    def wait(self, what: str) -> None:
        """Until it waits for an input, having run all of them."""

    @abstractmethod
    def send(self, text: str) -> None:
        """Enter a text."""

    @abstractmethod
    def watch(self, seconds: float) -> None:
        """Look at it for so long."""

    @abstractmethod
    def began(self, text: str) -> bool:
        """Whether anything of the answer to an input was seen."""

    @abstractmethod
    def took(self, text: str) -> bool:
        """Whether an input was seen to be taken."""

    @abstractmethod
    def told(self) -> str:
        """Everything it said so far."""

    @abstractmethod
    def end(self) -> int:
        """It is told to leave, and does; its exit code."""

    @abstractmethod
    def drain(self) -> int:
        """What it said before its end is read; its exit code."""

    @abstractmethod
    def close(self) -> None:
        """It must not outlive the test."""

    def workers(self) -> list[int]:
        """The process of its model, and whatever else it has started."""
        try:
            return [child.pid for child in psutil.Process(self.pid).children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> list[int]:
        """``kill -9``; gives its children. It is stopped first, so that it starts none between look and kill."""
        os.kill(self.pid, signal.SIGSTOP)
        children = self.workers()
        os.kill(self.pid, signal.SIGKILL)
        assert self.drain() == -signal.SIGKILL
        return children


class Drawn(Steered):
    """The full chat on a terminal."""

    def __init__(self, run_ockit: Any, home: Path, *args: str) -> None:
        super().__init__()
        variables = run_ockit.variables({**ENV, "OCKIT_HOME": str(home)})
        variables.pop("LC_ALL", None)
        self.screen = Terminal(
            [*run_ockit.command(), "chat", *args], variables, run_ockit.cwd, (LINES, COLUMNS)
        )

    @property
    def pid(self) -> int:
        return self.screen.pid

    def wait(self, what: str) -> None:
        if self.sent:
            self.screen.until(
                lambda s: s.raw.count(RUNNING.encode()) > self._before, f"the start of {what!r}"
            )
        self.screen.until(rests, f"the end of {what!r}", 60)

    def send(self, text: str) -> None:
        self.answering_since = None
        self.sent.append(text)
        self._before = self.screen.raw.count(RUNNING.encode())
        self.screen.send(text + "\r")

    def enter(self, text: str) -> str:
        """Send a text and wait for its end; gives the screen."""
        self.send(text)
        self.wait(text)
        return self.screen.screen

    def watch(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.screen.look(min(left, 0.02))
            if self.answering_since is None and self.sent and self.began(self.sent[-1]):
                self.answering_since = time.monotonic()

    def began(self, text: str) -> bool:
        """Something stands between the echo of the input and the prompt."""
        rows = self.screen.rows
        prompts = [number for number, row in enumerate(rows) if row.startswith(">")]
        mine = [number for number in prompts if rows[number] == f"> {text}"]
        if not mine or mine[0] == prompts[-1]:
            return False
        following = next(number for number in prompts if number > mine[0])
        between = [row for row in rows[mine[0] + 1 : following] if row and not row.startswith("next: ")]
        return bool(between) and not between[0].startswith("error: ")

    def took(self, text: str) -> bool:
        rows = [row for row in self.screen.rows if row.startswith(">")]
        return f"> {text}" in rows[:-1]

    def told(self) -> str:
        return self.screen.raw.decode("utf-8", "replace")

    def end(self) -> int:
        self.screen.send("\x04")
        return self.screen.end()

    def drain(self) -> int:
        return self.screen.end()

    def close(self) -> None:
        self.screen.close()


class Piped(Steered):
    """Plain lines. Inputs are followed by a /set that changes no greedy answer: its notice tells that they have ended.

    Attributes:
        pieces: what came on stdout, and when.
        sent_at: how much had come at the last input.
    """

    def __init__(self, run_ockit: Any, home: Path, *args: str) -> None:
        super().__init__()
        self.process = subprocess.Popen(
            [*run_ockit.command(), "chat", *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=run_ockit.variables({**ENV, "OCKIT_HOME": str(home)}),
            cwd=run_ockit.cwd,
        )
        self.pieces: list[tuple[float, bytes]] = []
        self._err = b""
        self.sent_at = 0
        self._marks = 40
        readers = (self._read_out, self._read_err)
        self._readers = [threading.Thread(target=reader, daemon=True) for reader in readers]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def out(self) -> bytes:
        """The answers so far."""
        return b"".join(piece for _, piece in self.pieces)

    @property
    def new(self) -> bytes:
        """What came on stdout since the last input."""
        return self.out[self.sent_at :]

    def wait(self, what: str) -> None:
        self._marks += 1
        self._write(f"/set top_k {self._marks}")
        deadline = time.monotonic() + 60
        while f"top_k is {self._marks} from".encode() not in self._err:
            assert time.monotonic() < deadline, f"{what!r} does not end: {self._err!r}"
            assert self.process.poll() is None, f"it ended at {what!r}: {self._err!r}"
            time.sleep(0.01)

    def send(self, text: str) -> None:
        self.sent.append(text)
        self.answering_since, self.sent_at = None, len(self.out)
        self._write(text)

    def watch(self, seconds: float) -> None:
        time.sleep(seconds)
        held = 0
        for came, piece in self.pieces:
            held += len(piece)
            if held > self.sent_at:
                self.answering_since = came
                break

    def began(self, text: str) -> bool:
        return bool(self.new.strip())

    def took(self, text: str) -> bool:
        return self.began(text)

    def told(self) -> str:
        return (self.out + self._err).decode("utf-8", "replace")

    def end(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.drain()

    def drain(self) -> int:
        code = self.process.wait(60)
        for reader in self._readers:
            reader.join()
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.drain()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()

    def _write(self, line: str) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line.encode() + b"\n")
        except BrokenPipeError:  # it has ended: `drain` says how
            return

    def _read_out(self) -> None:
        assert self.process.stdout is not None
        while piece := self.process.stdout.read(65536):
            self.pieces.append((time.monotonic(), piece))

    def _read_err(self) -> None:
        assert self.process.stderr is not None
        while piece := self.process.stderr.read(65536):
            self._err += piece
