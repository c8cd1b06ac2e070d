"""One judgement of a text from the scores of its pieces: the greatest of each counts, and says where it stands. Knows
the heads' cut-points, no encoder and no policy.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ockit.messages import CATEGORIES, LEVEL_NAMES, Finding
from ockit.moderation.classifier.heads import Scores, level_of, spread
from ockit.moderation.classifier.pieces import Piece
from ockit.moderation.classifier.weights import LEVELS, OUTPUTS, Heads

MOST_HITS = 16
"""Places of one kind that are told."""
MOST_UNREAD = 128
"""Places that were not read that are told; from then on the last of them reaches to the end of all others."""
_INJECTION, _DISTRESS = OUTPUTS.index("injection"), OUTPUTS.index("distress")
_FIRST_CATEGORY = OUTPUTS.index(CATEGORIES[0])
_LOOK = 2000
"""Characters in which the script of a text is looked for."""


@dataclass(frozen=True)
class Judgement:
    """What the classifier says of one text; the fields are those of `ockit.messages.Verdict`."""

    level: int
    p_level: tuple[float, ...]
    categories: dict[str, float]
    hits: tuple[Finding, ...]
    reason: str
    injection: float
    unsure: bool

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready object; `dataclasses.asdict` would copy every number on the way."""
        return {**vars(self), "hits": [vars(hit) for hit in self.hits]}


def judged(
    heads: Heads, scored: Sequence[tuple[Piece, Scores]], unread: Sequence[tuple[int, int]]
) -> Judgement:
    """The judgement of a text.

    Args:
        scored: its pieces; for a text of blanks, none. Where there are sentences, they alone decide on injection.
        unread: start and end of what was not scored.
    """
    cuts = [heads.cuts[name] for name in LEVELS]
    whole = [entry for entry in scored if not entry[0].sentence]
    if not whole:
        return Judgement(
            0, (1.0, 0.0, 0.0, 0.0, 0.0), {}, _unread(unread), _reason(0, (), unread), 0.0, bool(unread)
        )
    piece, scores = max(whole, key=lambda entry: (level_of(entry[1].probabilities, cuts), entry[1].expected))
    level = level_of(scores.probabilities, cuts)
    hits = [Finding("level", piece.start, piece.end)] if level else []
    categories = {}
    for number, name in enumerate(CATEGORIES, _FIRST_CATEGORY):
        found, most = _greatest(whole, number)
        categories[name] = round(most, 4)
        if most >= heads.cuts[name]:
            hits.append(Finding(name, found.start, found.end))
    found, most = _greatest(whole, _DISTRESS)
    if most >= heads.cuts["distress"]:
        hits.append(Finding("distress", found.start, found.end))
    steering = [entry for entry in scored if entry[0].sentence] or whole
    _, injection = _greatest(steering, _INJECTION)
    flagged = [part for part, of in steering if of.probabilities[_INJECTION] >= heads.cuts["injection"]]
    places = dict.fromkeys((part.start, part.end) for part in flagged)
    hits += [Finding("injection", *place) for place in list(places)[:MOST_HITS]]
    unsure = scores.nearness < heads.nearness or _is_foreign(piece.text)
    return Judgement(
        level,
        spread(scores.probabilities),
        categories,
        (*hits, *_unread(unread)),
        _reason(level, hits, unread),
        injection,
        unsure,
    )


def _greatest(entries: Sequence[tuple[Piece, Scores]], output: int) -> tuple[Piece, float]:
    piece, scores = max(entries, key=lambda entry: entry[1].probabilities[output])
    return piece, scores.probabilities[output]


def _unread(places: Sequence[tuple[int, int]]) -> tuple[Finding, ...]:
    told = list(places[:MOST_UNREAD])
    if len(places) > MOST_UNREAD:
        told[-1] = (told[-1][0], places[-1][1])
    return tuple(Finding("not_scanned", *place) for place in told)


def _reason(level: int, hits: Sequence[Finding], unread: Sequence[tuple[int, int]]) -> str:
    names = [name.replace("_", " ") for name in dict.fromkeys(hit.name for hit in hits) if name != "level"]
    said = LEVEL_NAMES[level]
    about = [name for name in names if name != "injection"]
    if about:
        said += f": {', '.join(about)}"
    if "injection" in names:
        said += "; it speaks to the assistant that reads it"
    if unread:
        said += f"; {sum(end - start for start, end in unread)} characters of it were not looked at"
    return said


def _is_foreign(text: str) -> bool:
    """Whether most letters are of a script that the encoder, which has learned English, hardly knows."""
    letters = [sign for sign in text[:_LOOK] if sign.isalpha()]
    if not letters or text.isascii():
        return False
    other = sum(not sign.isascii() and not unicodedata.name(sign, "").startswith("LATIN") for sign in letters)
    return other * 2 > len(letters)
