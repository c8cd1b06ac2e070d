"""An embedder behind HTTP, against a server that answers as services do and as none should."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ockit.engines import embedding_endpoint
from ockit.engines.embedders import open_embedder
from ockit.engines.embedding_endpoint import EndpointEmbedder
from ockit.environment import Environment
from ockit.errors import HubError, NotFound, UsageError


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        service = self.server.service
        service.seen.append((self.path, dict(self.headers), body))
        texts = body["input"]
        rows = [{"index": n, "embedding": [float(len(text)), 3.0, -4.0]} for n, text in enumerate(texts)]
        status, data = service.answer(texts, rows)
        if not isinstance(data, bytes):
            data = json.dumps(data).encode()
        if service.instead is not None:
            service.instead(self)
            return
        self.send_response(status)
        self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.end_headers()
        for piece in service.pieces(data):
            self.wfile.write(piece)
            self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Not on the screen."""


class Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A client that waits no longer goes away."""


class Service:
    """One server and what it answers: `answer` and `pieces` may be replaced, `instead` of both."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, str], dict]] = []
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.service = self
        self.answer = lambda texts, rows: (200, {"data": rows[::-1]})
        self.pieces = lambda data: [data]
        self.instead: Callable[[Handler], None] | None = None
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def embedder(self, seconds: float = 10.0, **variables: str) -> EndpointEmbedder:
        return EndpointEmbedder(f"openai:{self.url}#small/model", variables, seconds=seconds)


@pytest.fixture
def service():
    made = Service()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_vectors_come_in_order_and_have_length_1(service):
    embedder = service.embedder()
    texts = ["x" * (n % 9) for n in range(150)] + ["\ud800", "y" * 100_000]
    vectors = embedder.embed(texts, "passage")
    assert vectors.shape == (152, 3)
    assert abs((vectors**2).sum(axis=1) - 1).max() < 1e-5
    assert vectors[8][0] / vectors[8][1] == pytest.approx(8 / 3)
    assert vectors[151][0] / vectors[151][1] == pytest.approx(8000 / 3)
    assert len(service.seen) == 1 + 3
    path, headers, body = service.seen[1]
    assert path == "/v1/embeddings"
    assert "Authorization" not in headers
    assert body["model"] == "small/model"
    assert "" not in body["input"]
    info = embedder.load()
    assert (info.identity, info.dimension, info.pooling) == (
        f"{service.url}/embeddings#small/model",
        3,
        "remote",
    )
    assert embedder.embed([], "query").shape == (0, 3)


def test_the_key_is_sent_and_never_shown(service):
    service.answer = lambda texts, rows: (401, {"error": {"message": "bad key sk-123\x1b[31m"}})
    with pytest.raises(HubError) as caught:
        service.embedder(OCKIT_EMBEDDER_KEY=f"{service.url} sk-123").load()
    assert service.seen[0][1]["Authorization"] == "Bearer sk-123"
    assert "sk-123" not in f"{caught.value} {caught.value.hint}"
    assert "OCKIT_EMBEDDER_KEY" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("status", "data", "kind", "words"),
    [
        (404, {"error": "model not found"}, NotFound, "model not found"),
        (500, b"<html>oops</html>", HubError, "status 500"),
        (429, b"", HubError, "status 429"),
        (302, b"", HubError, "status 302"),
        (200, b"not json", HubError, "no list of vectors"),
        (200, b"[" * 100_000, HubError, "no list of vectors"),
        (200, {"data": []}, HubError, "0 vectors for 1"),
        (200, {"data": [{"index": 1, "embedding": [1.0]}]}, HubError, "1 vectors for 1"),
        (200, {"data": [{"index": 0, "embedding": []}]}, HubError, "different lengths"),
        (200, {"data": [{"index": 0, "embedding": ["1"]}]}, HubError, "no number"),
        (200, {"data": [{"index": 0, "embedding": "AAAA"}]}, HubError, "different lengths"),
        (200, {"data": [{"index": 0}]}, HubError, "no list of vectors"),
    ],
)
def test_what_is_no_answer_is_an_error(service, status, data, kind, words):
    service.answer = lambda texts, rows: (status, data)
    with pytest.raises(kind) as caught:
        service.embedder().load()
    assert words in caught.value.what
    assert caught.value.where == f"{service.url}/embeddings"
    assert caught.value.hint
    assert len(service.seen) == 1  # what was sent is not sent again, and nothing is followed


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 0.0])
def test_a_vector_without_a_length_is_an_error(service, number):
    service.answer = lambda texts, rows: (200, {"data": [{"index": 0, "embedding": [number, number]}]})
    with pytest.raises(HubError, match="no length"):
        service.embedder().embed(["a"], "query")


def test_a_dimension_that_changes_is_an_error(service):
    embedder = service.embedder()
    embedder.load()
    service.answer = lambda texts, rows: (200, {"data": [{"index": 0, "embedding": [1.0, 2.0]}]})
    with pytest.raises(HubError, match="vectors of 2 numbers, before of 3"):
        embedder.embed(["a"], "query")


def test_an_answer_without_end_is_cut(service, monkeypatch):
    monkeypatch.setattr(embedding_endpoint, "LARGEST_ANSWER", 1 << 20)
    service.pieces = lambda data: (b" " * 65536 for _ in range(64))
    with pytest.raises(HubError, match="more than the 1 MiB"):
        service.embedder().load()


def test_a_key_is_sent_to_the_address_that_stands_before_it(service):
    """An index may name an embedder that the key is not for."""
    port = service.server.server_port
    for address in ("https://api.example.org", f"http://127.0.0.1:{port + 1}", f"https://127.0.0.1:{port}"):
        service.embedder(OCKIT_EMBEDDER_KEY=f"{address} sk-123").load()
    assert len(service.seen) == 3
    assert not any("Authorization" in headers for _, headers, _ in service.seen)


@pytest.mark.parametrize(
    "said", ["sk-123", "https:// sk-123", "https://h:x/ sk-123", "https://h sk-1 2", "https://h é"]
)
def test_a_key_that_is_for_nobody_or_is_none_is_refused_and_not_shown(service, said):
    with pytest.raises(UsageError, match="OCKIT_EMBEDDER_KEY") as caught:
        service.embedder(OCKIT_EMBEDDER_KEY=said)
    assert "sk-" not in f"{caught.value}{caught.value.hint}"


def test_a_key_does_not_travel_readable():
    variables = {"OCKIT_EMBEDDER_KEY": "http://embedder.example.org sk-123"}
    with pytest.raises(UsageError, match=r"readable to embedder\.example\.org"):
        EndpointEmbedder("openai:http://embedder.example.org/v1#m", variables)


def _drip_headers(handler: Handler) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nA: " + b"b" * 60:
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
        time.sleep(0.1)


def test_silence_and_dripping_end(service):
    for pieces in (
        lambda data: [time.sleep(3) or data],
        lambda data: (time.sleep(0.2) or b" " for _ in range(50)),
        None,
    ):
        service.pieces, service.instead = (pieces, None) if pieces else (service.pieces, _drip_headers)
        started = time.monotonic()
        with pytest.raises(HubError, match=r"longer than 0\.8 s"):
            service.embedder(seconds=0.8).load()
        assert time.monotonic() - started < 2.5


def test_nobody_there_is_tried_again_and_then_an_error():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(HubError, match="cannot be reached") as caught:
        EndpointEmbedder(f"openai:http://127.0.0.1:{port}/v1#m", {}).load()
    assert f"127.0.0.1:{port}" in str(caught.value.where)


def test_the_offline_switch_forbids_what_is_not_this_machine(service):
    with pytest.raises(HubError, match="HF_HUB_OFFLINE is set"):
        EndpointEmbedder("openai:https://api.example.org/v1#m", {"HF_HUB_OFFLINE": "1"}).load()
    assert service.embedder(HF_HUB_OFFLINE="1").load().dimension == 3


@pytest.mark.parametrize(
    "name",
    [
        "openai:",
        "openai:http://h/v1",
        "openai:ftp://h/v1#m",
        "openai:file:///etc/passwd#m",
        "openai:http://#m",
        "openai:http://h:0/v1#m",
        "openai:http://h h/v1#m",
        "openai:http://h/v1#m\x1b[2J",
        "openai:http://h:x/#m",
    ],
)
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(UsageError):
        EndpointEmbedder(name, {})


def test_a_password_in_the_address_is_not_shown():
    with pytest.raises(UsageError) as caught:
        EndpointEmbedder("openai:http://me:secret@h/v1#m", {})
    assert "secret" not in f"{caught.value}{caught.value.hint}"


def test_it_is_opened_by_its_name(service, tmp_path):
    with Path(os.devnull).open("rb") as stdin:
        environment = Environment(stdin, sys.stdout, sys.stderr, {"OCKIT_HOME": str(tmp_path)}, tmp_path)
        with_path = open_embedder(f"openai:{service.url}/embeddings#m", environment)
    assert with_path.load().identity == f"{service.url}/embeddings#m"
