"""A server of answers on this machine, with faults: real sockets, one function an address."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Asked:
    """One request."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass
class LiveServer:
    """What it answers with, by path, and what it was asked."""

    answers: dict[str, Callable[[Handler], None]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def json(self, path: str, said: Any) -> None:
        """Answer with JSON from now on."""
        self.answers[path] = lambda handler: handler.body(json.dumps(said).encode())

    def body(self, path: str, data: bytes, kind: str = "application/xml", **headers: str) -> None:
        """Answer with these bytes from now on."""
        self.answers[path] = lambda handler: handler.body(data, kind, **headers)


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server_of: LiveServer

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server_of.asked.append(Asked(parts.path, dict(parse_qsl(parts.query)), headers))
        answer = self.server_of.answers.get(parts.path)
        if answer is None:
            self.status(404)
        else:
            answer(self)

    def status(self, number: int, **headers: str) -> None:
        self.send_response(number)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def redirect(self, target: str, number: int = 302) -> None:
        self.status(number, Location=target)

    def body(self, data: bytes, kind: str = "application/json", **headers: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def endless(self, piece: bytes, pause: float = 0.0) -> None:
        """Without a length and without an end, until the other side has gone."""
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        while True:
            self.wfile.write(piece)
            self.wfile.flush()
            time.sleep(pause)

    def raw(self, data: bytes) -> None:
        """These bytes instead of an answer."""
        self.wfile.write(data)
        self.wfile.flush()
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the requests are kept."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def live_server() -> Iterator[LiveServer]:
    """A server that runs while the block does."""
    live = LiveServer()
    server = _Server(("127.0.0.1", 0), type("OfThisServer", (Handler,), {"server_of": live}))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    live.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield live
    finally:
        server.shutdown()
        server.server_close()
