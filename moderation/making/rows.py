"""A labelled text, as everything in this folder passes it on, and the rows that were written for this project.

Labels are partial: a source that says nothing of a head leaves it None, and that head does not learn from the row.
Knows no model.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
CONTRAST = HERE / "contrast"
HOLDOUT, HOLDOUT_SHORT = HERE / "holdout.jsonl", HERE / "holdout_short.jsonl"
HASHES = HERE / "hashes.txt"
"""Every row's digest and part, a line each: proof of what was trained on, without the texts."""
TRAIN, DEVELOP, TEST = "train", "develop", "test"
LEFT_OUT = "left-out"
"""Neither learned from nor measured on: a row that is nearly one of a later part."""


@dataclass(frozen=True)
class Row:
    """One text and what is known of it.

    Attributes:
        text: as its source has it.
        source: the set it comes from.
        group: what is never split between training and test: a pair, a topic, an intent, a template.
        kind: what the figures are told apart by ("benign", "harmful", "document" ...).
        low, high: the level lies between these two, both included; None where the source gives none.
        categories: those it belongs to; None where the source does not say.
        injection: whether it tries to steer the assistant that reads it.
        distress: whether somebody is in distress.
    """

    text: str
    source: str
    group: str
    kind: str
    low: int | None = None
    high: int | None = None
    categories: tuple[str, ...] | None = None
    injection: bool | None = None
    distress: bool | None = None

    @property
    def level(self) -> int | None:
        """Its level, where the source gives exactly one."""
        return self.low if self.low == self.high else None

    @property
    def digest(self) -> str:
        """What is shipped of it in place of the text: the first 12 hex digits of its sha256."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]


def contrast_rows() -> list[Row]:
    """The rows of ``contrast/*.jsonl``."""
    return [
        row for path in sorted(CONTRAST.glob("*.jsonl")) for row in _written(path, f"contrast/{path.stem}")
    ]


def holdout_rows(path: Path = HOLDOUT) -> list[Row]:
    """An independent hold-out: never trained on."""
    return list(_written(path, "holdout"))


def write_hashes(rows: Sequence[Row], split: Sequence[str]) -> None:
    """Write `HASHES`. A text that stands in several sources is in the part that is nearest to training."""
    order = (LEFT_OUT, TEST, DEVELOP, TRAIN)
    found: dict[str, str] = {}
    for row, part in zip(rows, split, strict=True):
        found[row.digest] = max(part, found.get(row.digest, LEFT_OUT), key=order.index)
    HASHES.write_text(
        "".join(f"{digest} {part}\n" for digest, part in sorted(found.items())), encoding="utf-8"
    )


def _written(path: Path, source: str) -> Iterator[Row]:
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        level, kind, categories = entry["level"], entry["kind"], tuple(entry["categories"])
        if kind == "injection":
            # what it asks of an assistant is harmful or not on its own; that it tries to is the injection's head
            yield Row(entry["text"], source, entry["pair"], kind, 1, 4, None, injection=True, distress=False)
            continue
        yield Row(
            entry["text"],
            source,
            entry["pair"],
            kind,
            level,
            level,
            categories,
            injection=False,
            distress=kind == "distress",
        )
