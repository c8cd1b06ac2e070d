"""A hub of models on this machine, with faults: real sockets, the paths and headers that huggingface.co uses.

``/api/models/OWNER/NAME[/revision/REV]?blobs=true`` lists a repository, ``/OWNER/NAME/resolve/REV/FILE`` redirects to
another port, where the bytes are, as the public hub redirects to its storage.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "1234567890abcdef1234567890abcdef12345678"


@dataclass
class Request:
    """What was asked."""

    port: int
    path: str
    headers: dict[str, str]

    @property
    def is_body(self) -> bool:
        return self.path.startswith("/storage/")


@dataclass
class FakeHub:
    """What the server holds, how it misbehaves, and what it was asked.

    Attributes:
        files: content by path in the only repository, ``someone/tiny-GGUF``.
        fault: called with each request's handler before the answer; True means it has answered itself.
        trickle: sends the bytes of a file; replaced by tests that break in mid-body.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    repo: str = "someone/tiny-GGUF"
    commit: str = COMMIT
    fault: Callable[[Handler], bool] = lambda handler: False
    trickle: Callable[[Handler, bytes], None] = lambda handler, data: handler.whole(data)
    listed: Callable[[dict[str, Any]], Any] = lambda said: said
    ranges: bool = True
    requests: list[Request] = field(default_factory=list)
    endpoint: str = ""
    storage: str = ""

    @property
    def bodies(self) -> list[Request]:
        return [request for request in self.requests if request.is_body]

    def listing(self) -> dict[str, Any]:
        rows = [
            {
                "rfilename": path,
                "size": len(data),
                "lfs": {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134},
            }
            for path, data in self.files.items()
        ]
        rows.append({"rfilename": "README.md", "size": 12, "blobId": "0" * 40})
        return {
            "id": self.repo,
            "sha": self.commit,
            "cardData": {"license": "apache-2.0"},
            "siblings": rows,
        }


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    hub: FakeHub

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.hub.requests.append(Request(self.server.server_address[1], self.path, headers))
        if self.hub.fault(self):
            return
        path = unquote(urlsplit(self.path).path)
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            if found[1] != self.hub.repo:
                self.refuse(401, "RepoNotFound")
            elif found[2] not in (None, "main", self.hub.commit):
                self.refuse(404, "RevisionNotFound")
            else:
                self.plain(json.dumps(self.hub.listed(self.hub.listing())).encode())
        elif found := re.fullmatch(rf"/{self.hub.repo}/resolve/[^/]+/(.+)", path):
            if found[1] in self.hub.files:
                self.send_response(302)
                self.send_header("Location", f"{self.hub.storage}/storage/{found[1]}?signature=s3cret")
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                self.refuse(404, "EntryNotFound")
        elif path.startswith("/storage/") and path.removeprefix("/storage/") in self.hub.files:
            self.hub.trickle(self, self.hub.files[path.removeprefix("/storage/")])
        else:
            self.refuse(404)

    def refuse(self, status: int, code: str = "", **headers: str) -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def plain(self, data: bytes, kind: str = "application/json") -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def head(self, data: bytes) -> bytes:
        """Send the headers of a file, or of the part asked for; gives the bytes to send."""
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked and self.hub.ranges:
            start = int(asked[1])
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            data = data[start:]
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        return data

    def whole(self, data: bytes) -> None:
        self.wfile.write(self.head(data))

    def cut(self, data: bytes, after: int) -> None:
        """So many bytes, then the connection breaks."""
        self.wfile.write(self.head(data)[:after])
        self.break_off()

    def drip(self, data: bytes, step: int, pause: float) -> None:
        """Slowly; the reader may go away at any time."""
        rest = self.head(data)
        try:
            for at in range(0, len(rest), step):
                self.wfile.write(rest[at : at + step])
                self.wfile.flush()
                time.sleep(pause)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def break_off(self) -> None:
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the requests are kept."""


class Server(ThreadingHTTPServer):
    """Readers that go away are what the tests are about."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def served(hub: FakeHub) -> Iterator[FakeHub]:
    """The hub on two ports of this machine while the block runs: ``endpoint``, and ``storage`` behind redirects."""
    handler = type("OfThisHub", (Handler,), {"hub": hub})
    servers = [Server(("127.0.0.1", 0), handler) for _ in range(2)]
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    hub.endpoint, hub.storage = (f"http://127.0.0.1:{server.server_address[1]}" for server in servers)
    try:
        yield hub
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def nobody() -> str:
    """An address where nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"
