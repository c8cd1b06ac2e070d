"""The pieces of several texts as token ids, for one computation: normalized and raw, each once, with a bound on the
work for one text and a record of what that leaves out. Knows a tokenizer's signature, no encoder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ockit.moderation.classifier.collapsing import Breaks, place, sections
from ockit.moderation.classifier.pieces import WHOLE, Piece, halves, sentences, unmarked, windows
from ockit.moderation.classifier.words import installed_words
from ockit.moderation.normalizing import Normalized, normalized

MOST_TOKENS = 8192
"""Of one text that go through the encoder: two to three seconds on one thread."""
_TAIL, _HEAD = MOST_TOKENS // 4, MOST_TOKENS // 2
"""Tokens up to which the end of a text is read before all else, and then its beginning: an order that stands behind, or
before, a heap of something else is what the model would follow."""

Stretches = Sequence[tuple[int, str]]
Places = list[tuple[int, int]]


@dataclass(frozen=True)
class Coded:
    """The pieces of a text with their numbers in the batch, and start and end of what was left out."""

    pieces: list[tuple[Piece, int]]
    unread: Places


@dataclass(frozen=True)
class _Unit:
    """What is read together or not at all: a window or a sentence, with what stands there where that differs.
    `span`: its place in what its stretch means, the `stretch`-th one."""

    stretch: int
    span: tuple[int, int]
    versions: tuple[Piece, ...]


class Batch:
    """What goes through the encoder together; equal pieces once.

    Args:
        token_ids: of a text, markers included, cut off at `longest`.
        longest: ids of a piece; one with as many is taken in halves.
    """

    def __init__(self, token_ids: Callable[[str], list[int]], longest: int) -> None:
        self._token_ids = token_ids
        self._longest = longest
        self.texts: list[str] = []
        self.coded: list[list[int]] = []
        self.tokens = 0
        self._known: dict[str, int] = {}

    def add(self, stretches: Stretches, length: int, by_sentence: bool, breaks: Breaks = ()) -> Coded:
        """Add a text.

        Args:
            stretches: the parts of it that are looked at, in their order, each with where it starts.
            length: of the whole text, in characters.
            by_sentence: whether its sentences are scored as well.
            breaks: where it was collapsed; the places of what comes back are those in the original.
        """
        before = self.tokens
        meant = [normalized(raw, installed_words) for _, raw in stretches]
        units = [
            unit
            for number, (offset, raw) in enumerate(stretches)
            for unit in _units(
                number, offset, raw, _spans(meant, number, by_sentence, bool(breaks)), meant[number]
            )
        ]
        read: dict[int, list[tuple[Piece, int]]] = {}

        def spend(numbers: Iterable[int], most: int) -> None:
            for number in numbers:
                if self.tokens - before >= most:
                    return
                if number not in read:
                    read[number] = self._read(units[number].versions)

        spend(range(len(units) - 1, -1, -1), _TAIL)
        spend(range(len(units)), _HEAD)
        spend(_spread(units), MOST_TOKENS)
        unread: Places = []
        for number, (offset, _) in enumerate(stretches):
            for kind in (False, True):
                spans: tuple[Places, Places] = ([], [])
                for at, unit in enumerate(units):
                    if unit.stretch == number and unit.versions[0].sentence == kind:
                        spans[at in read].append(unit.span)
                for span in _without(*map(_joined, spans)):
                    low, high = meant[number].place(*span)
                    unread.append((offset + low, offset + high))
        pieces = [piece for at in sorted(read) for piece in read[at]]
        return _moved(Coded(pieces, _joined(unread + _between(stretches, length))), breaks)

    def _read(self, versions: Sequence[Piece]) -> list[tuple[Piece, int]]:
        found: list[tuple[Piece, int]] = []
        seen: set[tuple[int, ...]] = set()
        for piece, ids in self._fitting(versions):
            # the encoder sees no case and no invisible signs: what differs in nothing else is one
            if tuple(ids) not in seen:
                seen.add(tuple(ids))
                found.append((piece, self._number(piece.text, ids)))
        return found

    def _fitting(self, versions: Sequence[Piece]) -> Iterator[tuple[Piece, list[int]]]:
        stack = [*versions[::-1]]
        while stack:
            piece = stack.pop()
            ids = self._token_ids(unmarked(piece.text))
            if len(ids) >= self._longest and len(piece.text) > 1:
                stack += halves(piece)[::-1]
            elif piece.text.strip():
                yield piece, ids

    def _number(self, text: str, ids: list[int]) -> int:
        number = self._known.setdefault(text, len(self.coded))
        if number == len(self.coded):
            self.texts.append(text)
            self.coded.append(ids)
            self.tokens += len(ids)
        return number


def _moved(coded: Coded, breaks: Breaks) -> Coded:
    """The same with places in the text before it was collapsed."""
    if not breaks:
        return coded
    pieces = []
    for piece, number in coded.pieces:
        start, end = place(breaks, piece.start, piece.end)
        pieces.append((replace(piece, start=start, end=end), number))
    return Coded(pieces, [place(breaks, start, end) for start, end in coded.unread])


def _spans(
    meant: Sequence[Normalized], number: int, by_sentence: bool, was_collapsed: bool
) -> list[tuple[int, int, bool]]:
    """Start, end and whether it is a sentence of what is scored of one stretch, in their order."""
    plain = meant[number]
    spans = [*windows(plain.text), *_wrapped(plain)]
    long = len(meant) > 1 or len(plain.text) > WHOLE
    parts = list(sentences(plain.text)) if by_sentence or long else []
    # a question before or behind a long text counts by itself too: its window's other words may drown it
    if parts and long and number == 0:
        spans += [parts[0], (parts[0][0], parts[:2][-1][1])]
    if parts and long and number == len(meant) - 1:
        spans += [parts[-1], (parts[-2:][0][0], parts[-1][1])]
    if was_collapsed:
        spans += [span for section in sections(plain.text) for span in windows(plain.text, *section)]
    found = [(start, end, False) for start, end in dict.fromkeys(spans)]
    return sorted(found + [(start, end, True) for start, end in parts if by_sentence])


def _units(
    number: int, offset: int, raw: str, spans: Sequence[tuple[int, int, bool]], plain: Normalized
) -> Iterator[_Unit]:
    for start, end, sentence in spans:
        low, high = plain.place(start, end)
        # a window may be made of much that means nothing: its work has a bound all the same
        there = raw[low : min(high, low + 2 * WHOLE)]
        versions = [plain.text[start:end], there] if plain.changed else [there]
        pieces = tuple(Piece(text, offset + low, offset + high, sentence) for text in versions)
        yield _Unit(number, (start, end), pieces)


def _spread(units: Sequence[_Unit]) -> list[int]:
    """The numbers of all units in an order in which, wherever one stops, those before lie evenly over the text: windows
    by the bits of their numbers in reverse (the sequence of van der Corput), each with the sentences behind it."""
    places = []
    at = -1
    for unit in units:
        at += not unit.versions[0].sentence
        places.append(max(at, 0))
    bits = max(1, at.bit_length())
    return sorted(range(len(units)), key=lambda number: int(f"{places[number]:0{bits}b}"[::-1], 2))


def _wrapped(plain: Normalized) -> Iterator[tuple[int, int]]:
    """What was wrapped counts by itself too: the words around it may drown it."""
    for start, end in plain.unwrapped:
        yield from windows(plain.text, start, end)


def _between(stretches: Stretches, length: int) -> Places:
    """What lies between the parts that are looked at."""
    gaps, at = [], 0
    for start, text in sorted(stretches):
        if start > at:
            gaps.append((at, start))
        at = max(at, start + len(text))
    return [*gaps, (at, length)] if at < length else gaps


def _joined(places: Places) -> Places:
    """Places in order, those that touch as one."""
    found: Places = []
    for start, end in sorted(places):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _without(places: Places, others: Places) -> Places:
    """Places less what others cover; both are in order."""
    found: Places = []
    first = 0
    for start, end in places:
        at = start
        while first < len(others) and others[first][1] <= start:
            first += 1
        for low, high in others[first:]:
            if low >= end:
                break
            if low > at:
                found.append((at, low))
            at = max(at, high)
        if at < end:
            found.append((at, end))
    return found
