"""Cuts a document into chunks that tile it: at pages, headings and definitions, paragraphs, sentences, then words.

Knows `Document` and `Chunk`; no file, no database, no model but the tokenizer that counts.
"""

from __future__ import annotations

from bisect import bisect_right

from ockit.documents import Chunk, Document
from ockit.index.chunks.atoms import Atom, atoms
from ockit.index.chunks.outline import Outline, outline_of
from ockit.index.chunks.packing import Sizes, pack
from ockit.index.chunks.pieces import weights

CODE = Sizes(aimed=190, most=220)
PROSE = Sizes(aimed=120, most=150)
"""Prose is cut smaller: 220 word pieces of it are about 1,000 characters, more than is shown of a hit, and what was
measured with 190 found 4 points less of what was asked for (`benchmarks/retrieval.py`)."""
_LIGHT = 32  # atoms of a chunk's size that are looked through: lighter ones are put together


def chunk_document(document: Document, path: str) -> list[Chunk]:
    """The chunks of a document, in order; none where it has no visible character.

    Args:
        path: as a person sees it; only what kind of file it is may be taken from it.
    """
    text = document.text
    if not text.strip():
        return []
    outline = outline_of(document)
    pieces = atoms(
        text, prose=not outline.is_code, marks=outline.depths, pages=frozenset(document.page_starts[1:])
    )
    counts = weights([text[piece.start : piece.end] for piece in pieces])
    sizes = CODE if outline.is_code else PROSE
    pieces, counts = _gathered(pieces, counts, sizes.most // _LIGHT)
    begins = pack(counts, [piece.cost for piece in pieces], sizes)
    starts = [pieces[number].start for number in begins]
    return _chunks(document, outline, starts)


def _gathered(pieces: list[Atom], counts: list[int], light: int) -> tuple[list[Atom], list[int]]:
    """Atoms so light that a chunk would have very many of them, put together where no mark or page is between."""
    found: list[Atom] = []
    sums: list[int] = []
    for piece, count in zip(pieces, counts, strict=True):
        if found and sums[-1] + count <= light and piece.cost > 0.5:
            found[-1].end = piece.end
            sums[-1] += count
        else:
            found.append(piece)
            sums.append(count)
    return found, sums


def _chunks(document: Document, outline: Outline, starts: list[int]) -> list[Chunk]:
    text = document.text
    line_starts = [0]
    at = text.find("\n")
    while at >= 0:
        line_starts.append(at + 1)
        at = text.find("\n", at + 1)
    found = []
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        body = text[start:end]
        visible = start + len(body.rstrip()) - 1 if body.strip() else start
        found.append(
            Chunk(
                start=start,
                text=body,
                start_line=_line(document, line_starts, start),
                end_line=_line(document, line_starts, visible),
                page=bisect_right(document.page_starts, start) or None if document.page_starts else None,
                heading=outline.heading(start, end),
                defines=outline.defines(start, end),
            )
        )
    return found


def _line(document: Document, line_starts: list[int], offset: int) -> int:
    number = bisect_right(line_starts, offset)
    if document.line_numbers is None:
        return number
    return document.line_numbers[min(number, len(document.line_numbers)) - 1]
