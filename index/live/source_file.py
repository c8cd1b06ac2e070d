"""A live source as the person has added it: ``<data>/indexes/NAME/source.toml``.

Nothing is ever read from the working directory, and no secret stands in the file: a key is named by the variable it
is in. Knows the file and what may stand in it; asks nobody.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal
from urllib.parse import SplitResult, urlsplit

from ockit.environment import Directories
from ockit.errors import StoreError, UsageError
from ockit.files import read_limited, write_atomic
from ockit.index.live.json_paths import JsonPath
from ockit.index.places import place_of

FILE = "source.toml"
LARGEST = 64 << 10
LONGEST_URL = 4000
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_RESERVED_HEADERS = {
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "accept-encoding",
    "te",
    "upgrade",
}
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class SourceFile:
    """A live source.

    Attributes:
        kind: ``http`` asks a search service at every question; ``feed`` says where a feed's index comes from.
        url: of a feed its address; of a service a template with ``{query}`` and, where it takes one, ``{n}``.
        items: where in the answer the list of results stands (`JsonPath`); the next four are looked for in each result.
        key_variable: the variable the service's key is in, or nothing.
        key_header: the header the key goes into; ``Authorization`` gets ``Bearer`` in front of it.
        timeout: seconds a question may take.
        embedder: of a feed: the embedder its index is made with, as ``--embedder`` names it; empty: the embedded one.
    """

    kind: Literal["http", "feed"]
    url: str
    items: str = ""
    text: str = ""
    title: str = ""
    link: str = ""
    score: str = ""
    key_variable: str = ""
    key_header: str = "Authorization"
    timeout: float = 15.0
    embedder: str = ""

    def checked(self) -> SourceFile:
        """Itself, if everything in it can be. Raises UsageError."""
        parts = _address(self.url)
        if not 0.1 <= self.timeout <= 300:
            raise UsageError(f"the timeout is {self.timeout:g} s, but must lie between 0.1 and 300")
        if self.kind == "feed":
            return self
        template(self.url)
        JsonPath.parse(self.items, "--items")
        JsonPath.parse(self.text, "--text")
        for option, path in (("--title", self.title), ("--url", self.link), ("--score", self.score)):
            if path:
                JsonPath.parse(path, option)
        if self.key_variable and not _VARIABLE.fullmatch(self.key_variable):
            raise UsageError(
                "--key-variable is no name of a variable",  # and may be the key itself: it is not shown
                hint="put the key into a variable and name that: --key-variable SEARCH_KEY",
            )
        if not _HEADER.fullmatch(self.key_header) or self.key_header.lower() in _RESERVED_HEADERS:
            raise UsageError(f"--key-header is {self.key_header!r}, which is no header a key goes into")
        if self.key_variable and parts.scheme != "https" and parts.hostname not in _LOCAL:
            raise UsageError(
                f"a key would travel readable to {parts.hostname}: the address begins with http://",
                hint="use https://, or leave --key-variable out",
            )
        return self

    def to_toml(self) -> str:
        """The file's content: what differs from the defaults."""
        lines = ["# a live source of ockit, written by `ockit indexes add-http` or `add-feed`"]
        for entry in fields(self):
            value = getattr(self, entry.name)
            if value != entry.default:
                shown = (
                    json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(float(value))
                )
                lines.append(f"{entry.name} = {shown}")
        return "\n".join(lines) + "\n"


def directory_of(directories: Directories, name: str) -> Path:
    """Where an index or a source lies. Raises UsageError for a name that can be none."""
    return place_of(directories, name).directory


def load(directories: Directories, name: str) -> SourceFile | None:
    """The source of that name, None where there is none. Raises StoreError for a file that cannot be used."""
    path = directory_of(directories, name) / FILE
    if not path.is_file():
        return None
    again = f"ockit indexes rm {name}, then add it again"
    try:
        data = read_limited(path, LARGEST).decode()
    except UnicodeDecodeError as error:
        raise StoreError("the source's file is no UTF-8", where=str(path), hint=again) from error
    from ockit.toml_lines import parse

    return _of(parse(data, str(path)), path, again)


def save(directories: Directories, name: str, source: SourceFile) -> Path:
    """Write the source. Raises UsageError for one that cannot be, OckitError where it cannot be written."""
    path = directory_of(directories, name) / FILE
    write_atomic(path, source.checked().to_toml())
    return path


def template(url: str) -> None:
    """Checks the places to fill in of a template. Raises UsageError."""
    head = url.partition("://")[2].partition("/")[0]
    named = re.findall(r"\{([^{}]*)\}", url)
    if (
        set(named) - {"query", "n"}
        or "{query}" not in url
        or re.search(r"[{}]", re.sub(r"\{(query|n)\}", "", url))
    ):
        raise UsageError(
            f"the address {url!r} must contain {{query}}, may contain {{n}}, and no other braces",
            hint="ockit indexes add-http NAME 'https://HOST/search?q={query}&n={n}' --items results --text snippet",
        )
    if "{" in head:
        raise UsageError(f"the address {url!r} has a place to fill in where its host stands")


def filled(url: str, query: str, n: int) -> str:
    """The address of one question; the question is percent-encoded, so it is never more than one value."""
    from urllib.parse import quote

    safe = quote(query.encode("utf-8", "replace"), safe="")
    return url.replace("{n}", str(n)).replace("{query}", safe)


def _of(said: Mapping[str, Any], path: Path, again: str) -> SourceFile:
    kinds = {entry.name: float if entry.name == "timeout" else str for entry in fields(SourceFile)}
    for key, value in said.items():
        if key not in kinds:
            raise StoreError(f"the source's file has an unknown key {key!r}", where=str(path), hint=again)
        if isinstance(value, bool) or not isinstance(value, (int, float) if kinds[key] is float else str):
            raise StoreError(f"{key} is {value!r} in the source's file", where=str(path), hint=again)
    if said.get("kind") not in ("http", "feed") or "url" not in said:
        raise StoreError("the source's file says neither kind nor address", where=str(path), hint=again)
    try:
        return SourceFile(**said).checked()
    except UsageError as error:
        raise StoreError(error.what, where=str(path), hint=error.hint or again) from error


def _address(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        good = (
            parts.scheme in ("http", "https")
            and bool(_HOST.fullmatch(parts.hostname or ""))
            and parts.port != 0
        )
    except ValueError:
        good = False
    secret = "@" in url.partition("://")[2].partition("/")[0]
    if secret:
        raise UsageError(
            "the address has a user or a password in it, which would stand in a file",
            hint="put the key into a variable: --key-variable VAR",
        )
    if not good or not url.isascii() or not url.isprintable() or " " in url or len(url) > LONGEST_URL:
        raise UsageError(
            f"{url[:200]!r} is no address that can be asked",
            hint="it begins with http:// or https:// and holds ASCII characters; others are percent-encoded",
        )
    return parts
