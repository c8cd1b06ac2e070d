"""A hub of models over the network: what a repository holds, and the bytes of one of its files.

Speaks the Hugging Face hub's HTTP interface through the session of huggingface_hub, and turns every way it can fail
into a `HubError` or `NotFound` that says what to do. Knows no disk. Where the hub is, the token, and whether the
network may be used come from the variables that huggingface_hub documents (``HF_ENDPOINT HF_TOKEN HF_TOKEN_PATH
HF_HOME HF_HUB_OFFLINE HF_HUB_DISABLE_IMPLICIT_TOKEN HF_HUB_ETAG_TIMEOUT HF_HUB_DOWNLOAD_TIMEOUT``).

The library's own downloads are not used: they keep a cache of links in a layout of their own, may take another
transport, hash nothing, and do not bound what a server sends.
"""

from __future__ import annotations

import json
import re
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import quote, urlsplit

from ockit.errors import HubError, NotFound
from ockit.models.hub_files import RemoteFile
from ockit.models.hub_variables import endpoint_of, seconds, token_of
from ockit.offline import offline_switch
from ockit.version import __version__

LARGEST_LISTING = 16 << 20
TRIES = 4
"""How often a listing is asked for while the hub is busy or fails."""

LONGEST_WAIT = 60.0
"""Seconds a hub may ask to be left alone for; one that asks for more is not waited for."""

_BUSY = (408, 425, 429, 500, 502, 503, 504)
_LATER = "try again later: what has been fetched is kept"
# The client's errors by the names of their classes, which outlive its package's name (see `Hub._answer`).
_PASSING = {"TimeoutException", "NetworkError", "ProxyError", "RemoteProtocolError"}
_NO_ADDRESS = {"InvalidURL"}  # the client makes a RemoteProtocolError of it
_UNTRUSTED = {"SSLCertVerificationError"}
_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Listing:
    """A repository at one commit. ``commit`` is what the files are fetched from, so they fit together."""

    repo: str
    commit: str
    license: str | None
    files: tuple[RemoteFile, ...]


class Busy(Exception):
    """The hub or the way to it fails for the moment.

    Attributes:
        error: what to say once nobody tries again.
        wait: the seconds the hub asks for, or None.
        reached: False where nothing answered at all.
    """

    def __init__(self, error: HubError, wait: float | None = None, *, reached: bool = True) -> None:
        super().__init__(error.what)
        self.error = error
        self.wait = wait
        self.reached = reached


@dataclass(frozen=True)
class Body:
    """An answer whose content is on its way.

    Attributes:
        start: where in the file the content begins; 0 where a server ignores what it was asked.
        total: bytes of the whole file, where the server says so.
        chunks: the content as it comes, unbuffered: what has come when the connection breaks is not lost.
    """

    start: int
    total: int | None
    chunks: Iterator[bytes]


@dataclass(frozen=True)
class Hub:
    """One hub.

    Attributes:
        endpoint: its address, without a slash at the end and without a user.
        token: what is sent as ``Authorization``, to this address only; never shown.
        login: ``NAME:PASSWORD``, sent in the token's place; never shown.
        offline: the variable that forbids the network, or None.
        pause: waits so many seconds.
    """

    endpoint: str
    token: str | None = field(default=None, repr=False)
    login: str | None = field(default=None, repr=False)
    offline: str | None = None
    listing_timeout: float = 15.0
    body_timeout: float = 30.0
    pause: Callable[[float], object] = time.sleep

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> Hub:
        """The hub that the environment names. Raises UsageError for an address or a token that cannot be."""
        endpoint, login = endpoint_of(variables)
        return cls(
            endpoint,
            token_of(variables),
            login,
            offline_switch(variables),
            seconds(variables.get("HF_HUB_ETAG_TIMEOUT"), 15.0),
            seconds(variables.get("HF_HUB_DOWNLOAD_TIMEOUT"), 30.0),
        )

    def page(self, repo: str) -> str:
        """Where a person reads about a repository."""
        return f"{self.endpoint}/{repo}"

    def address(self, repo: str, path: str, revision: str = "main") -> str:
        """Where a file is fetched from."""
        return f"{self.endpoint}/{repo}/resolve/{quote(revision, safe='')}/{quote(path)}"

    def listing(self, repo: str, revision: str | None = None, path: str | None = None) -> Listing:
        """What a repository holds. `path` is the file that is looked for, where it is known: an error names it.

        Raises:
            NotFound: there is no such repository or revision.
            HubError: the hub cannot be reached, refuses, or answers nonsense.
        """
        url = f"{self.endpoint}/api/models/{repo}"
        if revision is not None:
            url += f"/revision/{quote(revision, safe='')}"
        tries = 1
        while True:
            try:
                return _listing(repo, self._small(f"{url}?blobs=true", repo, revision, path), revision)
            except Busy as busy:
                if tries == TRIES or not busy.reached:
                    raise busy.error from busy
                self.pause(2.0**tries / 2 if busy.wait is None else busy.wait)
                tries += 1

    @contextmanager
    def body(self, listing: Listing, file: RemoteFile, start: int = 0) -> Iterator[Body]:
        """The content of a file from byte ``start`` on.

        Raises:
            Busy: worth another try; reading the chunks may raise it too.
            NotFound, HubError: not worth one.
        """
        headers = {"Range": f"bytes={start}-"} if start else {}
        url = self.address(listing.repo, file.path, listing.commit)
        with self._answer(
            url, listing.repo, listing.commit, self.body_timeout, headers, file.path
        ) as response:
            if response.status_code == 206:
                said = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("content-range", ""))
                if said is None or int(said[1]) != start:
                    raise HubError(
                        f"{self._host} was asked for the file from byte {start} on and sent another part of it",
                        where=url,
                    )
                total = None if said[2] == "*" else int(said[2])
                yield Body(start, total, response.iter_raw())
            else:
                length = response.headers.get("content-length", "")
                yield Body(0, int(length) if length.isdecimal() else None, response.iter_raw())

    @property
    def _host(self) -> str:
        return urlsplit(self.endpoint).netloc

    def _small(self, url: str, repo: str, revision: str | None, path: str | None) -> bytes:
        """The whole of a short answer."""
        with self._answer(url, repo, revision, self.listing_timeout, {}, None, path) as response:
            data = b""
            for chunk in response.iter_bytes(1 << 16):
                data += chunk
                if len(data) > LARGEST_LISTING:
                    raise HubError(f"the list of files that {self._host} sends has no end", where=url)
            return data

    @contextmanager
    def _answer(
        self,
        url: str,
        repo: str,
        revision: str | None,
        timeout: float,
        headers: Mapping[str, str],
        path: str | None,
        sought: str | None = None,
    ) -> Iterator[Any]:
        """A good answer whose content has not been read; whatever else comes is raised. `path` is the file that is
        asked for, `sought` one that would be next."""
        way_out = self.by_hand(repo, path or sought, revision)
        if self.offline is not None:
            raise HubError(
                f"{self.offline} is set, so nothing is fetched",
                hint=f"unset {self.offline}. Or {way_out}",
            )
        from huggingface_hub import get_session
        from huggingface_hub.errors import HfHubHTTPError

        # The client's own base of all that goes wrong on the way; its package changes between releases of
        # huggingface_hub (httpx, httpx2), this class's parent does not.
        transport_error = cast(type[Exception], HfHubHTTPError.__bases__[0])
        sent = {"User-Agent": f"ockit/{__version__}", "Accept-Encoding": "identity", **headers}
        # the client drops it where a redirect leaves the host
        if self.login is not None:
            sent["Authorization"] = f"Basic {b64encode(self.login.encode()).decode()}"
        elif self.token is not None:
            sent["Authorization"] = f"Bearer {self.token}"
        answered = False
        try:
            with get_session().stream("GET", url, headers=sent, timeout=timeout) as response:
                answered = True
                if response.status_code not in (200, 206):
                    raise self._refusal(response, repo, revision, path)
                yield response
        except transport_error as error:
            raise self._broken(error, answered, way_out, self.page(repo)) from error

    def _broken(self, error: Exception, answered: bool, way_out: str, page: str) -> Busy | HubError:
        """What a failure on the way means: that of a moment, or one that every further try would meet again."""
        reason = str(error).strip() or type(error).__name__
        causes = _names_of_causes(error)
        if causes & _UNTRUSTED:
            return HubError(f"cannot reach {self._host}: {reason}", hint=way_out)
        if not causes & _PASSING or causes & _NO_ADDRESS:
            return HubError(
                f"the answer of {self._host} cannot be used: {reason}",
                where=page,
                hint="does the page open in a browser? HF_ENDPOINT says which hub is asked",
            )
        if answered:
            return Busy(HubError(f"the connection to {self._host} broke: {reason}", hint=_LATER))
        return Busy(HubError(f"cannot reach {self._host}: {reason}", hint=way_out), reached=False)

    def _refusal(
        self, response: Any, repo: str, revision: str | None, path: str | None
    ) -> Busy | HubError | NotFound:
        """What an answer means that is not the thing asked for."""
        status, code = response.status_code, response.headers.get("x-error-code", "")
        if status in _BUSY:
            return self._busy(status, response.headers.get("retry-after", ""))
        page = self.page(repo)
        if code == "RevisionNotFound":
            return NotFound(f"{repo} has no revision {revision or 'main'!r}", where=page)
        if code == "EntryNotFound" or (status == 404 and path is not None):
            return NotFound(f"{repo} has no file {path!r}", where=page)
        known = self.login is not None or self.token is not None
        refused_token = status == 401 and known and not code
        if status in (401, 404) and code != "GatedRepo" and not refused_token:
            return NotFound(
                f"there is no repository {repo} on {self._host}, or it is a private one",
                hint="check the name; a private one needs a token in HF_TOKEN; ockit models suggest names some",
            )
        said = response.headers.get("x-error-message", "")[:200]
        what = f"{self._host} refuses {path or repo} (status {status}{': ' if said else ''}{said})"
        hint = "does the page open in a browser?"
        if code == "GatedRepo":
            what = f"{repo} is gated: its owners want you to agree to their terms first"
            hint = "agree on that page, make a token in your settings there, then set HF_TOKEN to it"
        elif refused_token:
            what, hint = f"{self._host} does not accept the token", "give HF_TOKEN a valid one, or unset it"
            if self.login is not None:
                what, hint = f"{self._host} does not accept that user", "look at the user in HF_ENDPOINT"
        return HubError(what, where=page, hint=hint)

    def _busy(self, status: int, retry_after: str) -> Busy | HubError:
        wait = float(retry_after) if retry_after.isdecimal() else None  # a date there is not understood
        what = "asks to be left alone for a while" if status == 429 else "is in trouble"
        told = f", {wait:.0f} s" if wait else ""
        error = HubError(f"{self._host} {what} (status {status}{told})", hint=_LATER)
        return error if wait is not None and wait > LONGEST_WAIT else Busy(error, wait)

    def by_hand(self, repo: str, path: str | None, revision: str | None = None) -> str:
        """How a person gets the file onto a machine without a network."""
        where = self.address(repo, path, revision or "main") if path else f"{self.page(repo)}/tree/main"
        return (
            f"where there is a network, fetch {'this file' if path else 'a GGUF file from this page'},\n"
            f"       {where}\n"
            f"       bring it to this machine, then: ockit models add FILE"
        )


def _listing(repo: str, data: bytes, revision: str | None) -> Listing:
    """A listing from the hub's JSON. Raises HubError for anything else."""
    try:
        said = json.loads(data)
        rows = said["siblings"]
        files = tuple(_file(row) for row in rows if isinstance(row.get("rfilename"), str))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise HubError(
            f"what the hub says of {repo} cannot be understood",
            hint="is HF_ENDPOINT the address of a hub? A network that wants a login first answers like this too",
        ) from error
    commit, card = said.get("sha"), said.get("cardData")
    license = card.get("license") if isinstance(card, dict) else None
    whole = isinstance(commit, str) and re.fullmatch(r"[0-9a-f]{40,64}", commit)
    return Listing(
        repo, commit if whole else revision or "main", license if isinstance(license, str) else None, files
    )


def _names_of_causes(error: BaseException | None) -> set[str]:
    """The classes, with their bases, of an error and of those it was made from."""
    names: set[str] = set()
    while error is not None:
        names |= {kind.__name__ for kind in type(error).__mro__}
        error = error.__cause__ or error.__context__
    return names


def _file(row: Mapping[str, Any]) -> RemoteFile:
    large = row.get("lfs")
    large = large if isinstance(large, dict) else {}
    size, digest = large.get("size", row.get("size")), large.get("sha256")
    sound = isinstance(size, int) and not isinstance(size, bool) and size >= 0
    digest = digest.lower() if isinstance(digest, str) and _HEX.fullmatch(digest.lower()) else None
    return RemoteFile(row["rfilename"], size if sound else None, digest)
