"""A feed's entries as documents: what each is called, whether it has changed, and its pieces.

The HTML of an entry is anybody's: it is read by the reader child, with its limits, like the HTML of a file. Knows the
readers; knows neither the network nor the store.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from ockit.documents import Chunk
from ockit.files import private_dir
from ockit.index.live.feed_entries import Entry
from ockit.index.readers.child_process import ReaderChild
from ockit.index.readers.limits import ReadingLimits
from ockit.index.readers.reading import ReadRequest, Unread
from ockit.index.store.rows import FileRecord

LIMITS = ReadingLimits(seconds=10.0, text_bytes=8 << 20, characters=4 << 20)
KIND = "feed"


@dataclass(frozen=True)
class Named:
    """An entry with what the index calls it.

    Attributes:
        key: stands for the entry from one fetch to the next: its id, else its link, else a hash of what it says.
        path: its link, else its id; with a piece of a hash behind it where another entry has that already.
        digest: hash of what it says; 16 bytes.
    """

    key: str
    path: str
    digest: bytes
    entry: Entry

    def record(self, now: float) -> FileRecord:
        """Its row; `now` stands in, in Unix seconds, for a date it does not have."""
        moment = self.entry.published if self.entry.published is not None else now
        return FileRecord(
            root=0,
            path=self.path,
            size=len(self.entry.html.encode("utf-8", "replace")),
            mtime_ns=int(moment) * 10**9,
            ino=0,
            digest=self.digest,
            kind=KIND,
            has_lines=False,
            title=self.entry.title,
        )


def named(entries: Sequence[Entry]) -> list[Named]:
    """The entries, each once: where a feed lists an id twice, the first of them counts."""
    found: dict[str, Named] = {}
    paths: set[str] = set()
    for entry in entries:
        digest = hashlib.blake2b(_page(entry), digest_size=16).digest()
        key = entry.id or entry.link or f"urn:blake2b:{digest.hex()}"
        if key in found:
            continue
        path = entry.link or key
        if path in paths:
            path = f"{path}#{hashlib.blake2b(key.encode('utf-8', 'replace'), digest_size=6).hexdigest()}"
        paths.add(path)
        found[key] = Named(key, path, digest, entry)
    return list(found.values())


def read(
    entries: Sequence[Named], directory: Path, variables: Mapping[str, str]
) -> Iterator[tuple[Named, tuple[Chunk, ...] | Unread]]:
    """The pieces of each entry, in order, or why it has none.

    Args:
        entries: those to read.
        directory: where the entries lie as files meanwhile, for nobody else to see.
        variables: the environment, for the child.

    Raises:
        WorkerError: no child can be started.
        OckitError: the files cannot be written.
    """
    if not entries:
        return
    private_dir(directory)
    with (
        tempfile.TemporaryDirectory(dir=directory, prefix=".entries-") as place,
        ReaderChild(variables, limits=LIMITS) as child,
    ):
        requests = []
        for number, one in enumerate(entries):
            file = Path(place) / f"{number}.html"
            file.write_bytes(_page(one.entry))
            requests.append(ReadRequest(file, file.name))
        for one, (_, outcome) in zip(entries, child.read_many(requests), strict=True):
            yield one, outcome if isinstance(outcome, Unread) else outcome.chunks


def _page(entry: Entry) -> bytes:
    """The entry as a page: its title is a heading of what follows."""
    title = escape(entry.title, quote=False)
    head = f'<meta charset="utf-8"><title>{title}</title>' + (f"<h1>{title}</h1>" if title else "")
    return f"{head}\n<div>{entry.html}</div>\n".encode("utf-8", "replace")
