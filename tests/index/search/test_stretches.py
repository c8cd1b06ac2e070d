"""A hit and its neighbours as one stretch: its lines are the file's, pages and gaps end it."""

from __future__ import annotations

import dataclasses

from ockit.documents import Chunk, Document
from ockit.index.chunks import chunk_document
from ockit.index.search.spans import Stretch
from ockit.index.store.rows import StoredChunk


def stored(chunks: list[Chunk]) -> list[StoredChunk]:
    return [
        StoredChunk(
            chunk=chunk,
            id=number,
            file_id=1,
            ordinal=number,
            vector_id=number,
            root=0,
            path="a.md",
            kind="text",
            has_lines=True,
            mtime_ns=0,
            title="",
        )
        for number, chunk in enumerate(chunks)
    ]


TEXT = "".join(f"Line {n} says something of its own, and something else.\n" for n in range(80))


def test_every_place_has_the_line_of_the_file() -> None:
    near = stored(chunk_document(Document(TEXT, "text"), "a.md"))
    assert len(near) > 4
    stretch = Stretch.around(near[2], near)
    assert stretch.text == TEXT
    for start in range(0, len(TEXT), 37):
        end = min(len(TEXT), start + 90)
        first = TEXT.count("\n", 0, start) + 1
        last = TEXT.count("\n", 0, end - 1) + 1
        assert stretch.lines(start, end) == (first, last)


def test_where_lines_are_mapped_a_chunk_s_own_are_given() -> None:
    lines = TEXT.count("\n")
    mapped = chunk_document(
        Document(TEXT, "html", line_numbers=tuple(range(10, 10 + 3 * lines, 3))), "a.html"
    )
    stretch = Stretch.around(stored(mapped)[0], stored(mapped))
    assert stretch.lines(5, 20) == (mapped[0].start_line, mapped[0].end_line)


def test_a_page_and_a_gap_end_a_stretch() -> None:
    near = stored(chunk_document(Document(TEXT, "text"), "a.md"))
    pages = [
        dataclasses.replace(c, chunk=dataclasses.replace(c.chunk, page=1 + (c.ordinal > 2))) for c in near
    ]
    assert [c.ordinal for c in Stretch.around(pages[1], pages).chunks] == [0, 1, 2]
    gap = [c for c in near if c.ordinal != 3]
    assert [c.ordinal for c in Stretch.around(near[1], gap).chunks] == [0, 1, 2]
