"""A retriever over a few text files that needs no index: paragraphs, scored by the share of the question's words."""

from __future__ import annotations

import re
import threading
from pathlib import Path

from ockit.errors import StoreError
from ockit.messages import Passage
from ockit.protocols import Retrieved


def words(text: str) -> set[str]:
    """The words of four letters or more."""
    return {word for word in re.findall(r"\w+", text.lower()) if len(word) > 3}


class FolderRetriever:
    """Looks through the files of a folder as they are at this moment.

    Attributes:
        queries: what it was asked.
        threads: the threads in which it was used.
        broken: what it fails with from now on, or None.
        remote: it counts as one that the question leaves this machine for.
        hold: is waited for before it answers, where one is given.
    """

    def __init__(self, folder: Path, *, floor: float = 0.2) -> None:
        self.folder = folder
        self.floor = floor
        self.queries: list[str] = []
        self.threads: set[threading.Thread] = {threading.current_thread()}
        self.broken: str | None = None
        self.hold: threading.Event | None = None
        self.closed = False
        self.remote = False

    @property
    def name(self) -> str:
        return self.folder.name

    def retrieve(self, query: str, k: int) -> Retrieved:
        self.queries.append(query)
        self.threads.add(threading.current_thread())
        if self.hold is not None:
            self.hold.wait(30)
        if self.broken is not None:
            raise StoreError(self.broken, hint="mend it")
        asked = words(query)
        found: list[Passage] = []
        n_pieces = 0
        for path in sorted(self.folder.rglob("*")):
            if not path.is_file():
                continue
            line = 1
            for piece in path.read_text().split("\n\n"):
                n_pieces += 1
                score = len(asked & words(piece)) / max(1, len(asked))
                last = line + piece.count("\n")
                if score >= self.floor:
                    place = str(path.relative_to(self.folder))
                    found.append(Passage(place, line, last, None, "", piece, score, str(path), self.name))
                line = last + 2
        found.sort(key=lambda passage: -passage.score)
        return Retrieved(tuple(found[:k]), n_pieces)

    def close(self) -> None:
        self.threads.add(threading.current_thread())
        self.closed = True


RIVERS = {
    "rhine.md": "The river Rhine is 1233 kilometres long and ends in the sea near Rotterdam.\n\nIts captain was Jan.",
    "danube.md": "The river Danube flows through Vienna and Budapest and ends in the Black Sea.",
    "dogs/terrier.md": "A terrier is a small dog.\nIt barks at every postman.",
}


def folder_of(place: Path, files: dict[str, str] | None = None) -> Path:
    """A folder with some files in it."""
    for name, text in (RIVERS if files is None else files).items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return place
