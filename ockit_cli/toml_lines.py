"""A flat TOML file as lines: where each key stands, and edits that leave every other line as it was.

Knows TOML's statements, not what a key means. The standard library reads TOML but neither tells lines nor writes;
both follow from one fact: a line begins a statement exactly where all the lines before it parse by themselves.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ockit.errors import UsageError

_NAME = r"""\s*(?:"(\w[\w-]*)"|'(\w[\w-]*)'|([\w-]+))\s*"""
_KEY = re.compile(rf"{_NAME}[=.]")
_CLOSERS = ('"""', "'''", "]")
_TABLE = re.compile(rf"\s*\[{{1,2}}{_NAME}[].]")


@dataclass(frozen=True)
class Statement:
    """One ``key = value``, or a table's heading: the lines ``first`` to ``last`` (from 1, both included)."""

    key: str
    first: int
    last: int


def parse(text: str, name: str, example: str = "temperature = 0.7") -> dict[str, Any]:
    """The values of a TOML text.

    Args:
        name: the file's, for the UsageError of a text that is none.
        example: a line as such a file has them, for the hint.
    """
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = re.sub(r" \(at .*\)$", "", str(error))
        found = re.search(r"at line (\d+)", str(error))
        line = int(found.group(1)) if found else text.count("\n") + 1
        raise UsageError(
            f"this is not TOML: {message[:1].lower()}{message[1:]}",
            where=f"{name}:{line}",
            hint=f"correct the line; a setting is written like {example!r}",
        ) from error


def statements(text: str) -> list[Statement]:
    """The statements of a text that parses, up to the heading of its first table, which is the last of them."""
    found: list[Statement] = []
    for first, source in sources(text):
        last = first + len(_lines(source)) - 1
        if table := _TABLE.match(source):
            found.append(Statement(next(filter(None, table.groups())), first, last))
            break
        if key := _KEY.match(source):
            found.append(Statement(next(filter(None, key.groups())), first, last))
    return found


def sources(text: str) -> Iterator[tuple[int, str]]:
    """Of each statement of a text that parses: its first line, from 1, and its own text. A table's heading is one;
    comments and empty lines are none."""
    lines = _lines(text)
    number = 0
    while number < len(lines):
        first, number = number, number + 1
        if not lines[first].strip() or lines[first].lstrip().startswith("#"):
            continue
        while number < len(lines) and not _ends(lines[first:number]):
            number += 1
        yield first + 1, "".join(lines[first:number])


def replaced(text: str, key: str, value: object) -> str:
    """The text with a key set: in its place (its comment stays), or on a line of its own at the end."""
    line = f"{key} = {literal(value)}"
    lines = _lines(text)
    for statement in statements(text):
        if statement.key == key:
            comment = _comment(lines[statement.last - 1] if statement.first == statement.last else "")
            lines[statement.first - 1 : statement.last] = [f"{line}{comment}\n"]
            return "".join(lines)
    gap = "" if not text or text.endswith("\n") else "\n"
    return f"{text}{gap}{line}\n"


def removed(text: str, key: str) -> str:
    """The text without a key; the same text where the key is not in it."""
    lines = _lines(text)
    for statement in statements(text):
        if statement.key == key:
            del lines[statement.first - 1 : statement.last]
    return "".join(lines)


def literal(value: object) -> str:
    """A value as TOML writes it: bool, int, float, str, or a sequence of them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # JSON's escapes are all TOML's; DEL alone may stand bare in JSON and not in TOML.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(literal, value))}]"
    return repr(value)


def _lines(text: str) -> list[str]:
    """Lines as TOML has them, with their ends; `str.splitlines` also splits where text has U+0085 and the like."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _ends(lines: list[str]) -> bool:
    """Whether a statement that began with the first of the lines is over with the last of them."""
    # Parsing at every line of a long text would be quadratic; only these end a value of several lines.
    return (len(lines) == 1 or any(mark in lines[-1] for mark in _CLOSERS)) and _parses("".join(lines))


def _parses(text: str) -> bool:
    import tomllib

    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _comment(line: str) -> str:
    """The comment behind a statement of one line, with the space in front of it; empty where there is none."""
    for mark in re.finditer(r"\s*#", line):
        if _parses(line[: mark.start()]):
            return line[mark.start() :].rstrip("\r\n")
    return ""
