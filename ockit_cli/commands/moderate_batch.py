"""``ockit moderate --batch``: many texts, a verdict in a line of JSON each; the back ends are started once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ockit.commands.invocation import Invocation
from ockit.commands.moderation_verdict import verdict_json
from ockit.errors import ExitCode, NotFound, UsageError
from ockit.files import explained

if TYPE_CHECKING:
    from ockit.messages import Judged

LONGEST_LINE = 8 << 20
"""Bytes of a line; a text of 1 MB whose every character is escaped has six."""
FORM = 'a line is like {"text": "how do I kill a process?"}'


@dataclass(frozen=True)
class _Text:
    """A text, the line it stands in, and what the row calls itself, if anything."""

    text: str
    line: int
    id: Any = None


def judge_all(run: Invocation, batch: Path, role: Judged, policy: Path | None) -> ExitCode:
    """Judge every line of a file, in order. A line that is no text is told on stderr and left out; it makes the exit
    code 7, and so does a text that could not be judged.

    Raises:
        NotFound: there is no such file.
        UsageError: it cannot be read, or no line of it is a text.
    """
    from ockit.commands.moderate import blocks, opened

    bad = good = 0
    name = "stdin" if str(batch) == "-" else str(batch)
    with _stream(run, batch) as stream:
        guard = opened(run, policy)
        try:
            rows = _texts(stream, name)
            for block in blocks(guard, rows, lambda row: row.text if isinstance(row, _Text) else ""):
                asked = [row for row in block if isinstance(row, _Text)]
                for problem in (row for row in block if isinstance(row, UsageError)):
                    run.console.warning(str(problem))
                    bad += 1
                with run.console.status(f"{good:,} texts are judged ..."):
                    verdicts = guard.check_many([row.text for row in asked], role) if asked else []
                for banner in guard.take_banners():
                    run.console.warning(banner)
                for row, verdict in zip(asked, verdicts, strict=True):
                    named = {} if row.id is None else {"id": row.id}
                    run.console.json({"line": row.line, **named, **verdict_json(verdict)})
                    bad += not verdict.judged
                good += len(asked)
        finally:
            guard.close()
    if not good:
        raise UsageError("no line of it is a text", where=name, hint=FORM)
    return ExitCode.PARTLY_DONE if bad else ExitCode.OK


def _stream(run: Invocation, batch: Path) -> AbstractContextManager[BinaryIO]:
    if str(batch) == "-":
        return nullcontext(run.environment.stdin)
    place = run.environment.cwd / batch
    try:
        return place.open("rb")
    except FileNotFoundError as error:
        raise NotFound(
            f"there is no file {batch}", hint="ockit moderate --batch FILE.jsonl --jsonl"
        ) from error
    except OSError as error:
        raise explained(error, place, "read the texts") from error


def _texts(stream: BinaryIO, name: str) -> Iterator[_Text | UsageError]:
    """The text of each line, or what is wrong with it; blank lines are skipped."""
    number = 0
    while line := stream.readline(LONGEST_LINE + 1):
        number += 1
        where = f"{name}:{number}"
        if len(line) > LONGEST_LINE and not line.endswith(b"\n"):
            yield UsageError(f"the line is longer than {LONGEST_LINE >> 20} MiB", where=where)
            while line and not line.endswith(b"\n"):
                line = stream.readline(LONGEST_LINE)
        elif line.strip(b" \t\r\n\xef\xbb\xbf"):
            yield _text(line, number, where)


def _text(line: bytes, number: int, where: str) -> _Text | UsageError:
    try:
        said = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        return UsageError(f"not UTF-8 (byte {error.start} of the line)", where=where)
    except (ValueError, RecursionError) as error:
        told = "nested too deeply" if isinstance(error, RecursionError) else error
        return UsageError(f"no JSON: {told}", where=where)
    text = said.get("text") if isinstance(said, dict) else None
    if not isinstance(text, str):
        return UsageError('not of the form {"text": TEXT}', where=where)
    if not text.strip():
        return UsageError("the text is empty", where=where)
    name = said.get("id")
    return _Text(text, number, name if isinstance(name, str | int) else None)
