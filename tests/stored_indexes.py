"""Indexes for tests: facts, files and chunks made of words, vectors made of chance; and whether a store is sound."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import numpy as np

from ockit.documents import Chunk
from ockit.index.places import IndexPlace
from ockit.index.search.words import WORDS_VERSION, index_words
from ockit.index.store.facts import IndexFacts
from ockit.index.store.index_store import IndexStore
from ockit.index.store.rows import FileRecord
from ockit.protocols import EmbedderInfo

DIMENSION = 16
WORDS = "rhine danube elbe oder weser main neckar isar inn lech saale spree getHTTPUrl snake_case naïve 東京都".split()


def embedder(dimension: int = DIMENSION) -> EmbedderInfo:
    return EmbedderInfo("tiny", "0" * 64, dimension, "mean", 256)


def facts(name: str = "docs", dimension: int = DIMENSION) -> IndexFacts:
    return IndexFacts(name, ("/docs",), (), (), embedder(dimension), 1, WORDS_VERSION, "files", 1.0, 1.0)


def place(directory: Path, name: str = "docs") -> IndexPlace:
    return IndexPlace(directory / name, name)


def chunks_of(chance: random.Random, count: int, tag: str = "") -> list[Chunk]:
    """Chunks that tile a text, one line each."""
    found, start = [], 0
    for number in range(count):
        text = " ".join([tag, *chance.choices(WORDS, k=8)]).strip() + "\n"
        heading = chance.choice(["", "Rivers", "Rivers › Long ones"])
        found.append(
            Chunk(start, text, number + 1, number + 1, heading=heading, defines=chance.choice(WORDS))
        )
        start += len(text)
    return found


def record(path: str, **values: object) -> FileRecord:
    known = {"size": 1, "mtime_ns": 1, "ino": 1, "digest": b"d" * 16, "kind": "text"} | values
    return FileRecord(root=0, path=path, **known)  # type: ignore[arg-type]


def vector_of(key: bytes, dimension: int = DIMENSION) -> np.ndarray:
    """A vector of length 1 that depends on the key alone."""
    vector = np.random.default_rng(int.from_bytes(key, "big")).standard_normal(dimension).astype(np.float32)
    return vector / np.linalg.norm(vector)


def put(store: IndexStore, found: FileRecord, chunks: list[Chunk]) -> None:
    """As an indexing run does it: the vectors that are missing, then the file."""
    store.add_vectors({key: vector_of(key) for key in store.missing(chunk.key for chunk in chunks)})
    store.put_file(found, chunks)


def fill(store: IndexStore, n_files: int, n_chunks: int = 5, seed: int = 1) -> None:
    chance = random.Random(seed)
    for number in range(n_files):
        put(store, record(f"file{number}.md"), chunks_of(chance, n_chunks, tag=f"tag{number}"))


def check_sound(path: Path) -> None:
    """SQLite finds nothing wrong, and the words are exactly those of the chunks."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert _instances(connection, "main") == _expected(connection)


def _instances(connection: sqlite3.Connection, schema: str) -> Counter:
    connection.execute(
        f"CREATE VIRTUAL TABLE temp.found_{schema} USING fts5vocab('{schema}', 'words', 'instance')"
    )
    return Counter(connection.execute(f"SELECT term, doc, col, offset FROM temp.found_{schema}").fetchall())


def _text(value: str | bytes) -> str:
    """SQLite makes a text of two byte strings that are joined."""
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


def _expected(connection: sqlite3.Connection) -> Counter:
    """The same of a full-text index that is made anew."""
    connection.execute(
        "CREATE VIRTUAL TABLE temp.words USING fts5("
        "body, heading, path, content='', tokenize='porter unicode61 remove_diacritics 2')"
    )
    rows = connection.execute(
        "SELECT chunks.id, text, heading || ' ' || defines, path FROM chunks JOIN files ON files.id = file_id"
    ).fetchall()
    for number, *texts in rows:
        words = [index_words(_text(text)) for text in texts]
        connection.execute(
            "INSERT INTO temp.words(rowid, body, heading, path) VALUES (?, ?, ?, ?)", (number, *words)
        )
    return _instances(connection, "temp")
