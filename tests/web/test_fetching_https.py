"""GETs over TLS, with a certificate that openssl makes for the test."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from ockit.errors import HubError
from ockit.web.fetching import Bounds, fetch

NAMES = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,DNS:search.test")


class _Handler(BaseHTTPRequestHandler):
    target = ""
    hosts: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.hosts.append(self.headers["Host"])
        data = b"in private"
        self.send_response(302 if self.path == "/away" else 200)
        self.send_header("Location", self.target)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *args: object) -> None:
        """A client that refuses the certificate goes away."""


@pytest.fixture
def secured(tmp_path):
    """A server with a certificate of its own for localhost: its address and the certificate's file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            openssl,
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
            *NAMES,
            "-keyout",
            key,
            "-out",
            certificate,
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = _Server(("127.0.0.1", 0), _Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"https://localhost:{server.server_address[1]}", certificate
    server.shutdown()
    server.server_close()


def test_a_certificate_that_nobody_trusts(secured):
    with pytest.raises(HubError, match=r"cannot be reached: .*certificate"):
        fetch(f"{secured[0]}/", {}, bounds=Bounds(seconds=5.0))


def test_a_certificate_that_is_trusted(secured, monkeypatch, live):
    """OpenSSL itself reads SSL_CERT_FILE. What is asked in private is not asked in the open after a redirect."""
    monkeypatch.setenv("SSL_CERT_FILE", str(secured[1]))
    assert fetch(f"{secured[0]}/", {}).body == b"in private"
    with pytest.raises(HubError, match="certificate"):
        fetch(f"{secured[0].replace('localhost', '127.0.0.1')}/", {})
    live.body("/b", b"in the open")
    _Handler.target = f"{live.url.replace('127.0.0.1', 'localhost')}/b"
    with pytest.raises(HubError, match="only https"):
        fetch(f"{secured[0]}/away", {})
    assert live.asked == []


@contextmanager
def listening(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """The port of a server that does this with each who comes."""

    def serve() -> None:
        with suppress(OSError):  # the end of the test closes the listener
            while True:
                stream, _ = listener.accept()
                with stream, suppress(OSError):  # a client that waits no longer goes away
                    answer(stream)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


def drip(stream: socket.socket, data: bytes) -> None:
    for byte in data:
        stream.sendall(bytes([byte]))
        time.sleep(0.05)


def too_late(url: str, variables: dict[str, str]) -> None:
    begin = time.monotonic()
    with pytest.raises(HubError, match=r"took longer than 1 s"):
        fetch(url, variables, bounds=Bounds(seconds=1.0))
    assert time.monotonic() - begin < 3.0


def test_a_greeting_that_drips():
    with listening(lambda stream: drip(stream, b"\x16\x03\x03\x3f\xff" + bytes(100))) as port:
        too_late(f"https://127.0.0.1:{port}/", {})


def test_a_proxy_that_drips():
    with listening(lambda stream: drip(stream, b"HTTP/1.1 200 OK\r\nA: " + b"b" * 100)) as port:
        too_late("https://search.test/", {"https_proxy": f"http://127.0.0.1:{port}"})


def test_through_a_proxy(secured, monkeypatch):
    """What is asked is secured from here to the named host; the proxy learns the host, and its own password."""
    monkeypatch.setenv("SSL_CERT_FILE", str(secured[1]))
    there = int(secured[0].rpartition(":")[2])
    asked = []

    def pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)

    def tunnel(stream: socket.socket) -> None:
        asked.append(stream.recv(65536))
        with socket.create_connection(("127.0.0.1", there)) as target:
            stream.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=pump, args=(target, stream), daemon=True)
            back.start()
            pump(stream, target)
            back.join(5)

    with listening(tunnel) as port:
        answer = fetch("https://search.test/a", {"https_proxy": f"http://me:pass@127.0.0.1:{port}"})
    assert answer.body == b"in private"
    assert len(asked) == 1
    assert asked[0].startswith(b"CONNECT search.test:443 HTTP/1.")
    assert b"Proxy-Authorization: Basic bWU6cGFzcw==" in asked[0]
    assert _Handler.hosts[-1] == "search.test"
