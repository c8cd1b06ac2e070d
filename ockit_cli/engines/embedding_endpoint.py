"""An embedder behind HTTP: any service that speaks OpenAI's ``POST /v1/embeddings`` (OpenAI, llama.cpp's server,
Ollama, vLLM). Used only where a person names its address.

What leaves this machine is the texts, to the named address only, and the key in ``OCKIT_EMBEDDER_KEY``, to the
address that stands before it there: an index names its embedder too, and may be somebody else's. What comes back is
bounded, timed and checked number by number. The service may change the model behind a name without a word; nothing
here can notice.

Format: platform.openai.com/docs/api-reference/embeddings/create.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal
from urllib.parse import SplitResult, urlsplit

from ockit.engines.embedder_names import ENDPOINT
from ockit.errors import HubError, InterruptedByUser, NotFound, UsageError
from ockit.offline import is_this_machine
from ockit.protocols import EmbedderInfo
from ockit.web.connections import origin
from ockit.web.fetching import Answer, Bounds, post

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

KEY_VARIABLE = "OCKIT_EMBEDDER_KEY"
FORM = f"{ENDPOINT}http://127.0.0.1:8080/v1#MODEL"
KEY_FORM = f"export {KEY_VARIABLE}='https://api.example.org KEY'"
TEXTS = 64
"""Texts of one request."""
CHARACTERS = 8_000
"""Of a text that are sent; services refuse what is longer than their model reads, about 2,000 tokens at least."""
LARGEST_ANSWER = 64 << 20
CONNECTS = 3
"""How often a connection is tried. A request that was sent is not sent again."""

_LARGEST_DIMENSION = 1 << 16
_LONGEST_REASON = 2000


class EndpointEmbedder:
    """One model of one service.

    Args:
        name: ``openai:URL#MODEL``.
        variables: the environment's.
        seconds: a request may take, from its start to the last byte of its answer.

    Raises:
        UsageError: the name is none of that form, or its key would travel readable.
    """

    def __init__(self, name: str, variables: Mapping[str, str], *, seconds: float = 60.0) -> None:
        self._name = name
        url, _, self._model = name.removeprefix(ENDPOINT).partition("#")
        self._url = _checked(url, self._model, name)
        self._key = _key_for(urlsplit(self._url), variables)
        self._variables = variables
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
        body = json.dumps({"model": self._model, "input": texts, "encoding_format": "float"}).encode()
        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        began = time.monotonic()
        for again in range(CONNECTS):
            left = max(0.001, began + self._seconds - time.monotonic()) if again else self._seconds
            try:
                answer = post(
                    self._url,
                    body,
                    self._variables,
                    bounds=Bounds(left, LARGEST_ANSWER),
                    headers=headers,
                    source="the embedder",
                )
                break
            except HubError as error:
                refused = isinstance(error.__cause__, ConnectionRefusedError | socket.gaierror)
                if not refused or again == CONNECTS - 1:
                    raise
                time.sleep(0.2 * (again + 1))
        if answer.status != 200:
            raise self._refusal(answer)
        return self._vectors(answer.body, len(texts))

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

    def _refusal(self, answer: Answer) -> HubError | NotFound:
        said = answer.body[:_LONGEST_REASON].decode("utf-8", "replace")
        try:
            told = json.loads(said)["error"]
            said = str(told["message"] if isinstance(told, dict) else told)
        except (ValueError, KeyError, TypeError, RecursionError):
            said = " ".join(said.split())
        if self._key:
            said = said.replace(self._key, "...")
        what = f"the embedder refuses with status {answer.status}: {said[:300]}".rstrip(" :")
        hint = "try again later"
        if answer.status in (401, 403):
            hint = f"is the key right, and is it for this address? {KEY_FORM}"
        elif answer.status == 404:
            return NotFound(what, where=self._url, hint=f"is the model {self._model!r} there? {FORM}")
        elif 300 <= answer.status < 400:
            hint = "redirects are not followed: name the address itself"
        return HubError(what, where=self._url, hint=hint)


def _key_for(address: SplitResult, variables: Mapping[str, str]) -> str:
    """The key that is for this address; empty where there is none. Raises UsageError."""
    said = variables.get(KEY_VARIABLE, "").split()
    if not said:
        return ""
    try:
        named = origin(urlsplit(said[0]))
    except ValueError:
        named = ("", "", 0)
    if len(said) != 2 or named[0] not in ("http", "https") or not named[1]:
        raise UsageError(
            f"{KEY_VARIABLE} does not say which address its key is for",
            hint=f"the address, then the key: {KEY_FORM}",
        )
    if not said[1].isascii() or not said[1].isprintable():
        raise UsageError(f"{KEY_VARIABLE} holds characters that no key has", hint="copy it anew")
    if named != origin(address):
        return ""
    if address.scheme != "https" and not is_this_machine(address.hostname):
        raise UsageError(
            f"the key would travel readable to {address.hostname}: the address begins with http://",
            hint=f"use https://, or unset {KEY_VARIABLE}",
        )
    return said[1]


def _checked(url: str, model: str, name: str) -> str:
    """The address that is asked. Raises UsageError for what is none, or has a password in it."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if "@" in url:
        raise UsageError(
            f"the embedder's address holds a user or a password: {ENDPOINT}...@{url.rpartition('@')[2]}",
            hint=f"leave it out and set {KEY_VARIABLE}",
        )
    if not good or not model or not name.isprintable() or not url.isascii() or " " in url:
        raise UsageError(f"{name!r} names no embedder", hint=f"--embedder {FORM}")
    path = parts.path.rstrip("/")
    return parts._replace(path=path if path.endswith("/embeddings") else f"{path}/embeddings").geturl()


def _sendable(text: str) -> str:
    """What is sent of a text: cut, and never empty, which services refuse."""
    return text[:CHARACTERS].encode("utf-8", "replace").decode() or " "
