"""One GET or POST, bounded in time, size and redirects; every way it can fail is a `HubError`.

Knows HTTP; knows neither what is asked nor what the answer means. Where a redirect may lead, and which socket leads
there, is `ockit.web.connections`' matter.
"""

from __future__ import annotations

import http.client
import socket
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urljoin, urlsplit

from ockit.errors import HubError
from ockit.offline import is_this_machine, offline_switch
from ockit.version import __version__
from ockit.web.connections import Held, connection, origin

MOST_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_STEP = 1 << 16


@dataclass(frozen=True)
class Bounds:
    """What one answer may cost.

    Attributes:
        seconds: from the first connection to the last byte, redirects included (the system's own look-up of a name
            is bounded by the system).
        size: bytes of the answer, and of what it unpacks to.
    """

    seconds: float = 15.0
    size: int = 8 << 20


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        status: of a GET 200, or 304 where it was asked whether anything has changed; of a POST any.
        url: where it came from in the end.
        headers: by their names in lower case.
        body: unpacked.
    """

    status: int
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def fetch(
    url: str,
    variables: Mapping[str, str],
    *,
    bounds: Bounds | None = None,
    headers: Mapping[str, str] | None = None,
    secret: Mapping[str, str] | None = None,
    source: str = "the source",
) -> Answer:
    """The answer to a GET.

    Args:
        url: the address; its host is one the person has named.
        variables: the environment: proxies, and the switch that leaves nothing but this machine to be asked.
        headers: sent with every request.
        secret: headers sent to the named scheme, host and port only, never behind a redirect elsewhere.
        source: what the person calls it, for errors.

    Raises:
        HubError: offline, unreachable, too slow, too large, a status that is no success, a redirect that is refused.
    """
    limits = bounds or Bounds()
    deadline = time.monotonic() + limits.seconds
    first = _origin(url, source)
    for _ in range(MOST_REDIRECTS + 1):
        at_home = _origin(url, source) == first
        sent = {**(headers or {}), **(secret if secret is not None and at_home else {})}
        with _exchange(url, variables, deadline, limits, sent, first[1], source) as response:
            said = {name.lower(): value for name, value in response.getheaders()}
            if response.status in _REDIRECTS and "location" in said:
                url = _redirected(url, said["location"], first, source)
                continue
            if response.status == 304 and headers and {"If-None-Match", "If-Modified-Since"} & set(headers):
                return Answer(304, _shown(url), said)
            if response.status != 200:
                raise _refusal(response, source, _shown(url), bool(secret))
            return Answer(200, _shown(url), said, _body(response, said, limits, source, _shown(url)))
    raise HubError(f"{source} redirects more than {MOST_REDIRECTS} times", where=_shown(url))


def post(
    url: str,
    body: bytes,
    variables: Mapping[str, str],
    *,
    bounds: Bounds,
    headers: Mapping[str, str],
    source: str,
) -> Answer:
    """The answer to a POST, whatever its status: no redirect is followed, so what is sent reaches the named address
    alone.

    Args:
        as `fetch`'s.

    Raises:
        HubError: offline, unreachable (its cause is then the system's error), too slow, too large.
    """
    deadline = time.monotonic() + bounds.seconds
    home = _origin(url, source)[1]
    with _exchange(url, variables, deadline, bounds, headers, home, source, body) as response:
        said = {name.lower(): value for name, value in response.getheaders()}
        answered = _body(response, said, bounds, source, _shown(url))
        return Answer(response.status, _shown(url), said, answered)


@contextmanager
def _exchange(
    url: str,
    variables: Mapping[str, str],
    deadline: float,
    limits: Bounds,
    headers: Mapping[str, str],
    home: str,
    source: str,
    body: bytes | None = None,
) -> Iterator[http.client.HTTPResponse]:
    """A response whose body is still to be read. The connection is cut at the deadline, whatever drips from it."""
    parts = urlsplit(url)
    switch = offline_switch(variables)
    if switch is not None and not is_this_machine(parts.hostname):
        raise HubError(
            f"{switch} is set, so {source} is not asked",
            where=_shown(url),
            hint=f"unset {switch}, or do without {source}",
        )
    held: list[Held] = []
    late = threading.Event()
    watch = threading.Timer(max(0.0, deadline - time.monotonic()), _cut, (held, late))
    watch.daemon = True
    watch.start()
    try:
        named = (parts.hostname or "").lower() == home
        opened, target, proxied = connection(parts, deadline, variables, named=named, held=held)
        if late.is_set():  # perhaps just before there was anything to cut
            raise TimeoutError
        sent = {"User-Agent": f"ockit/{__version__}", "Accept-Encoding": "gzip", **headers, **proxied}
        opened.request("GET" if body is None else "POST", target, body, {**sent, "Connection": "close"})
        with opened.getresponse() as response:
            yield response
        if late.is_set():  # an answer that the end of the connection ends looks whole when it is cut
            raise _too_late(limits, parts, source)
    except HubError as error:
        if late.is_set():
            raise _too_late(limits, parts, source) from error
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:
        if late.is_set() or isinstance(error, TimeoutError):
            raise _too_late(limits, parts, source) from error
        reason = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
        raise HubError(
            f"{source} cannot be reached: {reason}",
            where=_shown(parts.geturl()),
            hint="is there a network, and is the address right?",
        ) from error
    finally:
        watch.cancel()
        for one in reversed(held):
            one.close()


def _too_late(limits: Bounds, parts: SplitResult, source: str) -> HubError:
    return HubError(
        f"{source} took longer than {limits.seconds:g} s to answer",
        where=_shown(parts.geturl()),
        hint="try again later",
    )


def _cut(held: list[Held], late: threading.Event) -> None:
    late.set()
    for one in held:
        stream = one.sock if isinstance(one, http.client.HTTPConnection) else one
        try:
            if stream is not None:
                stream.shutdown(socket.SHUT_RDWR)
        except OSError:  # it is closed already, which is what the cut is for
            continue


def _body(
    response: http.client.HTTPResponse, said: Mapping[str, str], limits: Bounds, source: str, url: str
) -> bytes:
    """The whole body, unpacked. Raises HubError over the size, packed or unpacked, and for one that breaks off."""
    too_large = HubError(
        f"{source} sends more than the {limits.size / 2**20:g} MiB that are read of an answer", where=url
    )
    announced = said.get("content-length", "")
    if announced.isdecimal() and int(announced) > limits.size:
        raise too_large
    packing = said.get("content-encoding", "identity").strip().lower()
    if packing not in ("identity", "", "gzip", "x-gzip", "deflate"):
        raise HubError(f"{source} packs its answer as {packing[:40]!r}, which nobody asked for", where=url)
    unpacker = None if packing in ("identity", "") else zlib.decompressobj(zlib.MAX_WBITS | 32)
    data, read = bytearray(), 0
    while piece := response.read1(_STEP):
        read += len(piece)
        if unpacker is not None:
            try:
                piece = unpacker.decompress(piece, limits.size + 1 - len(data))
            except zlib.error as error:
                raise HubError(f"what {source} sends is no {packing}: {error}", where=url) from error
        data += piece
        if len(data) > limits.size or read > limits.size:
            raise too_large
    if announced.isdecimal() and read < int(announced):
        raise HubError(f"the answer of {source} breaks off after {read} of {announced} bytes", where=url)
    if unpacker is not None and not unpacker.eof:
        raise HubError(f"the answer of {source} breaks off: its {packing} stream has no end", where=url)
    return bytes(data)


def _origin(url: str, source: str) -> tuple[str, str, int]:
    try:
        found = origin(urlsplit(url))
        good = found[0] in ("http", "https") and bool(found[1])
    except ValueError:
        good = False
    if not good:
        raise HubError(f"{source} leads to an address that cannot be asked", where=_shown(url))
    return found


def _redirected(url: str, location: str, first: tuple[str, str, int], source: str) -> str:
    """Where a redirect leads, if it may: to https, or to the same scheme and host."""
    try:
        target = urljoin(url, location.strip())
    except ValueError as error:
        raise HubError(f"{source} redirects to no address: {location[:100]!r}", where=_shown(url)) from error
    scheme, host, _ = _origin(target, source)
    secured = urlsplit(url).scheme == "https"
    if scheme != "https" and (host != first[1] or secured):
        raise HubError(
            f"{source} redirects to {_shown(target)}: only https, or the same host as before, is followed",
            where=_shown(url),
            hint="if it is meant, add the source with that address",
        )
    if not target.isascii() or not target.isprintable() or " " in target:
        from urllib.parse import quote

        target = quote(target, safe="%/:?#[]@!$&'()*+,;=~-._")
    return target


def _refusal(response: http.client.HTTPResponse, source: str, url: str, keyed: bool) -> HubError:
    status = response.status
    hint = "does the address open in a browser?"
    if status in (401, 403):
        hint = (
            "is the key valid?"
            if keyed
            else "does it want a key? ockit indexes add-http ... --key-variable VAR"
        )
    elif status == 429 or status >= 500:
        hint = "try again later"
    return HubError(
        f"{source} answers with status {status} ({(response.reason or '')[:60]})", where=url, hint=hint
    )


def _shown(url: str) -> str:
    """An address without a user and without what was asked, which is nobody else's matter."""
    head, _, _ = url.partition("?")
    scheme, mark, rest = head.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{mark}{authority.rpartition('@')[2]}{slash}{path}"
