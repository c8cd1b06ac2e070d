"""A service for the tests of workers: it echoes, counts, lies, hangs and dies on request."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Generator
from typing import Any

from ockit.errors import NotFound


class Service:
    """What `ockit.workers.child` hosts in these tests."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def arm(self) -> None:
        self._stopped.clear()

    def cancel(self) -> None:
        self._stopped.set()

    def handle(self, method: str, params: dict[str, Any]) -> Generator[dict[str, Any], None, Any]:
        if method == "count":
            for number in range(params["to"]):
                if self._stopped.wait(params.get("every_s", 0.0)):
                    return {"stopped_at": number}
                yield {"number": number}
        return getattr(self, method)(**params) if method != "count" else {"stopped_at": None}

    def echo(self, **params: Any) -> Any:
        return params

    def pid(self) -> int:
        return os.getpid()

    def surroundings(self) -> dict[str, Any]:
        import json

        import ockit

        return {
            "environ": dict(os.environ),
            "path": sys.path,
            "json": json.__file__,
            "ockit": ockit.__file__,
            "session": os.getsid(0),
            "stdin": os.readlink("/proc/self/fd/0"),
        }

    def chatter(self) -> str:
        print("x" * 200_000)  # noqa: T201 - what a library may do
        os.write(1, b"\x00\xff not a frame\n" * 1000)
        sys.stderr.write("to stderr\n" * 5000)
        return "done"

    def not_found(self) -> None:
        raise NotFound("there is no such thing", where="here:7", hint="look elsewhere")

    def bug(self) -> None:
        raise ValueError("a bug")

    def no_json(self) -> Any:
        return object()

    def exit(self, status: int) -> None:
        sys.stderr.write("famous last words\n")
        sys.stderr.flush()
        os._exit(status)

    def abort(self) -> None:
        os.abort()

    def hang(self) -> None:
        time.sleep(3600)

    def work(self, seconds: float) -> str:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pass
        return "done"

    def eat(self) -> None:
        hoard = []
        while True:
            hoard.append(bytearray(16 << 20))
