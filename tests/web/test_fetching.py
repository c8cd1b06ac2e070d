"""One GET, with everything a server can do to it."""

from __future__ import annotations

import gzip
import time
import zlib

import pytest

from hub_server import nobody
from ockit.errors import HubError
from ockit.offline import SWITCHES
from ockit.web import connections
from ockit.web.fetching import Bounds, fetch

QUICK = Bounds(seconds=1.0, size=1 << 20)


def refused(url: str, match: str, variables=None, **options) -> HubError:
    begin = time.monotonic()
    with pytest.raises(HubError, match=match) as caught:
        fetch(url, variables or {}, bounds=QUICK, **options)
    assert time.monotonic() - begin < 3.0
    return caught.value


def test_an_answer(live):
    live.body("/a", b"<rss/>", ETag='"1"')
    answer = fetch(f"{live.url}/a?q=1", {}, headers={"Accept": "text/xml"})
    assert (answer.status, answer.body, answer.url) == (200, b"<rss/>", f"{live.url}/a")
    assert answer.headers["etag"] == '"1"'
    assert live.asked[0].headers["accept"] == "text/xml"
    assert live.asked[0].headers["user-agent"].startswith("ockit/")
    assert "cookie" not in live.asked[0].headers


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_a_packed_answer(live, pack):
    kind = "gzip" if pack is gzip.compress else "deflate"
    live.body("/a", pack(b"words " * 1000), Content_Encoding=kind)
    assert fetch(f"{live.url}/a", {}).body == b"words " * 1000


def test_a_bomb(live):
    live.body("/a", gzip.compress(bytes(100 << 20)), Content_Encoding="gzip")
    refused(f"{live.url}/a", "more than the 1 MiB")


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        (lambda handler: handler.body(b"x" * (2 << 20)), "more than the 1 MiB"),
        (lambda handler: handler.endless(b"x" * 65536), "more than the 1 MiB"),
        (lambda handler: handler.endless(b"x", 0.1), "took longer than 1 s"),
        (lambda handler: time.sleep(1.5), "took longer than 1 s"),
        (
            lambda handler: handler.raw(b"HTTP/1.1 200 OK\r\n" + b"A: " + b"b" * 70000 + b"\r\n\r\n"),
            "cannot be reached",
        ),
        (lambda handler: handler.raw(b"nonsense\r\n\r\n"), "cannot be reached"),
        (lambda handler: handler.raw(b""), "cannot be reached"),
        (
            lambda handler: handler.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
            "breaks off|cannot be reached",
        ),
        (lambda handler: handler.raw(b"HTTP/1.1 200 OK\r\nContent-Length: -9\r\n\r\nhalf"), ""),
        (
            lambda handler: handler.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
            "cannot be reached",
        ),
        (lambda handler: handler.body(b"no gzip", Content_Encoding="gzip"), "is no gzip"),
        (lambda handler: handler.body(gzip.compress(b"x" * 99)[:-9], Content_Encoding="gzip"), "has no end"),
        (lambda handler: handler.body(b"x", Content_Encoding="br"), "nobody asked for"),
        (lambda handler: handler.status(500), "status 500"),
        (lambda handler: handler.status(304), "status 304"),
        (lambda handler: handler.status(204), "status 204"),
        (lambda handler: handler.redirect("/a"), "more than 5 times"),
        (lambda handler: handler.redirect("http://example.invalid/"), "only https, or the same host"),
        (lambda handler: handler.redirect("file:///etc/passwd"), "cannot be asked"),
        (lambda handler: handler.redirect("http://[::1"), "no address|cannot be asked"),
        (lambda handler: handler.redirect("https://localhost:1/"), "which nobody has named"),
        (lambda handler: handler.redirect("https://169.254.169.254/latest"), "which nobody has named"),
        (lambda handler: handler.redirect("https://[::ffff:10.0.0.1]/"), "which nobody has named"),
    ],
)
def test_what_a_server_can_do(live, answer, match):
    live.answers["/a"] = answer
    if match:
        error = refused(f"{live.url}/a?q=private", match)
        assert "private" not in f"{error} {error.hint}"
    else:
        assert fetch(f"{live.url}/a", {}, bounds=QUICK).status == 200


def test_headers_that_drip(live):
    """A byte now and then is a sign of life to every time-out but one that looks at the clock."""

    def drip(handler):
        for byte in b"HTTP/1.1 200 OK\r\nA: " + b"b" * 100:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            time.sleep(0.05)

    live.answers["/a"] = drip
    refused(f"{live.url}/a", "took longer than 1 s")


def test_redirects_on_the_same_host(live):
    live.answers["/a"] = lambda handler: handler.redirect("/b c?d=1", 308)
    live.body("/b%20c", b"there")
    answer = fetch(f"{live.url}/a", {}, secret={"X-Key": "s3cret"})
    assert (answer.body, answer.url) == (b"there", f"{live.url}/b%20c")
    assert [asked.headers.get("x-key") for asked in live.asked] == ["s3cret", "s3cret"]


def test_a_key_stays_at_home(live):
    """Another port of the same machine is another service."""
    from live_server import live_server

    with live_server() as other:
        other.body("/b", b"there")
        live.answers["/a"] = lambda handler: handler.redirect(f"{other.url}/b")
        assert fetch(f"{live.url}/a", {}, secret={"X-Key": "s3cret"}).body == b"there"
        assert "x-key" not in other.asked[0].headers


def test_nothing_changed(live):
    live.answers["/a"] = lambda handler: handler.status(304)
    assert fetch(f"{live.url}/a", {}, headers={"If-None-Match": '"1"'}).status == 304


def test_nobody_there():
    refused(f"{nobody()}/a", "cannot be reached")


@pytest.mark.parametrize("switch", SWITCHES)
def test_the_offline_switch_leaves_this_machine(live, switch):
    proxy = {"http_proxy": live.url}
    error = refused("http://search.test/a", f"{switch} is set", {switch: "1", **proxy}, source="news")
    assert "news is not asked" in error.what
    assert live.asked == []
    live.body("/a", b"x")
    assert fetch(f"{live.url}/a", {switch: "1", **proxy}).body == b"x"
    assert fetch("http://search.test/a", {switch: "0", **proxy}).status == 200
    live.answers["/away"] = lambda handler: handler.redirect("https://search.test/a")
    refused(f"{live.url}/away", f"{switch} is set", {switch: "1"})


def test_a_proxy_is_asked_instead(live):
    live.body("/a", b"by proxy")
    seen = []
    live.answers["/a"] = lambda handler: (seen.append(handler.path), handler.body(b"by proxy"))[0]
    variables = {"HTTP_PROXY": live.url.replace("//", "//me:p%40ss@"), "no_proxy": ".example.org, other.test"}
    assert fetch("http://search.test/a?q=1", variables).body == b"by proxy"
    assert seen == ["http://search.test/a?q=1"]
    assert live.asked[0].headers["proxy-authorization"] == "Basic bWU6cEBzcw=="


@pytest.mark.parametrize(
    ("url", "proxied"),
    [
        ("http://a.example.org/", False),
        ("http://example.org/", False),
        ("http://badexample.org/", True),
        ("http://localhost/", False),
        ("http://127.0.0.1:8080/", False),
        ("https://a.test/", False),
    ],
)
def test_who_is_asked_without_a_proxy(url, proxied):
    from urllib.parse import urlsplit

    variables = {"http_proxy": "proxy.test:3128", "NO_PROXY": "example.org"}
    found = connections.proxy_for(urlsplit(url), variables)
    assert (found is not None) == proxied


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("127.0.0.1", True),
        ("10.1.2.3", True),
        ("169.254.169.254", True),
        ("::1", True),
        ("fe80::1%eth0", True),
        ("::ffff:192.168.1.1", True),
        ("100.64.0.1", True),
        ("0.0.0.0", True),
        ("93.184.216.34", False),
        ("2606:4700::1111", False),
        ("::ffff:93.184.216.34", False),
        ("2002:c0a8:101::1", True),  # 6to4 of 192.168.1.1
        ("2002:5db8:d822::1", False),  # of 93.184.216.34
        ("2001:0:5db8:d822:0:0:3f57:fefe", True),  # Teredo of 192.168.1.1
        ("64:ff9b::a9fe:a9fe", True),  # NAT64 of 169.254.169.254
        ("64:ff9b::5db8:d822", False),
        ("::10.0.0.1", True),
        ("::", True),
        ("224.0.0.1", True),
        ("ff0e::1", True),
        ("240.0.0.1", True),
        ("fec0::1", True),
        ("64:ff9b:1::a00:1", True),
    ],
)
def test_private_addresses(address, private):
    assert connections.is_private(address) is private
