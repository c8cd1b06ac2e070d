"""``ockit search --batch``: many questions, a line of JSON each; the models are loaded once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from ockit.commands.invocation import Invocation
from ockit.commands.search_sources import Sources, answer_json
from ockit.errors import ExitCode, NotFound, UsageError

_AT_ONCE = 64  # questions that are embedded together
_LONGEST_LINE = 4 << 20  # bytes


def answer_all(run: Invocation, batch: Path, sources: Sources) -> int:
    """Answer every line of a file, in order. A line that is no question is told on stderr and left out, and makes the
    exit code 7; so does an index that fails while others answer.

    Raises:
        NotFound: there is no such file.
        UsageError: it cannot be read, or no line of it is a question.
    """
    bad = good = 0
    told: set[str] = set()
    with _stream(run, batch) as stream:
        questions = _questions(stream, "stdin" if str(batch) == "-" else str(batch))
        while block := list(islice(questions, _AT_ONCE)):
            asked = [question for question in block if isinstance(question, str)]
            for problem in (question for question in block if not isinstance(question, str)):
                run.console.warning(str(problem))
                bad += 1
            good += len(asked)
            for query, vectors in zip(asked, sources.vectors(asked) if asked else [], strict=True):
                found = sources.search(query, vectors)
                for notice in found.notices:
                    if notice not in told:
                        run.console.notice(notice)
                        told.add(notice)
                run.console.json(answer_json(query, found.passages, sources.retrieval))
    if not good:
        raise UsageError(
            f"{batch} has no questions", hint='a line for each: {"query": "how are backups made?"}'
        )
    return int(ExitCode.PARTLY_DONE if bad or sources.failed else ExitCode.OK)


def _stream(run: Invocation, batch: Path) -> AbstractContextManager[BinaryIO]:
    if str(batch) == "-":
        return nullcontext(run.environment.stdin)
    try:
        return (run.environment.cwd / batch).open("rb")
    except FileNotFoundError as error:
        raise NotFound(f"there is no file {batch}", hint="ockit search --batch FILE.jsonl --jsonl") from error
    except OSError as error:
        raise UsageError(f"{batch} cannot be read: {error.strerror}", hint="--batch FILE.jsonl") from error


def _questions(stream: BinaryIO, name: str) -> Iterator[str | UsageError]:
    """The question of each line, or what is wrong with it; blank lines are skipped."""
    number = 0
    while line := stream.readline(_LONGEST_LINE):
        number += 1
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield UsageError(f"no JSON: {error}", where=f"{name}:{number}")
            continue
        query = found.get("query") if isinstance(found, dict) else None
        if isinstance(query, str) and query.strip():
            yield query
        else:
            yield UsageError('not of the form {"query": TEXT}', where=f"{name}:{number}")
