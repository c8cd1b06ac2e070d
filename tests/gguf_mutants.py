"""Damaged copies of a small GGUF file, the same ones for the same seed.

The fields of the sound file are located first, so that most damage hits where it hurts: counts, lengths, types,
values, shapes, offsets; the rest is blind: flipped bits, zeroed regions, truncation.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

HUGE = (0, 1, 2, 3, 7, 31, 33, 255, 256, 65_535, 65_536, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
HUGER = (*HUGE, 2**32, 2**40, 2**61, 2**62, 2**63 - 1, 2**63, 2**64 - 1)
SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}


class Span(NamedTuple):
    """A field: ``kind`` is count, length, text, type, value, float, dimension, storage, place, entry or tensor."""

    kind: str
    start: int
    end: int


class Mutant(NamedTuple):
    """A damaged copy; ``name`` says what was done to it."""

    name: str
    data: bytes


def spans(data: bytes) -> list[Span]:
    """Every field of a sound little-endian GGUF file's header."""
    found = [Span("count", 8, 16), Span("count", 16, 24)]
    at = 24

    def number(kind: str, size: int) -> int:
        nonlocal at
        found.append(Span(kind, at, at + size))
        at += size
        return int.from_bytes(data[at - size : at], "little")

    def text() -> None:
        nonlocal at
        length = number("length", 8)
        found.append(Span("text", at, at + length))
        at += length

    def value(kind: int) -> None:
        if kind == 8:
            text()
        else:
            number("float" if kind == 6 else "value", SIZES[kind])

    n_tensors, n_entries = struct.unpack_from("<QQ", data, 8)
    for _ in range(n_entries):
        start = at
        text()
        kind = number("type", 4)
        if kind == 9:
            kind = number("type", 4)
            for _ in range(number("count", 8)):
                value(kind)
        else:
            value(kind)
        found.append(Span("entry", start, at))
    for _ in range(n_tensors):
        start = at
        text()
        for _ in range(number("count", 4)):
            number("dimension", 8)
        number("storage", 4)
        number("place", 8)
        found.append(Span("tensor", start, at))
    return found


class _Damage:
    """The ways to damage one file. Every method returns a damaged copy."""

    def __init__(self, data: bytes, chance: random.Random) -> None:
        self.data = data
        self.chance = chance
        self.fields: dict[str, list[Span]] = {}
        for span in spans(data):
            if span.end > span.start:
                self.fields.setdefault(span.kind, []).append(span)
        self.header_end = max(span.end for group in self.fields.values() for span in group)

    def _pick(self, *kinds: str) -> Span:
        return self.chance.choice(self.fields[self.chance.choice(kinds)])

    def _replaced(self, span: Span, value: bytes) -> bytes:
        return self.data[: span.start] + value + self.data[span.end :]

    def _numbered(self, span: Span, value: int) -> bytes:
        size = span.end - span.start
        return self._replaced(span, (value % (1 << 8 * size)).to_bytes(size, "little"))

    def bit_flips(self) -> bytes:
        copy = bytearray(self.data)
        for _ in range(self.chance.choice((1, 1, 2, 8))):
            copy[self.chance.randrange(self.header_end)] ^= 1 << self.chance.randrange(8)
        return bytes(copy)

    def truncation(self) -> bytes:
        return self.data[: self.chance.randrange(self.chance.choice((64, self.header_end, len(self.data))))]

    def counts(self) -> bytes:
        return self._numbered(self._pick("count"), self.chance.choice(HUGER))

    def string_lengths(self) -> bytes:
        span = self._pick("length")
        old = int.from_bytes(self.data[span.start : span.end], "little")
        return self._numbered(span, self.chance.choice((old - 1, old + 1, old * 2, *HUGER)))

    def swapped_types(self) -> bytes:
        return self._numbered(self._pick("type"), self.chance.choice((*range(14), 255, 2**31, 2**32 - 1)))

    def swapped_storage(self) -> bytes:
        return self._numbered(self._pick("storage"), self.chance.choice((*range(44), 255, 2**31, 2**32 - 1)))

    def values(self) -> bytes:
        return self._numbered(self._pick("value"), self.chance.choice(HUGER))

    def entry_values(self) -> bytes:
        """As `values`, but of scalar entries alone: arrays have most of the values otherwise."""
        sites = []
        for entry in self.fields["entry"]:
            start = entry.start + 8 + int.from_bytes(self.data[entry.start : entry.start + 8], "little")
            kind = int.from_bytes(self.data[start : start + 4], "little")
            if kind in SIZES:
                sites.append((kind, Span("value", start + 4, entry.end)))
        kind, span = self.chance.choice(sites)
        if kind == 6:
            return self._replaced(span, struct.pack("<f", self._float()))
        return self._numbered(span, self.chance.choice(HUGER))

    def floats(self) -> bytes:
        return self._replaced(self._pick("float"), struct.pack("<f", self._float()))

    def _float(self) -> float:
        return self.chance.choice((float("nan"), float("inf"), -float("inf"), 0.0, -1.0, 3e38, 1e-40))

    def dimensions(self) -> bytes:
        span = self._pick("dimension")
        old = int.from_bytes(self.data[span.start : span.end], "little")
        return self._numbered(span, self.chance.choice((old // 2, old + 32, old * 2, *HUGER)))

    def places(self) -> bytes:
        return self._numbered(self._pick("place"), self.chance.choice((32, 64, 4096, *HUGER)))

    def zeroed(self) -> bytes:
        start = self.chance.randrange(self.header_end)
        length = self.chance.choice((1, 4, 8, 32, 256, 4096))
        return self.data[:start] + bytes(length) + self.data[start + length :]

    def extended(self) -> bytes:
        return self.data + self.chance.randbytes(self.chance.choice((1, 31, 32, 4096)))

    def inserted(self) -> bytes:
        at = self.chance.randrange(self.header_end)
        return self.data[:at] + self.chance.randbytes(self.chance.choice((1, 8, 32))) + self.data[at:]

    def texts(self) -> bytes:
        span = self._pick("text")
        return self._replaced(span, self.chance.randbytes(span.end - span.start))

    def copied(self) -> bytes:
        """One field's bytes over another field of its kind: doubled keys, doubled tokens, foreign values."""
        kind = self.chance.choice(("entry", "tensor", "text", "dimension", "storage", "place"))
        source, target = self.chance.sample(self.fields[kind], 2)
        return self._replaced(target, self.data[source.start : source.end])

    def swapped(self) -> bytes:
        """Two fields of a kind change places."""
        kind = self.chance.choice(("entry", "tensor", "text", "dimension"))
        first, second = sorted(self.chance.sample(self.fields[kind], 2), key=lambda span: span.start)
        data = self.data
        return b"".join(
            (
                data[: first.start],
                data[second.start : second.end],
                data[first.end : second.start],
                data[first.start : first.end],
                data[second.end :],
            )
        )

    def removed_entry(self) -> bytes:
        span = self._pick("entry")
        count = int.from_bytes(self.data[16:24], "little") - 1
        # zeros keep the data where it was; they follow the tensors, where padding stands anyway
        rest = (
            self.data[span.end : self.header_end]
            + bytes(span.end - span.start)
            + self.data[self.header_end :]
        )
        return self.data[:16] + count.to_bytes(8, "little") + self.data[24 : span.start] + rest


WAYS: tuple[Callable[[_Damage], bytes], ...] = (
    _Damage.bit_flips,
    _Damage.truncation,
    _Damage.counts,
    _Damage.string_lengths,
    _Damage.swapped_types,
    _Damage.swapped_storage,
    _Damage.values,
    _Damage.entry_values,
    _Damage.entry_values,
    _Damage.floats,
    _Damage.dimensions,
    _Damage.places,
    _Damage.zeroed,
    _Damage.extended,
    _Damage.inserted,
    _Damage.texts,
    _Damage.copied,
    _Damage.swapped,
    _Damage.removed_entry,
)


def mutants(source: Path | bytes, n: int, seed: int = 0) -> Iterator[Mutant]:
    """``n`` damaged copies of a small, sound GGUF file; the same arguments give the same copies."""
    data = source if isinstance(source, bytes) else source.read_bytes()
    chance = random.Random(seed)
    damage = _Damage(data, chance)
    for index in range(n):
        way = WAYS[index % len(WAYS)]
        yield Mutant(f"{index:04d}-{way.__name__}", way(damage))
