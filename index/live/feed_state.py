"""What is remembered between two fetches of a feed, beside its index. Losing it costs one whole fetch, no more."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ockit.files import read_limited, write_atomic

FILE = "feed.json"
_LARGEST = 64 << 20
_LONGEST_MARK = 1000


@dataclass(frozen=True)
class FeedState:
    """The last answer that was taken in whole.

    Attributes:
        url: what was asked; marks of another address mean nothing.
        etag: the server's mark of that answer, or nothing.
        last_modified: its date, as the server wrote it, or nothing.
        paths: what the index calls an entry, by the entry's key.
    """

    url: str = ""
    etag: str = ""
    last_modified: str = ""
    paths: dict[str, str] = field(default_factory=dict)

    def questions(self) -> dict[str, str]:
        """The headers that ask whether anything has changed since."""
        asked = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in asked.items() if value}

    def save(self, directory: Path) -> None:
        """Write it. Raises OckitError."""
        write_atomic(directory / FILE, json.dumps(asdict(self)))


def mark(value: str) -> str:
    """A header's value that can be sent back as it is, else nothing."""
    return value if value.isascii() and value.isprintable() and len(value) <= _LONGEST_MARK else ""


def load(directory: Path, url: str) -> FeedState:
    """What is remembered of the feed at `url`; nothing where there is nothing that can be used."""
    path = directory / FILE
    if not path.is_file():
        return FeedState()
    try:
        said = json.loads(read_limited(path, _LARGEST))
        paths = {str(key): str(value) for key, value in said["paths"].items()}
        state = FeedState(str(said["url"]), mark(str(said["etag"])), mark(str(said["last_modified"])), paths)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):  # damaged: fetched whole again
        return FeedState()
    return state if state.url == url else FeedState()
