"""How well a search finds what it should: questions with their gold spans, recall@k and the mean reciprocal rank.

Knows questions, spans and passages; knows no index: what is measured is any function from a question to passages.

A gold span is found in the first k passages when at least half of its lines lie in them (Jaccard plays no part: a long
passage finds more, so the mean number of lines that were read is reported beside it). Recall@k is the share of a
question's gold spans that are found, averaged over the questions. The reciprocal rank of a question is 1/r, where r is
the least number of passages in which at least one of its spans is found, and 0 where that is more than the largest k.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ockit.errors import UsageError
from ockit.files import explained
from ockit.messages import Passage

Mode = Literal["bm25", "dense", "both"]
MODES: tuple[Mode, ...] = ("bm25", "dense", "both")
LONGEST_LINE = 1 << 20
MOST_QUESTIONS = 100_000
_HINT = 'a line is like {"query": "...", "gold": [{"path": "docs/a.md", "start_line": 3, "end_line": 9}]}'


@dataclass(frozen=True)
class Gold:
    """A span that answers a question: lines from 1, both ends included; None for both: anywhere in the document."""

    path: str
    start_line: int | None
    end_line: int | None


@dataclass(frozen=True)
class Question:
    """A question and the spans that answer it, one at least; `where` is its ``file:line``."""

    query: str
    gold: tuple[Gold, ...]
    where: str = field(default="", compare=False)


@dataclass(frozen=True)
class Measured:
    """The figures of one way to search.

    Attributes:
        recall: by k, 0 to 1.
        lines: by k, the mean number of lines in the first k passages of a question.
        mrr: mean reciprocal rank, 0 to 1.
    """

    recall: dict[int, float]
    lines: dict[int, float]
    mrr: float


def read_questions(path: Path) -> list[Question]:
    """The questions of a JSON lines file; empty lines are passed over.

    Raises:
        UsageError: a line is no question (its number is named), there is none, or there are too many.
        OckitError: the file cannot be read.
    """
    found: list[Question] = []
    for number, line in _lines(path):
        where = f"{path}:{number}"
        if len(found) == MOST_QUESTIONS:
            raise UsageError(
                f"there are more than {MOST_QUESTIONS} questions", where=where, hint="split the file"
            )
        try:
            found.append(_question(json.loads(line), where))
        except (ValueError, RecursionError) as error:
            said = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
            raise UsageError(f"this is no question: {said}", where=where, hint=_HINT) from error
    if not found:
        raise UsageError("there is no question in the file", where=str(path), hint=_HINT)
    return found


def absent_gold(questions: Sequence[Question], paths: Collection[str]) -> list[tuple[str, str]]:
    """The gold spans of documents that are not among these paths, which no search can find: (``file:line`` of the
    question, path), in the order of the questions."""
    there = {_bare(path) for path in paths}
    return [
        (question.where, span.path)
        for question in questions
        for span in question.gold
        if _bare(span.path) not in there
    ]


def ranks(gold: Sequence[Gold], passages: Sequence[Passage]) -> list[int | None]:
    """For each span the least number of passages in which it is found, None where all of them do not suffice."""
    found: list[int | None] = []
    for span in gold:
        seen: set[int] = set()
        rank = None
        for number, passage in enumerate(passages, 1):
            if _same_path(passage.path, span.path) and _enough(span, passage, seen):
                rank = number
                break
        found.append(rank)
    return found


def measure(
    questions: Sequence[Question],
    search: Callable[[str, int], Sequence[Passage]],
    ks: Sequence[int],
    progress: Callable[[int], None] | None = None,
) -> Measured:
    """The figures of a search.

    Args:
        questions: one at least.
        search: the passages for a question, best first, at most as many as its second argument says.
        ks: for which k recall is measured, one at least.
        progress: told after each question how many are done.
    """
    deepest = max(ks)
    recall = dict.fromkeys(ks, 0.0)
    lines = dict.fromkeys(ks, 0.0)
    reciprocal = 0.0
    for done, question in enumerate(questions, 1):
        passages = list(search(question.query, deepest))[:deepest]
        found = [rank for rank in ranks(question.gold, passages) if rank is not None]
        for k in ks:
            recall[k] += sum(rank <= k for rank in found) / len(question.gold)
            lines[k] += sum(map(_line_count, passages[:k]))
        reciprocal += 1 / min(found) if found else 0.0
        if progress is not None:
            progress(done)
    count = len(questions)
    return Measured(
        {k: total / count for k, total in recall.items()},
        {k: total / count for k, total in lines.items()},
        reciprocal / count,
    )


def _enough(span: Gold, passage: Passage, seen: set[int]) -> bool:
    """Whether the span is found with this passage; `seen` are its lines in the passages before, and is added to."""
    if span.start_line is None or span.end_line is None:
        return True
    if passage.start_line is None or passage.end_line is None:
        return False
    seen.update(range(max(span.start_line, passage.start_line), min(span.end_line, passage.end_line) + 1))
    return 2 * len(seen) >= span.end_line - span.start_line + 1


def _same_path(found: str, wanted: str) -> bool:
    return _bare(found) == _bare(wanted)


def _bare(path: str) -> str:
    return path.removeprefix("./")


def _line_count(passage: Passage) -> int:
    if passage.start_line is None or passage.end_line is None:
        return passage.text.count("\n") + 1
    return passage.end_line - passage.start_line + 1


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that are not empty, with their numbers."""
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(LONGEST_LINE + 1):
                number += 1
                if len(line) > LONGEST_LINE:
                    raise UsageError(
                        f"the line is longer than {LONGEST_LINE >> 20} MiB",
                        where=f"{path}:{number}",
                        hint=_HINT,
                    )
                if line.strip():
                    yield number, line
    except OSError as error:
        raise explained(error, path, "read the questions") from error


def _question(said: Any, where: str) -> Question:
    """Raises ValueError for what is none."""
    if not isinstance(said, dict):
        raise ValueError(f"it is a {type(said).__name__}, not an object")
    query, gold = said.get("query"), said.get("gold")
    if not isinstance(query, str) or not query.strip():
        raise ValueError("'query' is missing or no text")
    if not isinstance(gold, list) or not gold:
        raise ValueError("'gold' is missing, empty or no list")
    return Question(query, tuple(map(_gold, gold)), where)


def _gold(said: Any) -> Gold:
    if not isinstance(said, dict) or not isinstance(said.get("path"), str) or not said["path"]:
        raise ValueError("a gold span has no 'path'")
    start, end = said.get("start_line"), said.get("end_line")
    if start is None and end is None:
        return Gold(said["path"], None, None)
    first, last = _line_number(start), _line_number(end)
    if first > last or last - first >= 10**6:
        raise ValueError(f"a gold span goes from line {first} to line {last}")
    return Gold(said["path"], first, last)


def _line_number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value < 2**31:
        raise ValueError(f"a line of a gold span is {value!r}, not a number from 1 on")
    return value
