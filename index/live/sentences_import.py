"""A published table of sentences as an index: `ockit indexes import-sentences`.

Rows with one title whose ids follow each other are a document, so that a passage can be widened by its neighbours.
Rows are taken in slabs; neither the table nor its vectors are ever in memory as a whole. A killed import goes on where
it was.
Knows rows and the store; knows neither Parquet nor JSON.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ockit.documents import Chunk
from ockit.errors import UsageError
from ockit.files import explained
from ockit.index.indexing.rebuilding import finish
from ockit.index.live.import_progress import FILE, ImportProgress, Standing
from ockit.index.live.intake import opened_store, take_in
from ockit.index.live.sentence_rows import BadRow, Row, row_count, rows
from ockit.index.places import place_of
from ockit.index.store.rows import FileRecord

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ockit.environment import Environment
    from ockit.index.store.index_store import IndexStore
    from ockit.protocols import Embedder

KIND = "sentences"
LONGEST_DOCUMENT = 1000
"""Rows that become one document; what follows is another, so that memory stays bounded."""

_SLAB = 2048
_TOLD = 5
"""How many bad rows are named."""


@dataclass(frozen=True)
class Imported:
    """What an import did.

    Attributes:
        rows: rows of the table that were dealt with, those of an earlier, killed run included.
        documents: documents stored.
        chunks: their rows.
        bad: rows that could not be used.
        examples: the first of them in this run: ``file:row`` and the reason.
        embedded: texts that were embedded in this run.
        resumed_at: the row after which this run went on; 0 for one that began.
        seconds: how long this run took.
    """

    rows: int
    documents: int
    chunks: int
    bad: int
    examples: tuple[tuple[str, str], ...]
    embedded: int
    resumed_at: int
    seconds: float


@dataclass
class _Run:
    """The rows of one document."""

    path: str
    title: str
    rows: list[Row] = field(default_factory=list)

    def chunks(self) -> list[Chunk]:
        """One for each row; together they tile the document's text."""
        found, start, line = [], 0, 1
        for row in self.rows:
            text = row.text.rstrip("\n") + "\n"
            last = line + text.count("\n") - 1
            found.append(Chunk(start, text, line, last, None, self.title))
            start, line = start + len(text), last + 1
        return found


def import_sentences(
    file: Path,
    name: str,
    environment: Environment,
    *,
    embedder: str | None = None,
    embeddings: bool = False,
    rebuild: bool = False,
    progress: Callable[[int, int | None, float], object] = lambda row, total, seconds: None,
) -> Imported:
    """Make an index of a table, or go on with it.

    Args:
        file: the table, absolute.
        name: what the index is called.
        environment: variables and directories.
        embedder: as ``--embedder`` names it; None: the embedded one.
        embeddings: use the table's own vectors, which `embedder` has made; a row without one is a bad row.
        rebuild: begin anew; until that has ended, the index answers as it was.
        progress: told the rows done, how many there are where that is known, and the seconds so far.

    Raises:
        UsageError: it is no such table, no row of it can be used, or the index is there already.
        MissingExtra, OckitError: the table, the index or the embedder cannot be used.
    """
    begin = time.monotonic()
    place = place_of(environment.directories, name)
    try:
        status = file.stat()
    except OSError as error:
        raise explained(error, file, "read the table") from error
    finish(place)
    total = row_count(file)
    wanted = Standing(str(file), status.st_size, status.st_mtime_ns, embeddings)
    unfinished = (place.directory / FILE).exists()
    if place.exists and not unfinished and not rebuild:
        raise UsageError(
            f"there is an index {name} already", hint=f"choose another --name, or ockit indexes rm {name}"
        )
    fresh = rebuild or not place.exists
    again = f"ockit indexes import-sentences {file.name} --name {name} --rebuild"
    from ockit.engines.embedders import open_embedder

    made_by = open_embedder(embedder, environment)
    try:
        if fresh:  # nothing is made, and nothing replaced, for a table that is none
            _usable(file, made_by.load().dimension if embeddings else None)
        with opened_store(place, "sentences", (str(file),), made_by, fresh=fresh) as store:
            directory = store.place.directory  # beside the index, while that grows beside an older one
            if fresh:
                (directory / FILE).unlink(missing_ok=True)
            kept = ImportProgress(directory)
            try:
                standing = _going_on(kept, wanted, again)
                work = _Import(store, kept, None if embeddings else made_by, file)
                done = work.over(standing, begin, lambda row, seconds: progress(row, total, seconds))
            finally:
                kept.close()
            _finish(store)
        (place.directory / FILE).unlink(missing_ok=True)
    finally:
        made_by.close()
    return done


def _usable(file: Path, dimension: int | None) -> None:
    """Raises UsageError where no row of the table can be used."""
    first: tuple[int, str] | None = None
    for row in rows(file, embeddings=dimension is not None):
        reason = _wrong(row, dimension)
        if not reason:
            return
        first = first or (row.number, reason)
    raise UsageError(
        f"no row of the table can be used; the first: {first[1]}" if first else "the table has no rows",
        where=f"{file}:{first[0]}" if first else str(file),
        hint="a table of sentences has rows of id, title, url and text",
    )


def _wrong(row: Row | BadRow, dimension: int | None) -> str:
    """Why a row cannot be used, or nothing. `dimension` is that of its vector, where it must have one."""
    if isinstance(row, BadRow):
        return row.reason
    if dimension is None:
        return ""
    if row.embedding is None:
        return "it has no embedding"
    if len(row.embedding) != dimension:
        return f"its embedding has {len(row.embedding)} numbers, the embedder's have {dimension}"
    return "" if any(row.embedding) else "its embedding is zero"


def _going_on(kept: ImportProgress, wanted: Standing, again: str) -> Standing:
    """Where the import goes on. Raises UsageError where it was one of another table."""
    found = kept.standing()
    if found is None:
        kept.save(wanted, ())
        return wanted
    if replace(wanted, row=0) != replace(found, row=0, documents=0, chunks=0, bad=0):
        raise UsageError(
            "the import that was begun here is of another table, or the table has changed, "
            "or other vectors are to be used",
            where=found.file,
            hint=f"begin anew: {again}",
        )
    return found


def _finish(store: IndexStore) -> None:
    """Make the index ready to be searched."""
    from ockit.index.vectors.dense import DenseIndex

    store.sweep_vectors()
    store.set_facts(replace(store.facts, updated=time.time()))
    dense = DenseIndex(store)
    try:
        dense.refresh()
    finally:
        dense.close()


class _Import:
    """One run, from a row on to the table's end."""

    def __init__(
        self, store: IndexStore, kept: ImportProgress, embedder: Embedder | None, file: Path
    ) -> None:
        self._store = store
        self._kept = kept
        self._embedder = embedder
        self._file = file
        self._dimension = None if embedder is not None else store.facts.embedder.dimension
        self._names: set[str] = set()  # given since the last save
        self._examples: list[tuple[str, str]] = []
        self._bad = 0

    def over(self, standing: Standing, begin: float, tell: Callable[[int, float], object]) -> Imported:
        """Take in everything that is left."""
        start, embedded = standing.row, 0
        self._bad = standing.bad
        for slab, row in _slabs(self._documents(start)):
            documents = [(self._record(run), run.chunks()) for run in slab]
            embedded += take_in(self._store, documents, self._embedder, self._vectors(slab, documents))
            standing = replace(
                standing,
                row=row,
                documents=standing.documents + len(slab),
                chunks=standing.chunks + sum(len(run.rows) for run in slab),
                bad=self._bad,
            )
            self._kept.save(standing, self._names)
            self._names.clear()
            tell(row, time.monotonic() - begin)
        return Imported(
            rows=standing.row,
            documents=standing.documents,
            chunks=standing.chunks,
            bad=standing.bad,
            examples=tuple(self._examples),
            embedded=embedded,
            resumed_at=start,
            seconds=time.monotonic() - begin,
        )

    def _documents(self, start: int) -> Iterator[tuple[_Run | None, int]]:
        """Each document, with the number of the row that ends it; at last None with the table's last row."""
        run: _Run | None = None
        number = start
        for row in rows(self._file, start, embeddings=self._embedder is None):
            good = self._checked(row)
            if good is not None:
                if run is not None and not _continues(run, good):
                    yield run, number
                    run = None
                if run is None:
                    run = _Run(self._path_of(good), good.title)
                run.rows.append(good)
            number = row.number
        if run is not None:
            yield run, number
        yield None, number

    def _checked(self, row: Row | BadRow) -> Row | None:
        """The row, if it can be used; else it is counted."""
        reason = _wrong(row, self._dimension)
        if isinstance(row, Row) and not reason:
            return row
        self._bad += 1
        if len(self._examples) < _TOLD:
            self._examples.append((f"{self._file}:{row.number}", reason))
        return None

    def _path_of(self, row: Row) -> str:
        """The name of a document: its address or title, with its first row's id where that name is taken."""
        name = row.url or row.title
        if name in self._names or self._kept.taken(name):
            name = f"{name}#{row.id}"
        self._names.add(name)
        return name

    def _record(self, run: _Run) -> FileRecord:
        return FileRecord(
            root=0,
            path=run.path,
            size=sum(len(row.text.encode()) for row in run.rows),
            mtime_ns=0,
            ino=0,
            digest=b"",
            kind=KIND,
            has_lines=False,
            title=run.title,
        )

    def _vectors(
        self, slab: Sequence[_Run], documents: Sequence[tuple[FileRecord, Sequence[Chunk]]]
    ) -> dict[bytes, NDArray[np.float32]] | None:
        """The table's own vectors by chunk key, made as long as 1."""
        if self._embedder is not None:
            return None
        import numpy as np

        found: dict[bytes, NDArray[np.float32]] = {}
        for run, (_, chunks) in zip(slab, documents, strict=True):
            for row, chunk in zip(run.rows, chunks, strict=True):
                vector = np.asarray(row.embedding, np.float64)
                found[chunk.key] = (vector / np.linalg.norm(vector)).astype(np.float32)
        return found


def _continues(run: _Run, row: Row) -> bool:
    """Whether a row is of the document before it, and its neighbour."""
    last = run.rows[-1]
    return (
        row.title == run.title
        and row.url == last.url
        and row.id == last.id + 1
        and len(run.rows) < LONGEST_DOCUMENT
    )


def _slabs(documents: Iterable[tuple[_Run | None, int]]) -> Iterator[tuple[list[_Run], int]]:
    """Documents of some `_SLAB` rows together, with the number of the last row that they end."""
    slab: list[_Run] = []
    size = 0
    for run, number in documents:
        if run is not None:
            slab.append(run)
            size += len(run.rows)
        if size >= _SLAB or run is None:
            yield slab, number
            slab, size = [], 0
