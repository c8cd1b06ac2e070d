"""A prompt before tokenization: control markers, text and already known ids, in order.

Keeping the three apart is what makes a prompt unforgeable: only a `Control` ever becomes a control token.
Text, the template's and the person's alike, is tokenized with special tokens off (`ockit.prompts.encode`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Bos:
    """The model's begin-of-text token, where its vocabulary wants one; nothing otherwise."""


@dataclass(frozen=True)
class Control:
    """A control token, by its spelling, such as ``<|im_start|>``."""

    text: str


@dataclass(frozen=True)
class Text:
    """Plain text; neighbouring texts are joined and tokenized in one call."""

    text: str


@dataclass(frozen=True)
class Ids:
    """Token ids that are reused verbatim (a generated answer), with the text they stand for."""

    ids: tuple[int, ...]
    text: str


Segment = Bos | Control | Text | Ids


def to_json(segments: Iterable[Segment]) -> list[list[Any]]:
    """Segments as JSON lists: ``["bos"]``, ``["control", s]``, ``["text", s]``, ``["ids", [...], s]``."""
    rows: list[list[Any]] = []
    for segment in segments:
        if isinstance(segment, Bos):
            rows.append(["bos"])
        elif isinstance(segment, Ids):
            rows.append(["ids", list(segment.ids), segment.text])
        else:
            rows.append([type(segment).__name__.lower(), segment.text])
    return rows


def from_json(rows: Sequence[Sequence[Any]]) -> list[Segment]:
    """The inverse of `to_json`."""
    kinds: dict[str, type[Control] | type[Text]] = {"control": Control, "text": Text}
    segments: list[Segment] = []
    for row in rows:
        if row[0] == "bos":
            segments.append(Bos())
        elif row[0] == "ids":
            segments.append(Ids(tuple(row[1]), row[2]))
        else:
            segments.append(kinds[row[0]](row[1]))
    return segments
