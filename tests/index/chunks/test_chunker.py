"""Chunks tile a document, are line-exact, near their size, and cost work in proportion to the text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ockit.documents import Chunk, Document, Mark
from ockit.index.chunks import chunk_document
from ockit.index.chunks.packing import Sizes, pack
from ockit.index.chunks.pieces import weights

PROSE = "The river is long. It rises in the hills, and it ends in the sea; nobody knows why.\n"
RUST = """use core::fmt;

/// Keeps score.
#[derive(Debug)]
pub struct Keeper {
    total: usize,
}

impl Keeper {
    /// A new one.
    pub fn new() -> Self {
        Self { total: 0 }
    }

    pub fn add(&mut self, points: usize) -> usize {
        self.total += points;
        self.total
    }
}
"""


def tiles(document: Document, chunks: list[Chunk]) -> None:
    at = 0
    for chunk in chunks:
        assert chunk.start == at
        at += len(chunk.text)
        assert document.text.startswith(chunk.text, chunk.start)
        assert chunk.start_line == document.text.count("\n", 0, chunk.start) + 1
        visible = chunk.start + len(chunk.text.rstrip())
        assert chunk.end_line == max(chunk.start_line, document.text.count("\n", 0, visible) + 1)
    assert at == (len(document.text) if chunks else 0)


@pytest.mark.parametrize("kind", ["text", "markdown", "python", "rust", "csv"])
@settings(max_examples=60, deadline=None)
@given(text=st.text(alphabet=st.sampled_from("ab .\n\t{}()#é漢\u2028:"), max_size=3000))
def test_chunks_tile_any_text(kind: str, text: str) -> None:
    document = Document(text, kind)
    chunks = chunk_document(document, "x")
    tiles(document, chunks)
    assert bool(chunks) == bool(text.strip())


@pytest.mark.parametrize(
    "text",
    [
        "a b " * 50_000,
        "x" * 200_000,
        "a\n" * 100_000,
        "Hello there. " * 16_000,
        "\n" * 100_000 + "x",
        PROSE * 2000,
    ],
    ids=["words", "no-blank", "short-lines", "one-line", "blank-lines", "lines"],
)
def test_no_chunk_is_much_larger_than_its_size(text: str) -> None:
    document = Document(text, "text")
    chunks = chunk_document(document, "x")
    tiles(document, chunks)
    assert max(weights([chunk.text for chunk in chunks])) <= 160
    assert max(len(chunk.text) for chunk in chunks) <= 10_000


def test_usual_prose_and_code_come_near_their_sizes() -> None:
    for text, kind, low, high in ((PROSE * 300, "text", 100, 150), (RUST * 60, "rust", 120, 220)):
        sizes = weights([chunk.text for chunk in chunk_document(Document(text, kind), "x")])
        assert low <= sum(sizes) / len(sizes) <= high
        assert max(sizes) <= high


def test_work_grows_with_the_text_and_not_faster() -> None:
    """Work is counted, not timed: the steps in which `pack` looks back from each atom."""

    class Counting(list[int]):
        reads = 0

        def __getitem__(self, at: Any) -> Any:
            Counting.reads += 1
            return super().__getitem__(at)

    seen = []
    for times in (500, 4000):
        Counting.reads = 0
        pack(Counting([7] * times), [0.8] * times, Sizes(120, 150))
        seen.append(Counting.reads / times)
    assert seen[1] <= 1.1 * seen[0] < 40


def test_light_lines_are_put_together_before_chunks_are_sought() -> None:
    from ockit.index.chunks.atoms import atoms
    from ockit.index.chunks.chunker import _gathered

    text = "a\n" * 5000
    pieces = atoms(text, prose=True, marks={}, pages=frozenset())
    gathered, sums = _gathered(pieces, [1] * len(pieces), 4)
    assert len(gathered) == 1250
    assert set(sums) == {4}


def test_a_chunk_ends_where_a_page_ends() -> None:
    pages = ["First page. " * 4 + "\n", "Second page. " * 4 + "\n", "Third.\n"]
    starts = (0, len(pages[0]), len(pages[0]) + len(pages[1]))
    chunks = chunk_document(Document("".join(pages), "pdf", page_starts=starts), "x.pdf")
    assert [(chunk.page, chunk.text) for chunk in chunks] == [(1, pages[0]), (2, pages[1]), (3, pages[2])]


def test_headings_stand_over_chunks() -> None:
    text = "# Guide\n\nWelcome.\n\n## Setup\n\n" + PROSE * 12 + "\n## Use\n\n" + PROSE * 12
    marks = (
        Mark(0, 1, "Guide"),
        Mark(text.index("## Setup"), 2, "Setup"),
        Mark(text.index("## Use"), 2, "Use"),
    )
    chunks = chunk_document(Document(text, "markdown", marks=marks), "guide.md")
    assert "Guide › Setup" in {chunk.heading for chunk in chunks}
    assert chunks[-1].heading == "Guide › Use"
    assert any(chunk.text.startswith("## Use") for chunk in chunks)


def test_a_title_stands_over_everything_and_rows_are_under_their_header() -> None:
    rows = "name,town\n" + "".join(f"person {n},town {n}\n" for n in range(200))
    table = chunk_document(Document(rows, "csv", marks=(Mark(0, 1, "name, town"),)), "people.csv")
    assert len(table) > 3
    assert {chunk.heading for chunk in table} == {"name, town"}
    titled = chunk_document(Document(PROSE, "html", title="Rivers"), "x.html")
    assert titled[0].heading == "Rivers"


def test_definitions_stand_over_chunks_and_are_named() -> None:
    chunks = chunk_document(Document(RUST * 1 + "\n// end\n" * 150, "rust"), "keeper.rs")
    names = " ".join(chunk.defines for chunk in chunks).split()
    assert names == ["Keeper", "new", "add"]
    body = Document("class A:\n    def long(self):\n" + "        total += self.points[1]\n" * 120, "python")
    inside = chunk_document(body, "a.py")
    assert inside[2].heading == "class A › def long(self)"


def test_lines_are_those_of_the_file_where_the_text_has_others() -> None:
    document = Document("one\ntwo\nthree\n", "html", line_numbers=(4, 9, 30))
    (chunk,) = chunk_document(document, "x.html")
    assert (chunk.start_line, chunk.end_line) == (4, 30)
