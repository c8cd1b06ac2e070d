"""The pieces of several texts as token ids, for one computation: normalized and raw, each once, with a bound on the
work for one text and a record of what that leaves out. Knows a tokenizer's signature, no encoder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ockit.moderation.classifier.pieces import Piece, halves, sentences, windows
from ockit.moderation.classifier.words import installed_words
from ockit.moderation.normalizing import Normalized, normalized

MOST_TOKENS = 8192
"""Of one text that go through the encoder: two to three seconds on one thread."""

Stretches = Sequence[tuple[int, str]]
Places = list[tuple[int, int]]


@dataclass(frozen=True)
class Coded:
    """The pieces of a text with their numbers in the batch, and start and end of what was left out."""

    pieces: list[tuple[Piece, int]]
    unread: Places


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

    def add(self, stretches: Stretches, length: int, by_sentence: bool) -> Coded:
        """Add a text.

        Args:
            stretches: the parts of it that are looked at, each with where it starts, the most important first.
            length: of the whole text, in characters.
            by_sentence: whether its sentences are scored as well.
        """
        before = self.tokens
        pieces: list[tuple[Piece, int]] = []
        unread: Places = []
        for versions in _pieces(stretches, by_sentence):
            if self.tokens - before > MOST_TOKENS:
                unread.append((versions[0].start, versions[0].end))
                continue
            seen: set[tuple[int, ...]] = set()
            for piece, ids in self._fitting(versions):
                # the encoder sees no case and no invisible signs: what differs in nothing else is one
                if tuple(ids) not in seen:
                    seen.add(tuple(ids))
                    pieces.append((piece, self._number(piece.text, ids)))
        return Coded(pieces, _joined(unread + _between(stretches, length)))

    def _fitting(self, versions: Sequence[Piece]) -> Iterator[tuple[Piece, list[int]]]:
        stack = [*versions[::-1]]
        while stack:
            piece = stack.pop()
            ids = self._token_ids(piece.text)
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


def _pieces(stretches: Stretches, by_sentence: bool) -> Iterator[tuple[Piece, ...]]:
    """Of every window what it means, with what stands there where that differs."""
    for offset, raw in stretches:
        plain = normalized(raw, installed_words)
        spans = [(a, b, False) for a, b in (*windows(plain.text), *_wrapped(plain))]
        if by_sentence:
            spans += [(a, b, True) for a, b in sentences(plain.text)]
        for start, end, sentence in sorted(spans):
            low, high = plain.place(start, end)
            versions = [plain.text[start:end], raw[low:high]] if plain.changed else [raw[low:high]]
            yield tuple(Piece(text, offset + low, offset + high, sentence) for text in versions)


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
