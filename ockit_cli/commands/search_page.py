"""Passages as a person reads them: where each stands, as an editor opens it, then its text, the question's words bold.

What a pipe gets is the same without colour and uncut. Sanitizing is the console's business; here texts are made safe
before they are styled, so that no document styles itself.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from ockit.commands.invocation import Invocation
from ockit.index.search.question import asked_groups, stems_of
from ockit.index.search.stems import stem
from ockit.messages import Passage
from ockit.text import folded, one_line, sanitize

_SHOWN = 12  # lines of a passage on a terminal
_INDENT = "    "
_BOLD, _PLACE, _DIM, _OFF = "\x1b[1m", "\x1b[1;36m", "\x1b[2m", "\x1b[0m"
_WORD = re.compile(r"\w+")


def show(run: Invocation, query: str, passages: Sequence[Passage]) -> None:
    """Print passages to stdout, best first, a blank line between two."""
    on_terminal = run.environment.stdout_is_tty
    asked = {stem(form) for forms in asked_groups(query) for form in forms}
    several = len({passage.index for passage in passages}) > 1
    for number, passage in enumerate(passages):
        if number:
            run.console.line()
        run.console.styled(_head(run, passage, several) + "\n")
        text = sanitize(passage.text)
        if on_terminal:
            text = folded(text, max(20, run.console.columns - len(_INDENT)))
        lines, left_out = text.split("\n"), 0
        if on_terminal and len(lines) > _SHOWN:
            lines, left_out = _best(lines, asked), len(lines) - _SHOWN
        for line in lines:
            run.console.styled((_INDENT + _marked(line, asked)).rstrip() + "\n")
        if left_out:
            run.console.styled(f"{_INDENT}{_DIM}… {left_out} more lines{_OFF}\n")


def place(passage: Passage, cwd: Path) -> str:
    """``path:start-end``, the path as it is opened from `cwd`; a page where the source has no lines."""
    path = passage.path
    if passage.file and "://" not in passage.file:
        below = os.path.relpath(passage.file, cwd)
        path = passage.file if below.startswith(os.pardir) else below
    elif passage.file:
        path = passage.file
    if passage.start_line is not None:
        return f"{path}:{passage.start_line}-{passage.end_line}"
    return path if passage.page is None else f"{path}, page {passage.page}"


def _head(run: Invocation, passage: Passage, several: bool) -> str:
    rest = [f"{passage.score:.2f}"]
    if several:
        rest.append(one_line(passage.index))
    if passage.heading:
        rest.append(one_line(passage.heading))
    where = one_line(place(passage, run.environment.cwd))
    return f"{_PLACE}{where}{_OFF}  {_DIM}{'  '.join(rest)}{_OFF}"


def _marked(line: str, asked: set[str]) -> str:
    """The line with the words of the question in bold."""
    return _WORD.sub(lambda m: f"{_BOLD}{m[0]}{_OFF}" if asked & stems_of(m[0]) else m[0], line)


def _best(lines: list[str], asked: set[str]) -> list[str]:
    """The `_SHOWN` lines with most of the question's words; of equals the first."""
    counts = [len(asked & stems_of(line)) for line in lines]
    starts = range(len(lines) - _SHOWN + 1)
    begin = max(starts, key=lambda at: (sum(counts[at : at + _SHOWN]), -at))
    return lines[begin : begin + _SHOWN]
