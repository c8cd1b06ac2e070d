"""The parent's side: start a child, call it, notice when it dies or hangs, end it.

A worker that has died is one `WorkerError`; the next call starts a new one. What was loaded in the old one is
gone: `generation` tells callers that hold state about it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Generator, Mapping
from typing import Any

from ockit import errors
from ockit.errors import OckitError, WorkerError
from ockit.workers.limits import PARENT_VARIABLE, scrubbed
from ockit.workers.pipe import FrameReader, write_frame
from ockit.workers.starter import STARTER

PATIENCE = 10
"""A silent child that still burns CPU time gets this many times the stall limit: one batch of a large model on a
slow processor is long, but it is not a hang."""

NEXT = "ask again: a new one is started; `ockit doctor` checks this machine"

GLANCE_SECONDS = 0.5
"""How long a silent child is watched to tell work from a hang."""


CANCEL_SECONDS = 1.0
"""How long a child may take to make room for a cancel."""


class Worker:
    """One child process hosting ``target`` (``module:function``, see `ockit.workers.child`).

    Attributes:
        stall_seconds: silence after which the child counts as hung.
        generation: counts the processes started, so that a caller knows its state is gone.
    """

    def __init__(
        self,
        target: str,
        variables: Mapping[str, str],
        *,
        stall_seconds: float = 120.0,
        memory_limit: int | None = None,
    ) -> None:
        self._target = target
        self._environment = scrubbed(variables, memory_limit)
        self.stall_seconds = stall_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._changing = threading.RLock()  # a child half started in one thread must not be ended by another
        self._reader: FrameReader | None = None
        self._reading = threading.RLock()  # a descriptor must not be closed under its reader
        self._calls = 0
        self._open: int | None = None  # the call whose end has not been seen
        self._writing = threading.Lock()  # a frame must not be cut in two by another
        self._cancelled = False
        self._stderr: deque[bytes] = deque(maxlen=200)
        self._drain: threading.Thread | None = None
        self.generation = 0

    @property
    def pid(self) -> int | None:
        """The running child's process id."""
        return self._process.pid if self._process is not None else None

    @property
    def alive(self) -> bool:
        """Whether the child runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the child if none runs. Returns at once; the child initialises on its own.

        Raises:
            WorkerError: the system starts no process.
        """
        with self._changing:
            if self.alive:
                return
            self.stop()
            try:
                self._process = STARTER.do(self._begin)
            except OSError as error:
                raise WorkerError(
                    f"the model's process cannot be started: {error.strerror or error}",
                    where=sys.executable,
                    hint="`ockit doctor` checks this machine",
                ) from error
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            os.set_blocking(
                self._process.stdin.fileno(), False
            )  # a child that reads nothing must not hang us
            self._open = None
            self._reader = FrameReader(self._process.stdout.fileno())
            self._stderr = deque(maxlen=200)
            self._drain = threading.Thread(
                target=_keep_end, args=(self._process.stderr, self._stderr), daemon=True
            )
            self._drain.start()
            self.generation += 1

    def _begin(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "ockit.workers.child", self._target],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # it dies with this process: a child that hangs hears nothing of the pipe's end
            env=self._environment | {PARENT_VARIABLE: str(os.getpid())},
            cwd=os.path.abspath(os.sep),  # nothing it needs lies where the person stands
            start_new_session=True,  # a Ctrl-C at the terminal must not reach it
            bufsize=0,
        )

    def call(self, method: str, **params: Any) -> Any:
        """Run a call and give its result, ignoring events."""
        stream = self.stream(method, **params)
        while True:
            try:
                next(stream)
            except StopIteration as end:
                return end.value

    def stream(self, method: str, **params: Any) -> Generator[dict[str, Any], None, Any]:
        """Run a call: yields its event objects and returns its result.

        Raises:
            OckitError: of the very class raised in the child.
            WorkerError: the child died, hangs, or talks nonsense.
        """
        self.settle()
        self.start()
        self._cancelled = False  # what was meant for a call that could not be sent
        self._calls += 1
        number = self._calls
        self._send({"id": number, "method": method, "params": params})
        self._open = number
        try:
            while True:
                frame = self._receive()
                if frame.get("id") != number:
                    continue
                if "event" in frame:
                    yield frame["event"]
                    continue
                self._open = None
                if "error" in frame:
                    if frame["error"].get("fatal"):
                        self.stop()  # it lives, but there is no relying on it
                    raise _error(frame["error"])
                return frame.get("result")
        finally:
            if self._open == number:  # whoever read this has gone away
                self.cancel()

    def settle(self) -> None:
        """Wait for the end of a call that its reader has left: it was cancelled then, and so ends soon. A child that
        fails at it is ended; the next call starts a new one."""
        while self._open is not None and self.alive:
            with contextlib.suppress(WorkerError):  # it failed at what nobody wants any more
                frame = self._receive()
                if frame.get("id") == self._open and "event" not in frame:
                    self._open = None

    def cancel(self) -> None:
        """Ask the child to stop the running call. Safe from any thread and from a signal handler.

        A call whose request is not on its way yet does not hear of it: whoever makes that call looks once more when
        its first event has come (`ockit.engines.hosted` does).
        """
        self._cancelled = True
        self._pass_on_cancel()

    def kill(self) -> None:
        """End a child that does not listen. Safe from any thread and from a signal handler; whoever waits for the
        child sees it die."""
        process = self._process
        if process is not None:
            process.kill()

    def stop(self) -> None:
        """End the child, at once: it holds nothing that is not on the disk or here."""
        with self._changing:
            process, self._process, self._reader = self._process, None, None
            drain, self._drain = self._drain, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        process.kill()
        process.wait()
        with contextlib.suppress(OSError):  # the pipe of a dead child may refuse its last flush
            process.stdin.close()
        with self._reading:
            process.stdout.close()
        if drain is not None:
            drain.join(timeout=1.0)

    def _send(self, frame: dict[str, Any]) -> None:
        process = self._process
        if process is None or process.stdin is None:  # ended from another thread
            raise self._death()
        try:
            with self._writing:
                write_frame(process.stdin.fileno(), frame, self.stall_seconds)
        except TimeoutError:
            raise self._hang(self.stall_seconds) from None
        except (OSError, ValueError) as error:
            raise self._death() from error
        except KeyboardInterrupt:
            self.stop()  # what would follow half a frame means nothing
            raise
        self._pass_on_cancel()

    def _pass_on_cancel(self) -> None:
        """Send the cancel that somebody wants. Who finds a frame being written leaves it to the writer, who looks
        here after its frame: waiting for it in a signal handler would be waiting for oneself."""
        while self._cancelled and self._writing.acquire(blocking=False):
            self._cancelled, process = False, self._process
            try:
                if process is not None and process.stdin is not None:
                    with contextlib.suppress(OSError, ValueError):  # a dead child has stopped already
                        write_frame(process.stdin.fileno(), {"cancel": True}, CANCEL_SECONDS)
            finally:
                self._writing.release()

    def _receive(self) -> dict[str, Any]:
        waited = 0.0
        while True:
            reader = self._reader
            try:
                with self._reading:
                    frame = reader.read(self.stall_seconds) if reader is not None else None
            except TimeoutError:
                waited += self.stall_seconds
                if waited >= PATIENCE * self.stall_seconds or not self._works():
                    raise self._hang(waited) from None
                continue
            except WorkerError as error:  # what follows on this pipe means nothing either
                self.stop()
                raise WorkerError(error.what, hint=NEXT) from error
            if frame is None:
                raise self._death()
            return frame

    def _works(self) -> bool:
        """Whether the silent child uses the processor at this very moment, or waits for a disk."""
        import psutil

        try:
            process = psutil.Process(self.pid or -1)
            before = sum(process.cpu_times()[:2])
            time.sleep(GLANCE_SECONDS)
            busy = sum(process.cpu_times()[:2]) - before > 0.05 * GLANCE_SECONDS
            return busy or process.status() == psutil.STATUS_DISK_SLEEP
        except psutil.Error:
            return False

    def _hang(self, seconds: float) -> WorkerError:
        if self._process is not None:
            self._process.kill()
        self.stop()
        return WorkerError(
            f"the model's process gave no sign of life for {seconds:.0f} seconds and was ended",
            hint=f"ask again: a new one is started; ockit config set stall_seconds {self.stall_seconds * 5:.0f} "
            "gives a slow machine more time",
        )

    def _death(self) -> WorkerError:
        process = self._process
        if process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):  # its own end is the cause, not ours
                process.wait(timeout=1.0)
        self.stop()
        code = process.returncode if process is not None else None
        said = b"".join(self._stderr).decode("utf-8", "replace").strip().splitlines()
        reason = said[-1][:300] if said else "it said nothing"
        if "std::bad_alloc" in reason:  # the C++ libraries' word for it
            reason = "it ran out of memory"
        return WorkerError(
            f"the model's process died ({_cause(code)}): {reason}",
            hint=NEXT,
        )


def _keep_end(stream: Any, lines: deque[bytes]) -> None:
    with stream:
        for line in iter(lambda: stream.readline(4096), b""):
            lines.append(line)


def _cause(code: int | None) -> str:
    if code is None:
        return "cause unknown"
    if code >= 0:
        return f"exit status {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    killed = ", killed from outside or for lack of memory" if name == "SIGKILL" else ""
    return name + killed


def _error(fault: dict[str, Any]) -> OckitError:
    kind = getattr(errors, str(fault.get("type")), WorkerError)
    if not (isinstance(kind, type) and issubclass(kind, OckitError)):
        kind = WorkerError
    hint = fault.get("hint") or (NEXT if kind is WorkerError else None)
    return kind(str(fault.get("what")), where=fault.get("where"), hint=hint)
