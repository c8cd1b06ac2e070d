"""GETs over TLS, with a certificate that openssl makes for the test."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ockit.errors import HubError
from ockit.web.fetching import Bounds, fetch

NAMES = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")


class _Handler(BaseHTTPRequestHandler):
    target = ""

    def do_GET(self) -> None:
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
