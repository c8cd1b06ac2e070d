"""An embedder behind HTTP: any service that speaks OpenAI's ``POST /v1/embeddings`` (OpenAI, llama.cpp's server,
Ollama, vLLM). Used only where a person names its address.

What leaves this machine is the texts and, where ``OCKIT_EMBEDDER_KEY`` is set, that key, to the named address only:
redirects are refused. What comes back is bounded, timed and checked number by number. The service may change the
model behind a name without a word; nothing here can notice.

Format: platform.openai.com/docs/api-reference/embeddings/create.
"""

from __future__ import annotations

import http.client
import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from ockit.errors import HubError, InterruptedByUser, NotFound, UsageError
from ockit.offline import is_this_machine, offline_switch
from ockit.protocols import EmbedderInfo
from ockit.version import __version__

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PREFIX = "openai:"
KEY_VARIABLE = "OCKIT_EMBEDDER_KEY"
FORM = f"{PREFIX}http://127.0.0.1:8080/v1#MODEL"
TEXTS = 64
"""Texts of one request."""
CHARACTERS = 8_000
"""Of a text that are sent; services refuse what is longer than their model reads, about 2,000 tokens at least."""
LARGEST_ANSWER = 64 << 20
CONNECTS = 3
"""How often a connection is tried. A request that was sent is not sent again."""

_LARGEST_DIMENSION = 1 << 16


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an error: the key and the texts are meant for the named address."""

    def redirect_request(self, *_: Any) -> None:
        return None


class EndpointEmbedder:
    """One model of one service.

    Args:
        name: ``openai:URL#MODEL``.
        variables: the environment's.
        seconds: a request may take, from its start to the last byte of its answer.

    Raises:
        UsageError: the name is none of that form.
    """

    def __init__(self, name: str, variables: Mapping[str, str], *, seconds: float = 60.0) -> None:
        self._name = name
        url, _, self._model = name.removeprefix(PREFIX).partition("#")
        self._url = _checked(url, self._model, name)
        self._key = variables.get(KEY_VARIABLE, "").strip()
        if not self._key.isascii() or not self._key.isprintable():
            raise UsageError(f"{KEY_VARIABLE} holds characters that no key has", hint="copy it anew")
        local = is_this_machine(urlsplit(self._url).hostname)
        self._switch = None if local else offline_switch(variables)
        proxies = [urllib.request.ProxyHandler({})] if local else []
        self._opener = urllib.request.build_opener(_NoRedirect(), *proxies)
        self._seconds = seconds
        self._info: EmbedderInfo | None = None
        self._stopped = False

    def warm_up(self) -> None:
        """Nothing: the service runs by itself."""

    def load(self) -> EmbedderInfo:
        """Ask for one vector, to learn its length. Raises HubError, NotFound."""
        if self._info is None:
            dimension = len(self._ask(["ockit"])[0])
            self._info = EmbedderInfo(
                self._name, f"{self._url}#{self._model}", dimension, "remote", CHARACTERS // 4
            )
        return self._info

    def embed(self, texts: Sequence[str], role: Literal["passage", "query"]) -> NDArray[np.float32]:
        """Vectors of length 1, shape (len(texts), dimension). Raises HubError, NotFound, InterruptedByUser."""
        import numpy as np

        found = np.empty((len(texts), self.load().dimension), np.float32)
        for rows, vectors in self.embed_each(texts, role):
            found[rows] = vectors
        return found

    def embed_each(
        self,
        texts: Sequence[str],
        role: Literal["passage", "query"],  # the service is not told: its interface has no place for it
    ) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
        """Vectors as they come: the numbers of their texts, and one row for each. Raises as `embed`."""
        import numpy as np

        self._stopped = False
        dimension = self.load().dimension
        for first in range(0, len(texts), TEXTS):
            if self._stopped:
                raise InterruptedByUser("embedding was stopped")
            part = [_sendable(text) for text in texts[first : first + TEXTS]]
            vectors = self._ask(part)
            if len(vectors[0]) != dimension:
                raise self._nonsense(f"vectors of {len(vectors[0])} numbers, before of {dimension}")
            numbers = np.array(vectors, np.float64)
            lengths = np.linalg.norm(numbers, axis=1, keepdims=True)
            if not (np.isfinite(lengths).all() and lengths.all()):
                raise self._nonsense("a vector that has no length")
            yield list(range(first, first + len(part))), (numbers / lengths).astype(np.float32)

    def cancel(self) -> None:
        """Stop after the request that is on its way."""
        self._stopped = True

    def close(self) -> None:
        """Nothing is held."""

    def _ask(self, texts: list[str]) -> list[list[float]]:
        if self._switch is not None:
            raise HubError(
                f"{self._switch} is set, so the embedder is not asked", hint=f"unset {self._switch}"
            )
        body = json.dumps({"model": self._model, "input": texts, "encoding_format": "float"}).encode()
        headers = {"Content-Type": "application/json", "User-Agent": f"ockit/{__version__}"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        request = urllib.request.Request(self._url, body, headers)  # noqa: S310 - http and https only, by _checked
        deadline = time.monotonic() + self._seconds
        for again in range(CONNECTS):
            try:
                with self._opener.open(request, timeout=self._seconds) as response:
                    data = self._body(response, deadline)
                break
            except urllib.error.HTTPError as error:
                raise self._refusal(error) from error
            except (OSError, http.client.HTTPException, ValueError) as error:
                reason = error.reason if isinstance(error, urllib.error.URLError) else error
                if not isinstance(reason, ConnectionRefusedError | socket.gaierror) or again == CONNECTS - 1:
                    raise self._unreachable(reason) from error
                time.sleep(0.2 * (again + 1))
        return self._vectors(data, len(texts))

    def _body(self, response: http.client.HTTPResponse, deadline: float) -> bytes:
        data = bytearray()
        while piece := response.read1(1 << 16):
            data += piece
            if len(data) > LARGEST_ANSWER:
                raise self._nonsense(f"more than {LARGEST_ANSWER >> 20} MiB")
            if time.monotonic() > deadline:
                raise TimeoutError
        return bytes(data)

    def _vectors(self, data: bytes, expected: int) -> list[list[float]]:
        try:
            rows = sorted(json.loads(data)["data"], key=lambda row: row["index"])
            order = [row["index"] for row in rows]
            vectors = [row["embedding"] for row in rows]
            if order != list(range(expected)):
                raise self._nonsense(f"{len(rows)} vectors for {expected} texts")
            size = len(vectors[0])
            good = 0 < size <= _LARGEST_DIMENSION and all(
                isinstance(vector, list)
                and len(vector) == size
                and all(type(number) in (int, float) for number in vector)
                for vector in vectors
            )
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise self._nonsense("what is no list of vectors") from error
        if not good:
            raise self._nonsense("vectors of different lengths, or with what is no number")
        return vectors

    def _nonsense(self, what: str) -> HubError:
        hint = f"is this the address of an OpenAI-compatible service? {FORM}"
        return HubError(f"the embedder answers {what}", where=self._url, hint=hint)

    def _refusal(self, error: urllib.error.HTTPError) -> HubError | NotFound:
        try:
            said = error.read(2000).decode("utf-8", "replace")
        except (OSError, http.client.HTTPException):
            said = ""
        try:
            told = json.loads(said)["error"]
            said = str(told["message"] if isinstance(told, dict) else told)
        except (ValueError, KeyError, TypeError, RecursionError):
            said = " ".join(said.split())
        if self._key:
            said = said.replace(self._key, "...")
        what = f"the embedder refuses with status {error.code}: {said[:300] or error.reason}"
        if error.code in (401, 403):
            return HubError(what, where=self._url, hint=f"set {KEY_VARIABLE} to the service's key")
        if error.code == 404:
            return NotFound(what, where=self._url, hint=f"is the model {self._model!r} there? {FORM}")
        if 300 <= error.code < 400:
            return HubError(what, where=self._url, hint="redirects are not followed: name the address itself")
        return HubError(what, where=self._url, hint="try again later")

    def _unreachable(self, reason: object) -> HubError:
        if isinstance(reason, TimeoutError):
            what = f"the embedder took longer than {self._seconds:g} s to answer"
        else:
            what = f"the embedder cannot be reached: {getattr(reason, 'strerror', None) or reason}"
        return HubError(what, where=self._url, hint="does the service run, and is the address right?")


def _checked(url: str, model: str, name: str) -> str:
    """The address that is asked. Raises UsageError for what is none, or has a password in it."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if "@" in url:
        raise UsageError(
            f"the embedder's address holds a user or a password: {PREFIX}...@{url.rpartition('@')[2]}",
            hint=f"leave it out and set {KEY_VARIABLE}",
        )
    if not good or not model or not name.isprintable() or not url.isascii() or " " in url:
        raise UsageError(f"{name!r} names no embedder", hint=f"--embedder {FORM}")
    path = parts.path.rstrip("/")
    return parts._replace(path=path if path.endswith("/embeddings") else f"{path}/embeddings").geturl()


def _sendable(text: str) -> str:
    """What is sent of a text: cut, and never empty, which services refuse."""
    return text[:CHARACTERS].encode("utf-8", "replace").decode() or " "
