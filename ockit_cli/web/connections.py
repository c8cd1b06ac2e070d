"""Where a source's bytes may come from: addresses, proxies, and the sockets that lead to them.

A person names the host of a source, so it may be any, this machine included. What that host redirects to was named by
nobody: it may be no private address, else a page on the internet could read a service of this network. The address
that was looked at is the one connected to, so a name cannot change its mind in between. Behind a proxy the proxy
resolves names and decides. Knows no HTTP beyond opening the connection.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import time
from collections.abc import Mapping
from urllib.parse import SplitResult, unquote, urlsplit

from ockit.errors import HubError
from ockit.offline import is_this_machine

Held = http.client.HTTPConnection | socket.socket
"""What can be cut."""

_HOLD_IPV4 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("::/96"))
"""Networks whose last 32 bits are an IPv4 address: that of NAT64 (RFC 6052), and IPv4-compatible ones (RFC 4291)."""


def origin(parts: SplitResult) -> tuple[str, str, int]:
    """Scheme, host and port. Raises ValueError for a port that is none."""
    return (
        parts.scheme,
        (parts.hostname or "").lower(),
        parts.port or (443 if parts.scheme == "https" else 80),
    )


def is_private(address: str) -> bool:
    """Whether an IP address, or one that it leads to, is not a single machine's on the internet: one of this machine
    or its network, or of no or many machines."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return not _is_public(found.ipv4_mapped)
        if any(found in network for network in _HOLD_IPV4):
            return not _is_public(ipaddress.IPv4Address(int(found) & 0xFFFF_FFFF))
        inside = [found.sixtofour, *(found.teredo or ())]
        if not all(_is_public(one) for one in inside if one is not None) or found.is_site_local:
            return True
    return not _is_public(found)


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def proxy_for(parts: SplitResult, variables: Mapping[str, str]) -> SplitResult | None:
    """The proxy that ``http_proxy``/``https_proxy``/``all_proxy`` name for a host ``no_proxy`` does not, or None."""

    def value(name: str) -> str:
        return (variables.get(name) or variables.get(name.upper()) or "").strip()

    host = (parts.hostname or "").lower()
    for entry in value("no_proxy").lower().replace(",", " ").split():
        bare = entry.lstrip("*").lstrip(".")
        if entry == "*" or host == bare or (bare and host.endswith(f".{bare}")):
            return None
    if is_this_machine(host):
        return None
    named = value(f"{parts.scheme}_proxy") or value("all_proxy")
    if not named:
        return None
    return urlsplit(named if "://" in named else f"http://{named}")


def connection(
    parts: SplitResult,
    deadline: float,
    variables: Mapping[str, str],
    *,
    named: bool,
    held: list[Held],
) -> tuple[http.client.HTTPConnection, str, dict[str, str]]:
    """An opened connection, the target to ask for over it, and headers for the proxy.

    Args:
        parts: the address to be asked.
        deadline: of the clock ``time.monotonic``; no single wait lasts beyond it.
        named: whether the person has named this host; one that has not been may not be private.
        held: gets what is opened as soon as it is, so that another thread can cut it while it is greeted.

    Raises:
        HubError: a private address that nobody named, or a proxy that cannot be used.
        OSError: nobody answers.
    """
    scheme, host, port = origin(parts)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    proxy = proxy_for(parts, variables)
    if proxy is None:
        return _direct(scheme, host, port, deadline, named, held), target, {}
    if proxy.scheme != "http" or not proxy.hostname:
        raise HubError(
            f"the proxy for {host} is no http:// address",
            hint=f"set {scheme}_proxy=http://HOST:PORT, or unset it",
        )
    said: dict[str, str] = {}
    if proxy.username:
        from base64 import b64encode

        user = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
        said["Proxy-Authorization"] = f"Basic {b64encode(user.encode()).decode()}"
    opened = http.client.HTTPConnection(proxy.hostname, proxy.port or 80, timeout=_left(deadline))
    held.append(opened)
    if scheme == "https":
        opened.set_tunnel(host, port, said)
        opened.default_port = 443  # of what is asked, so that its Host header bears no port
        opened.connect()
        opened.sock = _secured(opened.sock, host, held)
        return opened, target, {}
    opened.connect()
    return opened, f"http://{parts.netloc}{target}", said


def _direct(
    scheme: str, host: str, port: int, deadline: float, named: bool, held: list[Held]
) -> http.client.HTTPConnection:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    if not named and any(map(is_private, addresses)):
        raise HubError(
            f"the source redirects to {host}, an address of this machine or its network, which nobody has named",
            hint="if it is meant, add the source with that address",
        )
    failed: OSError | None = None
    for address in addresses:
        try:
            stream = socket.create_connection((address, port), _left(deadline))
        except OSError as error:
            failed = error
            continue
        held.append(stream)
        opened: http.client.HTTPConnection
        if scheme == "https":
            stream = _secured(stream, host, held)
            opened = http.client.HTTPSConnection(host, port)
        else:
            opened = http.client.HTTPConnection(host, port)
        opened.sock = stream
        return opened
    raise failed or OSError(f"{host} has no address")


def _secured(stream: socket.socket, host: str, held: list[Held]) -> socket.socket:
    import ssl

    # wrapping empties the socket that was held; the greeting is what takes time, so it comes after the new one is held
    secured = ssl.create_default_context().wrap_socket(
        stream, server_hostname=host, do_handshake_on_connect=False
    )
    held.append(secured)
    secured.do_handshake()
    return secured


def _left(deadline: float) -> float:
    """Seconds until then; a time-out of 0 would mean not to wait at all."""
    return max(0.001, deadline - time.monotonic())
