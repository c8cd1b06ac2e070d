"""On which line of a TOML text each of its keys stands, whatever tables they are in. Knows TOML, not what a key means.

`ockit.toml_lines` cuts a text into statements and knows flat files; this one follows headings as well. The standard
library's parser says what a statement holds: each is parsed by itself.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from ockit.toml_lines import sources

Path = tuple[str | int, ...]
"""The keys that lead to a value; a number is a place in an array of tables."""

_HEADING = re.compile(r"\s*\[")


def places(text: str) -> dict[Path, int]:
    """The line, from 1, of every key and every heading of a text that parses."""
    found: dict[Path, int] = {(): 1}
    prefix: Path = ()
    counts: dict[Path, int] = {}
    for line, source in sources(text):
        if _HEADING.match(source):
            keys, is_array = _heading(source)
            prefix = ()
            for key in keys[:-1]:  # a heading below an array of tables means its last table
                prefix += (key,)
                if prefix in counts:
                    prefix += (counts[prefix] - 1,)
            prefix += (keys[-1],)
            if is_array:
                counts[prefix] = counts.get(prefix, 0) + 1
                found.setdefault(prefix, line)
                prefix += (counts[prefix] - 1,)
            found[prefix] = line
            continue
        for path in _paths(tomllib.loads(source)):
            found.setdefault(prefix + path, line)
    return found


def line_of(found: Mapping[Path, int], path: Path) -> int:
    """The line of a key, else that of the nearest table it is in."""
    while path not in found:
        path = path[:-1]
    return found[path]


def _heading(source: str) -> tuple[list[str], bool]:
    """The keys of a heading, and whether it begins a table of an array."""
    table: Any = tomllib.loads(source)
    keys: list[str] = []
    while isinstance(table, dict) and table:
        key, table = next(iter(table.items()))
        keys.append(key)
    return keys, isinstance(table, list)


def _paths(table: Mapping[str, Any]) -> Iterator[Path]:
    for key, value in table.items():
        yield (key,)
        if isinstance(value, dict):
            for path in _paths(value):
                yield (key, *path)
