"""Labelled texts: a file of JSON lines, each with its text, its level or label, and perhaps its categories.

Knows the file, not what is made of it. A row that cannot be used is kept apart, with its line and the reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from ockit.errors import UsageError
from ockit.files import explained
from ockit.messages import CATEGORIES, LEVEL_NAMES
from ockit.moderation.json_faults import why_no_json
from ockit.moderation.training.levels import level_named

MOST_ROWS = 500_000
LONGEST_LINE = 4 << 20  # bytes
LONGEST_LABEL = 100
FORM = 'a line is like {"text": "...", "level": 0} or {"text": "...", "label": "spam"}'

Kind = Literal["level", "label"]


@dataclass(frozen=True)
class Row:
    """One labelled text.

    Attributes:
        text: what is judged; not empty.
        level: 0 to 4, or None where the row has a label of the person's own.
        label: that label, or None.
        categories: those of `ockit.messages.CATEGORIES` that hold; None where the row does not say.
        where: its ``file:line``.
    """

    text: str
    level: int | None
    label: str | None
    categories: frozenset[str] | None = None
    where: str = field(default="", compare=False)

    @property
    def answer(self) -> str:
        """The level's number or the label."""
        return str(self.level) if self.level is not None else str(self.label)


@dataclass(frozen=True)
class BadRow:
    """A line that cannot be used: where it stands and why."""

    where: str
    what: str


@dataclass(frozen=True)
class Rows:
    """What a file holds. Every good row has a level where `kind` is ``level``, else a label."""

    good: tuple[Row, ...]
    bad: tuple[BadRow, ...]
    kind: Kind

    @property
    def answers(self) -> dict[str, int]:
        """How many rows each level or label has: the levels in order, the labels by name."""
        found: dict[str, int] = {}
        for row in self.good:
            found[row.answer] = found.get(row.answer, 0) + 1
        return dict(sorted(found.items()))


def read_rows(path: Path) -> Rows:
    """The rows of a JSON lines file; empty lines are passed over.

    Levels may be numbers or names. Labels that are all names of levels are levels. Where some rows have levels, a row
    with another label is bad; so is a text that stands there twice with different answers (the second time).

    Raises:
        UsageError: no row can be used, or there are too many.
        OckitError: the file cannot be read.
    """
    found: list[Row] = []
    bad: list[BadRow] = []
    for where, line in _lines(path):
        try:
            if line is None:
                raise ValueError(f"the line is longer than {LONGEST_LINE >> 20} MiB")
            found.append(_row(line, where))
        except ValueError as error:
            bad.append(BadRow(where, str(error)))
        if len(found) > MOST_ROWS:
            raise UsageError(f"there are more than {MOST_ROWS:,} rows", where=where, hint="split the file")
    kind, good = _of_one_kind(found, bad)
    good = _agreeing(good, bad)
    if not good:
        first = f"; of the first one, {bad[0].what}" if bad else ""
        raise UsageError(
            f"no row of the file can be used{first}", where=bad[0].where if bad else str(path), hint=FORM
        )
    return Rows(tuple(good), tuple(bad), kind)


def one_answer(rows: Rows) -> UsageError:
    """What is said of rows that all have the same answer."""
    answer, count = next(iter(rows.answers)), len(rows.good)
    said = f"all {count:,} rows have the {rows.kind}" if count > 1 else f"the only row has the {rows.kind}"
    return UsageError(
        f"{said} {answer!r}: there is nothing to tell apart",
        where=rows.good[0].where.rpartition(":")[0],
        hint=f"add rows of another {rows.kind}",
    )


def _lines(path: Path) -> Iterator[tuple[str, bytes | None]]:
    """The lines that are not empty, each with its place; None for one that is too long."""
    try:
        with path.open("rb") as file:
            number, rest = 0, False
            while line := file.readline(LONGEST_LINE + 1):
                ends = line.endswith(b"\n")
                number += not rest
                if not rest and not ends and len(line) > LONGEST_LINE:
                    yield f"{path}:{number}", None
                elif not rest and line.strip(b" \t\r\n\xef\xbb\xbf"):
                    yield f"{path}:{number}", line
                rest = not ends and len(line) > LONGEST_LINE
    except OSError as error:
        raise explained(error, path, "read the rows") from error


def _row(line: bytes, where: str) -> Row:
    """Raises ValueError for what is none."""
    try:
        said = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 (byte {error.start} of the line)") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is no JSON: {why_no_json(error)}") from error
    if not isinstance(said, dict):
        raise ValueError(f"it is a {type(said).__name__}, not an object")
    text = said.get("text")
    if not isinstance(text, str) or not text.strip():
        raise ValueError("'text' is missing or empty")
    level, label = said.get("level"), said.get("label")
    if level is None and label is None:
        raise ValueError("neither 'level' nor 'label' is there")
    categories = _categories(said.get("categories"))
    if level is not None:
        return Row(text, _level(level), None, categories, where)
    return Row(text, None, _label(label), categories, where)


def _level(value: Any) -> int:
    found = level_named(value) if isinstance(value, str) else value
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found < len(LEVEL_NAMES):
        raise ValueError(f"'level' is {_shown(value)}, not a number from 0 to 4 or the name of a level")
    return found


def _label(value: Any) -> str:
    text = str(value) if isinstance(value, int) else value  # 0, 1, true and false are labels as well
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST_LABEL:
        raise ValueError(f"'label' is {_shown(value)}, not a text of 1 to {LONGEST_LABEL} characters")
    return text.strip()


def _categories(value: Any) -> frozenset[str] | None:
    """A list of names, or an object of names and true or false."""
    if value is None:
        return None
    if isinstance(value, dict) and all(isinstance(holds, bool | int | float) for holds in value.values()):
        names = [name for name, holds in value.items() if holds >= 0.5]
        unknown = [name for name in value if name not in CATEGORIES]
    elif isinstance(value, list) and all(isinstance(name, str) for name in value):
        names, unknown = value, [name for name in value if name not in CATEGORIES]
    else:
        raise ValueError(f"'categories' is {_shown(value)}, not a list of names")
    if unknown:
        near = get_close_matches(unknown[0], CATEGORIES, 1)
        told = f"the nearest is {near[0]}" if near else f"they are: {', '.join(CATEGORIES)}"
        raise ValueError(f"there is no category {_shown(unknown[0])}; {told}")
    return frozenset(names)


def _of_one_kind(found: list[Row], bad: list[BadRow]) -> tuple[Kind, list[Row]]:
    named = {row.label: level_named(row.label) for row in found if row.label is not None}
    if not any(row.level is not None for row in found) and None in named.values():
        return "label", found
    good = []
    for row in found:
        level = row.level if row.level is not None else named[str(row.label)]
        if level is None:
            bad.append(BadRow(row.where, f"it has the label {_shown(row.label)}, but other rows have levels"))
        else:
            good.append(replace(row, level=level, label=None))
    return "level", good


def _agreeing(found: list[Row], bad: list[BadRow]) -> list[Row]:
    first: dict[str, Row] = {}
    good = []
    for row in found:
        earlier = first.setdefault(row.text, row)
        if earlier.answer == row.answer:
            good.append(row)
        else:
            line = earlier.where.rpartition(":")[2]
            bad.append(
                BadRow(
                    row.where, f"the same text has {earlier.answer!r} in line {line} and {row.answer!r} here"
                )
            )
    bad.sort(key=lambda one: int(one.where.rpartition(":")[2]))
    return good


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
