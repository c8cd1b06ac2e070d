"""Rows of a table of sentences: the columns of OpenChatKit's Wikipedia index, from Parquet or JSON lines.

That index has a row for every three sentences, with the columns ``id``, ``title``, ``url``, ``text`` and, where
vectors come along, ``embedding`` (or ``emb``). Rows come in the file's order, in slabs, whatever the file's size. Knows
no index.
"""

from __future__ import annotations

import gzip
import json
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ockit.errors import MissingExtra, OckitError, UsageError
from ockit.files import explained

REQUIRED = ("id", "title", "text")
EMBEDDING = ("embedding", "emb")
LONGEST_LINE = 1 << 20
LONGEST_TEXT = 64 << 10
"""Characters of one row; these are sentences, not documents."""

_ROWS = 1024
_LONGEST_NAME = 2000


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        number: its place in the file, from 1: the line of JSON lines, the row of Parquet.
        id: its number in the table; neighbours differ by one.
        title: the document it belongs to.
        url: where that document stands, or nothing.
        text: some sentences.
        embedding: numbers, not checked for their count; None where the row has none.
    """

    number: int
    id: int
    title: str
    url: str
    text: str
    embedding: list[float] | None


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be used, and why."""

    number: int
    reason: str


def rows(path: Path, start: int = 0, *, embeddings: bool = False) -> Iterator[Row | BadRow]:
    """The rows of a file after the first `start`.

    Args:
        path: ``.parquet``, ``.jsonl``, ``.jsonl.gz`` or ``.ndjson``, with any capitals.
        start: how many rows (Parquet) or lines are passed over.
        embeddings: whether the vectors are read.

    Raises:
        UsageError: the name says neither, or a column is missing.
        MissingExtra: pyarrow is needed and not installed.
        OckitError: the file cannot be read, or is damaged.
    """
    name = path.name.lower()
    if name.endswith(".parquet"):
        return _parquet(path, start, embeddings)
    if name.endswith((".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")):
        return _lines(path, start, embeddings)
    raise UsageError(
        f"{path.name!r} is no table of sentences by its name",
        hint="name a file that ends in .parquet, .jsonl or .jsonl.gz",
    )


def row_count(path: Path) -> int | None:
    """How many rows a Parquet file says it has; None for other files. Raises as `rows`."""
    if not path.name.lower().endswith(".parquet"):
        return None
    with _Parquet(path) as opened:
        return int(opened.file.metadata.num_rows)


def _row(number: int, said: dict[str, Any], embeddings: bool) -> Row | BadRow:
    """A row from its fields by name."""
    key, title, text, url = (said.get(name) for name in ("id", "title", "text", "url"))
    if isinstance(key, str) and key.isascii() and key.isdecimal():
        key = int(key[:19])
    if isinstance(key, bool) or not isinstance(key, int) or not 0 <= key < 2**63:
        return BadRow(number, f"its id is {str(key)[:40]!r}, not a whole number")
    if not isinstance(title, str) or not title.strip():
        return BadRow(number, "it has no title")
    if not isinstance(text, str) or not text.strip():
        return BadRow(number, "it has no text")
    if len(text) > LONGEST_TEXT:
        return BadRow(number, f"its text has {len(text)} characters (at most {LONGEST_TEXT})")
    vector = (
        next((said[name] for name in EMBEDDING if said.get(name) is not None), None) if embeddings else None
    )
    if vector is not None and not _numbers(vector):
        return BadRow(number, "its embedding is no list of finite numbers")
    return Row(
        number,
        key,
        " ".join(_written(title).split())[:_LONGEST_NAME],
        "".join(_written(url).split())[:_LONGEST_NAME] if isinstance(url, str) else "",
        _written(text),
        vector,
    )


def _numbers(vector: object) -> bool:
    return isinstance(vector, list) and all(
        isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)
        for number in vector
    )


def _written(text: str) -> str:
    """A text that can be written as UTF-8 and has no NUL."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")


def _lines(path: Path, start: int, embeddings: bool) -> Iterator[Row | BadRow]:
    try:
        with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as file:
            number = 0
            while line := file.readline(LONGEST_LINE + 1):
                number += 1
                long = len(line) > LONGEST_LINE
                while long and line and not line.endswith(b"\n"):
                    line = file.readline(LONGEST_LINE)
                if number <= start or (not long and not line.strip()):
                    continue
                yield (
                    BadRow(number, f"the line is longer than {LONGEST_LINE >> 20} MiB")
                    if long
                    else _parsed(number, line, embeddings)
                )
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise OckitError(
            f"the file is damaged after line {number}: {error}", where=str(path), hint="fetch it again"
        ) from error
    except OSError as error:
        raise explained(error, path, "read the table") from error


def _parsed(number: int, line: bytes, embeddings: bool) -> Row | BadRow:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError) as error:
        return BadRow(number, f"it is no JSON: {str(error)[:80]}")
    if not isinstance(said, dict):
        return BadRow(number, "it is no JSON object")
    return _row(number, said, embeddings)


class _Parquet:
    """A Parquet file, opened; its own errors become ours."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.file: Any = None

    def __enter__(self) -> _Parquet:
        try:
            from pyarrow import ArrowException, parquet
        except ModuleNotFoundError as error:
            raise MissingExtra(
                "reading Parquet needs pyarrow, which is not installed", hint="pip install 'ockit[parquet]'"
            ) from error
        self._errors: tuple[type[Exception], ...] = (ArrowException, OSError)
        if not self._path.is_file():
            raise explained(FileNotFoundError(), self._path, "read the table")
        try:
            self.file = parquet.ParquetFile(self._path, pre_buffer=False, buffer_size=1 << 20)
        except self._errors as error:
            raise self.damaged(error) from error
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.file.close()
        if isinstance(error, self._errors):
            raise self.damaged(error) from error

    def damaged(self, error: Exception) -> OckitError:
        """What pyarrow's error means."""
        said = " ".join(str(error).split())[:200]
        return OckitError(f"this is no Parquet file that can be read: {said}", where=str(self._path))


def _parquet(path: Path, start: int, embeddings: bool) -> Iterator[Row | BadRow]:
    with _Parquet(path) as opened:
        there = opened.file.schema_arrow.names
        if lacking := [name for name in REQUIRED if name not in there]:
            raise UsageError(
                f"the table has no column {', '.join(lacking)}; its columns: {', '.join(there)[:300]}",
                where=str(path),
                hint="a table of sentences has the columns id, title, url, text",
            )
        wanted = (*REQUIRED, "url", *(EMBEDDING if embeddings else ()))
        counts = [opened.file.metadata.row_group(i).num_rows for i in range(opened.file.num_row_groups)]
        first = number = 0
        while first < len(counts) and number + counts[first] <= start:
            number += counts[first]
            first += 1
        batches = opened.file.iter_batches(
            _ROWS,
            row_groups=list(range(first, len(counts))),
            columns=[name for name in wanted if name in there],
            use_threads=False,
        )
        for batch in batches:
            if number + batch.num_rows <= start:
                number += batch.num_rows
                continue
            for said in batch.to_pylist():
                number += 1
                if number > start:
                    yield _row(number, said, embeddings)
