"""Passages as a person reads them: where each stands, as an editor opens it, then its text, the question's words bold.

What a pipe gets is the same without colour and uncut. Sanitizing is the console's business; here texts are made safe
before they are styled, so that no document styles itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ockit.assistant.citations import opened_path
from ockit.commands.invocation import Invocation
from ockit.index.search.question import asked_groups, stems_of
from ockit.index.search.stems import stem
from ockit.messages import Passage
from ockit.text import folded, one_line, sanitize, shorten, width

_SHOWN = 12  # lines of a passage on a terminal
_INDENT = "    "
_BOLD, _PLACE, _DIM, _OFF = "\x1b[1m", "\x1b[1;36m", "\x1b[2m", "\x1b[0m"
_WORD = re.compile(r"\w+")
_MARKUP = re.compile(r"^\s*(?:#{1,6}\s+|=+\s+)|\s+#+\s*$")  # of a heading in Markdown and its like


def show(run: Invocation, query: str, passages: Sequence[Passage]) -> None:
    """Print passages to stdout, best first, a blank line between two."""
    on_terminal = run.environment.stdout_is_tty
    asked = {stem(form) for forms in asked_groups(query) for form in forms}
    several = len({passage.index for passage in passages}) > 1
    for number, passage in enumerate(passages):
        if number:
            run.console.line()
        run.console.styled(_head(run, passage, several) + "\n")
        text = sanitize(_unheaded(passage) if on_terminal else passage.text)
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
    path = opened_path(passage, cwd)
    if passage.start_line is not None:
        return f"{path}:{passage.start_line}-{passage.end_line}"
    return path if passage.page is None else f"{path}, page {passage.page}"


def _head(run: Invocation, passage: Passage, several: bool) -> str:
    """The place with what else is known. On a terminal one line, or the rest on a second, cut with ``…``."""
    rest = [f"{passage.score:.2f}"]
    if several:
        rest.append(one_line(passage.index))
    if passage.heading:
        rest.append(one_line(passage.heading))
    where, more = one_line(place(passage, run.environment.cwd)), "  ".join(rest)
    between = "  "
    if run.environment.stdout_is_tty and width(f"{where}  {more}") > (columns := run.console.columns):
        between = "\n" + _INDENT
        more = shorten(more, max(8, columns - len(_INDENT)))
    return f"{_PLACE}{where}{_OFF}{between}{_DIM}{more}{_OFF}"


def _unheaded(passage: Passage) -> str:
    """The text without a first line that only says the last part of the heading, which stands above it."""
    first, _, rest = passage.text.partition("\n")
    said = _MARKUP.sub("", first).strip()
    last = passage.heading.rsplit(" › ", 1)[-1].strip()
    return rest.lstrip("\n") if rest.strip() and said and said == last else passage.text


def _marked(line: str, asked: set[str]) -> str:
    """The line with the words of the question in bold."""
    return _WORD.sub(lambda m: f"{_BOLD}{m[0]}{_OFF}" if asked & stems_of(m[0]) else m[0], line)


def _best(lines: list[str], asked: set[str]) -> list[str]:
    """The `_SHOWN` lines with most of the question's words; of equals the first."""
    counts = [len(asked & stems_of(line)) for line in lines]
    starts = range(len(lines) - _SHOWN + 1)
    begin = max(starts, key=lambda at: (sum(counts[at : at + _SHOWN]), -at))
    return lines[begin : begin + _SHOWN]
