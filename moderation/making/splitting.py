"""Which rows train, which choose (``develop``), which are held out for good (``test``): by group, by hash alone.

Pairs that different people wrote about one topic bear different ids, so groups with texts near each other are joined
first. What then is left of near texts on both sides is left out of the earlier part. Knows rows and vectors of the
untouched embedder, no labels but hatecheck's.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nearness import Near
from rows import DEVELOP, LEFT_OUT, TEST, TRAIN, Row

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEAR = {"contrast/": 0.85, "frr": 0.93, "dangerousqa": 0.85, "sysprompt": 0.85}
"""Cosine of two texts of a source above which their groups are one: higher where all texts are of one form. The other
sources' groups are their own topics, intents and templates."""
ONLY_TRAINED = ("contrast/outputs", "odd")
"""Sources that prove nothing: near copies of ockit's own texts, and what is made by rule."""
_TEST_SHARE, _DEVELOP_SHARE = 0.20, 0.10


def parts(rows: Sequence[Row], vectors: NDArray[Any]) -> list[str]:
    """``train``, ``develop`` or ``test`` for each row.

    Args:
        rows: all of them.
        vectors: (n, d) of unit length, of the untouched embedder.
    """
    names = joined(rows, vectors)
    functions = _functions(rows)
    never = {name for row, name in zip(rows, names, strict=True) if row.source in ONLY_TRAINED}
    found = []
    for row, name in zip(rows, names, strict=True):
        if row.source == "hatecheck":
            found.append(functions[row.group])
            continue
        share = 1.0 if name in never else _share(name)
        if share < _TEST_SHARE:
            found.append(TEST)
        elif share < _TEST_SHARE + _DEVELOP_SHARE:
            found.append(DEVELOP)
        else:
            found.append(TRAIN)
    return found


def apart(rows: Sequence[Row], split: Sequence[str], words: Sequence[frozenset[str]]) -> list[str]:
    """The parts, but that a row near one of a later part, of whatever source, is left out: of ``train`` and ``develop``
    what is near ``test``, of ``train`` what is near ``develop``. Nothing is left out for the sake of a row that is left
    out itself.

    Hatecheck's sentences are made of few templates, and what is held out of it are functionalities: there a row near
    one of the same label is left out, and one of the other label stays, for it gives nothing away ("I hate X", "nobody
    should hate X"). No other set has this exception.

    Args:
        rows: all that are learned from, chosen by or measured on.
        split: the part of each.
        words: the words of each text as the program reads it.
    """
    found = list(split)
    for later, earlier in ((TEST, (TRAIN, DEVELOP)), (DEVELOP, (TRAIN,))):
        held = [number for number, part in enumerate(found) if part == later]
        near = Near([words[number] for number in held], words)
        for number, part in enumerate(found):
            if part in earlier and any(_tells(rows[number], rows[held[at]]) for at in near.to(words[number])):
                found[number] = LEFT_OUT
    return found


def _tells(row: Row, held: Row) -> bool:
    """Whether having learned from a row near a held-out one helps to judge that."""
    return not row.source == held.source == "hatecheck" or row.kind == held.kind


def joined(rows: Sequence[Row], vectors: NDArray[Any]) -> list[str]:
    """A name for each row's group; rows of two groups that hold texts near each other get the same one."""
    import numpy as np

    parent: dict[str, str] = {row.group: row.group for row in rows}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for source, least in NEAR.items():
        chosen = [number for number, row in enumerate(rows) if row.source.startswith(source)]
        own = np.asarray(vectors, dtype=np.float32)[chosen]
        for start in range(0, len(chosen), 1000):
            near = np.argwhere(own[start : start + 1000] @ own.T > least)
            for here, there in near:
                if here + start < there:
                    a, b = root(rows[chosen[here + start]].group), root(rows[chosen[there]].group)
                    parent[max(a, b)] = min(a, b)
    return [root(row.group) for row in rows]


def _share(name: str) -> float:
    """0 to 1, from the name alone."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 0xFFFFFFFF


def _functions(rows: Sequence[Row]) -> dict[str, str]:
    """Hatecheck's functionalities, hateful and other ones apart, so that both are in every part: in the order of their
    hashes, until a part has its share of the rows."""
    found = {}
    for kind in ("hateful", "not hateful"):
        counts = Counter(row.group for row in rows if row.source == "hatecheck" and row.kind == kind)
        taken, every = 0, counts.total()
        for name in sorted(counts, key=_share):
            held, chosen = _TEST_SHARE * every, (_TEST_SHARE + _DEVELOP_SHARE) * every
            found[name] = TEST if taken < held else DEVELOP if taken < chosen else TRAIN
            taken += counts[name]
    return found
