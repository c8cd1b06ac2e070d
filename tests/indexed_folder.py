"""A folder of documents and its index, in this process: run after run, and what is stored after each."""

from __future__ import annotations

import io
import threading
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from ockit.engines.embedders import open_embedder
from ockit.environment import Environment
from ockit.index.indexing.plan import IndexPlan
from ockit.index.indexing.report import IndexEvent, Report
from ockit.index.indexing.run import index_folders
from ockit.index.places import IndexPlace, place_of
from ockit.index.store.index_store import IndexStore
from ockit.protocols import Embedder

TEXTS = {
    "whales.md": "# Whales\n\nThe blue whale is the largest animal that has ever lived.\n\n## Food\n\nIt eats krill.\n",
    "spiders.md": "# Spiders\n\nA spider has eight legs and no wings.\n",
    "code/counting.py": 'def count_words(text):\n    """How many words."""\n    return len(text.split())\n',
    "code/parsing.py": "class Parser:\n    def parse(self, line):\n        return line.partition('=')\n",
    "notes/plan.txt": "Buy apples, pears and a new lamp.\n\nCall the plumber on Monday.\n",
    "notes/table.csv": "name,height\nEiffel Tower,330\nBig Ben,96\n",
}


def write(folder: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def environment_at(home: Path, embedders: Path) -> Environment:
    """One with its own directories, and the embedder that was converted once for all."""
    cache = home / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    if not (cache / "embedders").exists():
        (cache / "embedders").symlink_to(embedders)
    return Environment(io.BytesIO(), io.StringIO(), io.StringIO(), {"OCKIT_HOME": str(home)}, home)


@dataclass
class CountingEmbedder:
    """The real one; counts what it is asked for."""

    inner: Embedder
    texts: int = 0

    def load(self) -> Any:
        return self.inner.load()

    def embed(self, texts: Any, role: Any) -> Any:
        self.texts += len(texts)
        return self.inner.embed(texts, role)

    def close(self) -> None:
        self.inner.close()


class IndexedFolder:
    """`folder` and its index."""

    def __init__(self, folder: Path, home: Path, embedders: Path, embedder: Embedder) -> None:
        self.folder = folder
        self.environment = environment_at(home, embedders)
        self.place: IndexPlace = place_of(self.environment.directories, "it")
        self.embedder = CountingEmbedder(embedder)
        self.events: list[IndexEvent] = []

    def run(self, *paths: Path, stop: threading.Event | None = None, **plan: Any) -> Report:
        """Index `paths` (the folder where there are none)."""
        wanted = IndexPlan(paths or (self.folder,), **plan)
        return index_folders(wanted, self.place, self.environment, self.embedder, self.events.append, stop)

    def dump(self) -> dict[tuple[int, str], Any]:
        """All that is stored of each file, but for numbers of rows and dates."""
        return dumped(self.place)

    def texts(self) -> dict[str, str]:
        """The indexed text of each file."""
        return {path: "".join(one[1] for one in found[-1]) for (_, path), found in self.dump().items()}


def dumped(place: IndexPlace) -> dict[tuple[int, str], Any]:
    """All that is stored of each file of an index, but for numbers of rows and dates."""
    with IndexStore.open(place) as store, store.snapshot():
        found = {}
        for key, record in store.files().items():
            chunks = [astuple(one.chunk) for one in store.span(record.id, 0, 1 << 30)]
            assert record.n_chunks == len(chunks)
            found[key] = (
                record.size,
                record.digest,
                record.kind,
                record.state,
                record.reason,
                record.title,
                chunks,
            )
        return found


def new_embedder(home: Path) -> Embedder:
    """The embedded embedder, converted into a cache below `home`."""
    return open_embedder(
        None, Environment(io.BytesIO(), io.StringIO(), io.StringIO(), {"OCKIT_HOME": str(home)}, home)
    )
