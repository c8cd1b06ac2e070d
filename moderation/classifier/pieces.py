"""Which parts of a text are scored: stretches of a very long one, and windows and sentences of each. Knows characters
only; every part keeps its place in the original.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

WHOLE = 640
"""Characters of a text, or of a sentence, that are scored as one; English has 4 to 5 to a token."""
WINDOW = 500
"""Characters of a window of a longer text: what harms stands out in a few sentences, in many it drowns."""
OVERLAP = 80
"""Characters that two neighbouring windows share."""
SHORT = 20
"""Characters; a shorter sentence is read together with the next."""

MOST = 32_000
"""Characters of a text that are looked at; of a longer one its beginning, its end, and samples in between."""
_HEAD, _TAIL, _SAMPLES, _SAMPLE = 8_000, 6_000, 36, 500

_BLANK = re.compile(r"\s")
_END_MARKS = " \t\n.!?…"
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+|(?<=[。！？])|\n\s*")


@dataclass(frozen=True)
class Piece:
    """A part of a text, with its place in the original; `sentence`: scored for injection, else for all the rest."""

    text: str
    start: int
    end: int
    sentence: bool = False


def stretches(text: str) -> list[tuple[int, str]]:
    """The parts of a text that are looked at at all, in their order, each with where it starts; a text of at most
    `MOST` is one."""
    if len(text) <= MOST:
        return [(0, text)]
    free = len(text) - _HEAD - _TAIL
    step = free / _SAMPLES
    samples = [_HEAD + int(step * number + (step - _SAMPLE) / 2) for number in range(_SAMPLES)]
    middle = [(start, text[start : start + _SAMPLE]) for start in samples]
    tail = len(text) - _TAIL
    return [(0, text[:_HEAD]), *middle, (tail, text[tail:])]


def windows(text: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
    """Start and end of each window of ``text[start:end]``, cut between words where there are any."""
    last = len(text) if end is None else end
    at = start
    while last - at > WHOLE:
        stop = _between_words(text, at + WINDOW - OVERLAP, at + WINDOW)
        if text[at:stop].strip():
            yield at, stop
        at = _between_words(text, stop - OVERLAP, stop - OVERLAP // 2)
    if text[at:last].strip():
        yield at, last


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each sentence; short ones together, long ones in windows."""
    at = 0
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    for end in [*ends, len(text)]:
        if end < len(text) and len(text[at:end].strip()) < SHORT:
            continue
        if text[at:end].strip():
            yield from windows(text, at, end)
        at = end


def unmarked(text: str) -> str:
    """A text as the encoder reads it: without the marks at its end. They say nothing of what is asked, and yet harmful
    questions of public sets end in ``?`` more often than harmless lines."""
    return text.rstrip(_END_MARKS) or text


def halves(piece: Piece) -> tuple[Piece, Piece]:
    """A piece in two, for one that has more tokens than the encoder reads. Their places share the piece's where its
    text is not the original's."""
    middle = _between_words(piece.text, len(piece.text) // 2, 3 * len(piece.text) // 4)
    same = len(piece.text) == piece.end - piece.start
    cut = piece.start + middle if same else None
    return (
        Piece(piece.text[:middle], piece.start, cut or piece.end, piece.sentence),
        Piece(piece.text[middle:], cut or piece.start, piece.end, piece.sentence),
    )


def _between_words(text: str, low: int, high: int) -> int:
    """The last place between `low` and `high` where a word begins, or `high`."""
    blank = max((match.end() for match in _BLANK.finditer(text, low, high)), default=high)
    return max(blank, 1)
