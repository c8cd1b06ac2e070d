"""The child's side: ``python -P -m ockit.workers.child MODULE:FUNCTION`` hosts one service.

The named function makes the service; the service has `handle(method, params)`, which yields events as JSON
objects and returns a result, and `cancel()`. Calls run on the main thread, one at a time; a second thread reads
the pipe, so that a cancel or the parent's death is noticed in the middle of a call.

Standard output is the pipe. Anything a library prints goes to standard error, which the parent keeps the end of.
"""

from __future__ import annotations

import importlib
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Generator
from typing import Any, Protocol

from ockit.errors import OckitError
from ockit.workers.limits import die_with_parent, limit_memory
from ockit.workers.pipe import FrameReader, write_frame


class Service(Protocol):
    """What a worker hosts."""

    def handle(self, method: str, params: dict[str, Any]) -> Generator[dict[str, Any], None, Any]:
        """Run one call: yield event objects, return a JSON-ready result."""

    def arm(self) -> None:
        """A call has come in: a cancel from now on means it. Called from another thread."""

    def cancel(self) -> None:
        """Stop the last call that came in, soon. Called from another thread."""


def main(argv: list[str]) -> None:
    """Serve until the parent closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to translate into a cancel
    requests = os.dup(0)
    answers = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    die_with_parent()
    limit_memory()
    module, _, function = argv[0].partition(":")
    service: Service = getattr(importlib.import_module(module), function)()
    calls: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests, service, calls), daemon=True).start()
    while True:
        call = calls.get()
        _run(service, call, answers)


def _listen(requests: int, service: Service, calls: queue.SimpleQueue[dict[str, Any]]) -> None:
    reader = FrameReader(requests)
    try:
        while (frame := reader.read()) is not None:
            if "cancel" in frame:
                service.cancel()
            else:
                service.arm()  # here, in the order of the pipe: an early cancel is not lost, a late one not kept
                calls.put(frame)
    except Exception:  # noqa: BLE001 - deaf, this process would never end
        traceback.print_exc()
        os._exit(1)
    os._exit(0)  # the parent is gone: nobody wants the rest, and a C call cannot be unwound


def _run(service: Service, call: dict[str, Any], answers: int) -> None:
    number = call["id"]
    generator = service.handle(call["method"], call["params"])
    try:
        while True:
            try:
                event = next(generator)
            except StopIteration as end:
                write_frame(answers, {"id": number, "result": end.value})
                return
            write_frame(answers, {"id": number, "event": event})
    except OckitError as error:
        fault = {"type": type(error).__name__, "what": error.what, "where": error.where, "hint": error.hint}
        write_frame(answers, {"id": number, "error": fault})
    except Exception as error:  # noqa: BLE001 - the parent must hear of whatever it was
        traceback.print_exc()
        full = _out_of_memory(error)
        what = "ran out of memory" if full else f"failed: {type(error).__name__}: {error}"
        failure: dict[str, Any] = {
            "type": "WorkerError",
            "what": f"the model's process {what}",
            "fatal": full,
        }
        write_frame(answers, {"id": number, "error": failure})


def _out_of_memory(error: BaseException | None) -> bool:
    """Whether a lack of memory is at the root of an error; libraries like to wrap it in their own."""
    while error is not None:
        # the latter two: the C library's words, and the loader's for a library it has no room for
        if isinstance(error, MemoryError) or any(
            words in str(error) for words in ("annot allocate memory", "failed to map segment")
        ):
            return True
        error = error.__cause__ or error.__context__
    return False


if __name__ == "__main__":
    main(sys.argv[1:])
