"""``ockit moderate --batch``: many texts, a verdict in a line of JSON each; the back ends are started once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from ockit.commands.invocation import Invocation
from ockit.commands.moderate_lines import Lines
from ockit.commands.moderation_verdict import verdict_json
from ockit.errors import ExitCode, NotFound, UsageError
from ockit.files import explained
from ockit.messages import Verdict
from ockit.moderation.json_faults import why_no_json
from ockit.moderation.policy.gravity import FAULTS

if TYPE_CHECKING:
    from ockit.messages import Judged
    from ockit.moderation.guarding import Guard

LONGEST_LINE = 8 << 20
"""Bytes of a line; a text of 1 MB whose every character is escaped has six."""
EMPTY = "the text is empty"
FORM = 'a line is like {"text": "how do I kill a process?"}'


@dataclass(frozen=True)
class _Row:
    """A line that is not blank: its number, its text, what it calls itself, if anything, and what is wrong with it."""

    line: int
    text: str = ""
    id: Any = None
    fault: UsageError | None = None


def judge_all(run: Invocation, batch: Path, role: Judged, policy: Path | None) -> ExitCode:
    """Judge every line of a file, in order, with a line for each that is not blank. One that is no text is told on
    stderr as well; it makes the exit code 7, and so does a text that could not be judged.

    Raises:
        NotFound: there is no such file.
        UsageError: it cannot be read, or no line of it is a text.
    """
    from ockit.commands.moderate import blocks, opened

    bad = good = 0
    name = "stdin" if str(batch) == "-" else str(batch)
    with _stream(run, batch) as stream:
        guard = opened(run, policy)
        judges = _Judges(guard, role)
        try:
            for block in blocks(guard, _rows(stream, name), lambda row: row.text):
                for problem in (row.fault for row in block if row.fault is not None):
                    run.console.warning(str(problem))
                asked = [row for row in block if row.fault is None]
                with run.console.status(f"{good:,} texts are judged ..."):
                    verdicts = iter(judges.verdicts([row.text for row in asked]))
                for banner in guard.take_banners():
                    run.console.warning(banner)
                for row in block:
                    verdict = next(verdicts) if row.fault is None else _none(row.fault)
                    named = {} if row.id is None else {"id": row.id}
                    run.console.json({"line": row.line, **named, **verdict_json(verdict)})
                    bad += not verdict.judged
                good += len(asked)
        finally:
            guard.close()
    if not good:
        raise UsageError("no line of it is a text", where=name, hint=FORM)
    return ExitCode.PARTLY_DONE if bad else ExitCode.OK


class _Judges:
    """The guard, asked once more for what a fault left unjudged: a process that hung is another one then."""

    def __init__(self, guard: Guard, role: Judged) -> None:
        self._guard = guard
        self._role = role
        self._worth = True  # a fault that stays would cost twice its time for every block

    def verdicts(self, texts: list[str]) -> list[Verdict]:
        """A verdict for each text."""
        found = self._guard.check_many(texts, self._role)
        failed = [number for number, verdict in enumerate(found) if verdict.status in FAULTS]
        if failed and self._worth:
            again = self._guard.check_many([texts[number] for number in failed], self._role)
            for number, verdict in zip(failed, again, strict=True):
                found[number] = verdict
        self._worth = not any(verdict.status in FAULTS for verdict in found)
        return found


def _none(fault: UsageError) -> Verdict:
    """What is said of a line that no policy was asked for: there was nothing to read, or no text."""
    status: Literal["not_scanned", "error"] = "not_scanned" if fault.what == EMPTY else "error"
    return Verdict(0, (), {}, (), "allow", fault.what, "none", 0.0, status)


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


def _rows(stream: BinaryIO, name: str) -> Iterator[_Row | None]:
    """Every line that is not blank; None where the next one is still to come."""
    lines = Lines(stream, LONGEST_LINE + 1)
    number = 0
    while line := lines.read():
        number += 1
        where = f"{name}:{number}"
        if len(line) > LONGEST_LINE and not line.endswith(b"\n"):
            yield _Row(
                number, fault=UsageError(f"the line is longer than {LONGEST_LINE >> 20} MiB", where=where)
            )
            while line and not line.endswith(b"\n"):
                line = lines.read()
        elif line.strip(b" \t\r\n\xef\xbb\xbf"):
            yield _row(line, number, where)
        if not lines.ready():
            yield None


def _row(line: bytes, number: int, where: str) -> _Row:
    try:
        said = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        return _Row(number, fault=UsageError(f"not UTF-8 (byte {error.start} of the line)", where=where))
    except (ValueError, RecursionError) as error:
        return _Row(number, fault=UsageError(f"no JSON: {why_no_json(error)}", where=where))
    if not isinstance(said, dict):
        return _Row(number, fault=UsageError('not of the form {"text": TEXT}', where=where))
    text, name = said.get("text"), said.get("id")
    named = name if isinstance(name, str | int) else None
    if not isinstance(text, str):
        return _Row(number, id=named, fault=UsageError('not of the form {"text": TEXT}', where=where))
    empty = None if text.strip() else UsageError(EMPTY, where=where)
    return _Row(number, text, named, empty)
