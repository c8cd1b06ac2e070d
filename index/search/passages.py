"""Turns ranked chunks into passages: neighbouring hits become one, each is grown to its size, none overlaps another.

Knows the store and the sizes of `extent`; how chunks are ranked, it does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ockit.index.readers.kinds import CODE_KINDS
from ockit.index.search.extent import code_extent, prose_extent
from ockit.index.search.options import SearchOptions
from ockit.index.search.spans import Stretch
from ockit.index.store.index_store import IndexStore
from ockit.index.store.rows import StoredChunk

_NEAR = 4  # chunks on either side that are read to grow a hit
_WIDEST = 50  # the same, where a person asks for a window


@dataclass(frozen=True)
class Extract:
    """What is shown of a hit.

    Attributes:
        hit: the chunk that was found.
        text: the passage, exactly as it stands in the document.
        start_line: its first line in the file.
        end_line: its last.
    """

    hit: StoredChunk
    text: str
    start_line: int
    end_line: int


def extracts(
    store: IndexStore, hits: Iterable[StoredChunk], options: SearchOptions, matches: Callable[[str], float]
) -> Iterator[Extract]:
    """Passages of hits, best first, as many as are asked for. Raises StoreError.

    Args:
        matches: how much a text has of the question's words.
    """
    shown: dict[int, list[tuple[int, int]]] = {}
    for hit in hits:
        taken = shown.setdefault(hit.file_id, [])
        start, end = hit.chunk.start, hit.chunk.start + len(hit.chunk.text)
        covered = sum(max(0, min(end, b) - max(start, a)) for a, b in taken)
        if 2 * covered > end - start:
            continue  # a better hit beside it shows it already
        stretch = _stretch(store, hit, options)
        extent = _free_extent(stretch, hit, taken, options, matches)
        if extent is None:
            continue
        taken.append(extent)
        yield _extract(stretch, hit, extent)


def _stretch(store: IndexStore, hit: StoredChunk, options: SearchOptions) -> Stretch:
    reach = _NEAR if options.window is None else min(options.window, _WIDEST)
    near = store.span(hit.file_id, max(0, hit.ordinal - reach), hit.ordinal + reach)
    if options.window is not None:
        near = _agreeing(store, hit, near, options.window_threshold)
    return Stretch.around(hit, near)


def _agreeing(
    store: IndexStore, hit: StoredChunk, near: list[StoredChunk], threshold: float
) -> list[StoredChunk]:
    """The neighbours whose vectors agree with the hit's, as far as none between does not."""
    import numpy as np

    ids, vectors = store.vectors({chunk.vector_id for chunk in (*near, hit)})
    at = {number: row for row, number in enumerate(ids)}
    if hit.vector_id not in at:
        return [hit]
    cosines = vectors.astype(np.float32) @ vectors[at[hit.vector_id]].astype(np.float32)
    agrees = {c.ordinal: c.vector_id in at and cosines[at[c.vector_id]] >= threshold for c in near}
    low = high = hit.ordinal
    while agrees.get(low - 1):
        low -= 1
    while agrees.get(high + 1):
        high += 1
    return [chunk for chunk in near if low <= chunk.ordinal <= high]


def _free_extent(
    stretch: Stretch,
    hit: StoredChunk,
    taken: list[tuple[int, int]],
    options: SearchOptions,
    matches: Callable[[str], float],
) -> tuple[int, int] | None:
    """Offsets in the document of what is shown, or None where nothing visible is left."""
    start, end = hit.chunk.start, hit.chunk.start + len(hit.chunk.text)
    low, high = stretch.start, stretch.end
    for a, b in taken:
        if a <= start < b:
            start = b
        if a < end <= b:
            end = a
        if b <= start:
            low = max(low, b)
        elif a >= end:
            high = min(high, a)
    base = stretch.start
    visible = stretch.text[start - base : end - base]
    if start >= end or not visible.strip():
        return None
    start += len(visible) - len(visible.lstrip("\n"))
    end -= len(visible) - len(visible.rstrip())
    if options.window is not None:
        found = (low - base, high - base)
    elif hit.kind in CODE_KINDS:
        found = code_extent(stretch.text, start - base, end - base, low - base, high - base, matches)
    else:
        found = prose_extent(stretch.text, start - base, end - base, low - base, high - base)
    return found[0] + base, found[1] + base


def _extract(stretch: Stretch, hit: StoredChunk, extent: tuple[int, int]) -> Extract:
    start, end = extent
    text = stretch.text[start - stretch.start : end - stretch.start]
    bare = text.rstrip()
    lead = len(bare) - len(bare.lstrip("\n"))  # blank lines; the first line's indentation stays
    first, last = stretch.lines(start + lead, start + len(bare))
    return Extract(hit, bare[lead:], first, last)
