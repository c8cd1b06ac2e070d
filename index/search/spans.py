"""A stretch of a document put together from neighbouring chunks: its text, and the lines its places stand in.

Knows chunks as the store gives them; no question and no score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ockit.documents import Chunk
from ockit.index.store.rows import StoredChunk


@dataclass(frozen=True)
class Stretch:
    """Neighbouring chunks of one file, in order, each beginning where the one before it ends.

    Attributes:
        chunks: one or more.
        text: what they say, one after the other.
    """

    chunks: tuple[StoredChunk, ...]
    text: str

    @classmethod
    def around(cls, hit: StoredChunk, near: Sequence[StoredChunk]) -> Stretch:
        """Of `near`, what lies without a gap around the hit; a page's end is a gap."""
        by_ordinal = {chunk.ordinal: chunk for chunk in near}
        kept = [by_ordinal.get(hit.ordinal, hit)]
        while (before := by_ordinal.get(kept[0].ordinal - 1)) is not None and _joins(before, kept[0]):
            kept.insert(0, before)
        while (behind := by_ordinal.get(kept[-1].ordinal + 1)) is not None and _joins(kept[-1], behind):
            kept.append(behind)
        return cls(tuple(kept), "".join(chunk.chunk.text for chunk in kept))

    @property
    def start(self) -> int:
        """Offset of its first character in the document."""
        return self.chunks[0].chunk.start

    @property
    def end(self) -> int:
        """Offset behind its last character in the document."""
        return self.start + len(self.text)

    def lines(self, start: int, end: int) -> tuple[int, int]:
        """The lines of the file in which the characters from `start` to `end` (offsets in the document) stand."""
        first = next(c.chunk for c in self.chunks if start < c.chunk.start + len(c.chunk.text))
        last = next(c.chunk for c in reversed(self.chunks) if c.chunk.start < end)
        first_line, last_line = first.start_line, last.end_line
        if _counts_lines(first):
            first_line += first.text.count("\n", 0, start - first.start)
        if _counts_lines(last):
            last_line = last.start_line + last.text.count("\n", 0, max(0, end - 1 - last.start))
        return first_line, max(first_line, last_line)


def _joins(before: StoredChunk, behind: StoredChunk) -> bool:
    end = before.chunk.start + len(before.chunk.text)
    return end == behind.chunk.start and before.chunk.page == behind.chunk.page


def _counts_lines(chunk: Chunk) -> bool:
    """Whether the lines of its text are those of the file, so that a place inside can be counted out."""
    return chunk.end_line - chunk.start_line == chunk.text.rstrip().count("\n")
