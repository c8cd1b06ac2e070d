"""ProsocialDialog's files as rows for training: its safety labels are the five levels.

Both forms of the data set are read (Kim et al. 2022, github.com/skywalker023/prosocial-dialog; huggingface.co/datasets/
allenai/prosocial-dialog): rows of an utterance each, as JSON lines or one array, with ``context`` (what may be unsafe),
``response``, ``safety_label``; and dialogues, lists of turns with ``text`` (what may be unsafe), ``labels`` (the
response) and ``safety_label``. The label is of ``context`` or ``text`` alone, so that is what becomes the row's text.
Knows nothing of training.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ockit.errors import UsageError
from ockit.files import read_limited
from ockit.messages import LEVEL_NAMES
from ockit.moderation.json_faults import why_no_json
from ockit.moderation.training.levels import level_named
from ockit.moderation.training.rows import BadRow

LARGEST = 512 << 20  # bytes; the training split is 100 MB
_HINT = "take train.jsonl (or .json) of ProsocialDialog as it is published"


@dataclass(frozen=True)
class Imported:
    """What a file of ProsocialDialog gives.

    Attributes:
        rows: text and level, in the file's order, each text once, with the highest level it was given.
        bad: what could not be used.
        repeated: how many rows were of a text that was there already.
        disputed: how many texts were given several levels.
    """

    rows: tuple[tuple[str, int], ...]
    bad: tuple[BadRow, ...]
    repeated: int
    disputed: int

    @property
    def levels(self) -> dict[int, int]:
        """How many rows each level has."""
        return dict(sorted(Counter(level for _, level in self.rows).items()))

    def lines(self) -> str:
        """The rows as JSON lines."""
        return "".join(json.dumps({"text": text, "level": level}) + "\n" for text, level in self.rows)


def read_prosocial(path: Path) -> Imported:
    """The rows of a file.

    Raises:
        UsageError: nothing in it is a row of ProsocialDialog; it is a table that must be exported first; it is too
            large.
        OckitError: it cannot be read.
    """
    data = read_limited(path, LARGEST)
    if data.startswith(b"PAR1"):
        raise UsageError(
            "this is a Parquet table, and JSON is read",
            where=str(path),
            hint=f"python -c \"import pandas; pandas.read_parquet('{path.name}').to_json('prosocial.jsonl', "
            "orient='records', lines=True)\"",
        )
    rows: dict[str, set[int]] = {}
    bad: list[BadRow] = []
    count = 0
    for where, said in _entries(path, data):
        count += 1
        try:
            if isinstance(said, Exception):
                raise said
            text, level = _row(said)
            rows.setdefault(text, set()).add(level)
        except (ValueError, RecursionError) as error:
            bad.append(BadRow(where, str(error) or "it is nested too deeply"))
    if not rows:
        first = f"; of the first one, {bad[0].what}" if bad else ""
        raise UsageError(
            f"there is no row of ProsocialDialog in it{first}",
            where=bad[0].where if bad else str(path),
            hint=_HINT,
        )
    disputed = sum(len(levels) > 1 for levels in rows.values())
    highest = tuple((text, max(levels)) for text, levels in rows.items())
    return Imported(highest, tuple(bad), count - len(bad) - len(rows), disputed)


def _entries(path: Path, data: bytes) -> Iterator[tuple[str, Any]]:
    """Each row with its place; a ValueError in place of one that is no JSON."""
    text = data.decode("utf-8-sig", "replace")
    if text.lstrip()[:1] == "[":
        try:
            whole = json.loads(text)
        except (ValueError, RecursionError):
            whole = None  # a line a dialogue begins with a bracket as well
        if whole is not None:
            yield from _of_array(whole, str(path), "entry")
            return
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            said = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield where, ValueError(f"it is no JSON: {why_no_json(error)}")
            continue
        if isinstance(said, list):
            yield from _of_array(said, where, "turn")
        else:
            yield where, said


def _of_array(found: list[Any], where: str, word: str) -> Iterator[tuple[str, Any]]:
    for number, said in enumerate(found, 1):
        if isinstance(said, list):
            yield from _of_array(said, f"{where} ({word} {number})", "turn")
        else:
            yield f"{where} ({word} {number})", said


def _row(said: Any) -> tuple[str, int]:
    """Raises ValueError for what is none."""
    if not isinstance(said, dict):
        raise ValueError(f"it is a {type(said).__name__}, not an object")
    text = said.get("context", said.get("text"))
    if not isinstance(text, str) or not text.strip():
        raise ValueError("'context' (or 'text') is missing or empty")
    label = said.get("safety_label")
    level = level_named(label) if isinstance(label, str) else None
    if level is None:
        raise ValueError(f"'safety_label' is {str(label)[:60]!r}, none of {', '.join(LEVEL_NAMES)}")
    return text.strip(), level
