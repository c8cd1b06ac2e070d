"""Values out of a TOML table, each checked, each fault told with file and line. Knows kinds of values, no policy."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path as FilePath
from typing import Any, cast

from ockit.errors import UsageError
from ockit.files import read_text
from ockit.messages import ACTIONS, Action
from ockit.moderation.toml_places import Path, line_of, places
from ockit.text import shorten
from ockit.toml_lines import literal, parse

LONGEST_TEXT = 4_000
_EXAMPLE = 'action = "note"'


def read_table(path: FilePath, limit: int, faults: list[UsageError] | None = None) -> Table:
    """The whole of a TOML file of at most `limit` bytes. Raises UsageError with the line, NotFound, StoreError."""
    return parse_table(read_text(path, limit), str(path), faults)


def parse_table(text: str, name: str, faults: list[UsageError] | None = None) -> Table:
    """The whole of a TOML text; `name` is the file's, `faults` as in `Table`. Raises UsageError with the line: it is no
    TOML."""
    try:
        return Table(parse(text, name, _EXAMPLE), name, places(text), source=text, faults=faults)
    except (RecursionError, ValueError) as error:  # brackets in brackets, or a number of thousands of digits
        raise UsageError(
            "this is no TOML that can be read: something in it is far too deep or too long",
            where=name,
            hint="simplify the file",
        ) from error


class Table:
    """A table of a TOML file that knows where it stands.

    What is wrong with a value is raised as a UsageError, or, where faults are gathered, kept: then the value is its
    default, or as if nothing stood there.

    Args:
        values: as the standard library's parser gives them.
        name: the file's, for errors.
        places: of `ockit.moderation.toml_places.places`.
        path: the keys that lead to the table.
        source: the text of the file; only the table that is the whole of it has one.
        faults: where they are gathered, of all tables of a file; None where the first is raised.
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        name: str,
        places: Mapping[Path, int],
        path: Path = (),
        *,
        source: str = "",
        faults: list[UsageError] | None = None,
    ) -> None:
        self.values = values
        self.name = name
        self.source = source
        self.faults = faults
        self._places = places
        self._path = path

    def where(self, key: str | None = None) -> str:
        """``file:line`` of a key, or of the table."""
        path = self._path if key is None else (*self._path, key)
        return f"{self.name}:{line_of(self._places, path)}"

    def fault(self, key: str, what: str, hint: str) -> UsageError:
        """The error of a key."""
        return UsageError(f"{self._dotted(key)} {what}", where=self.where(key), hint=hint)

    def wrong(self, error: UsageError) -> None:
        """Raise an error, or keep it where faults are gathered: the caller goes on without the value."""
        if self.faults is None:
            raise error
        self.faults.append(error)

    def only(self, known: Sequence[str]) -> None:
        """Every key that is not among `known` is a fault."""
        for key in self.values:
            if key not in known:
                near = get_close_matches(key, known, 1)
                hint = f"did you mean {near[0]}?" if near else f"it may hold: {', '.join(known)}"
                self.wrong(self.fault(key, "is not known here", hint))

    def table(self, key: str) -> Table:
        """A table inside this one; an empty one where there is none."""
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            hint = f"write a heading: [{self._dotted(key)}]"
            self.wrong(self.fault(key, f"is {quoted(value)}, but must be a table", hint))
            value = {}
        return Table(value, self.name, self._places, (*self._path, key), faults=self.faults)

    def tables(self, key: str) -> list[Table]:
        """An array of tables; none where there is none."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            hint = f"write a heading for each: [[{self._dotted(key)}]]"
            self.wrong(self.fault(key, "must be an array of tables", hint))
            value = []
        return [
            Table(one, self.name, self._places, (*self._path, key, number), faults=self.faults)
            for number, one in enumerate(value)
        ]

    def text(self, key: str, default: str, *, empty: bool = False) -> str:
        """A text of at most `LONGEST_TEXT` characters, not blank unless `empty`."""
        value = self.values.get(key, default)
        if not isinstance(value, str):
            self.wrong(self.fault(key, f"is {quoted(value)}, but must be text", f'{key} = "..."'))
            return default
        if not value.strip() and not empty:
            self.wrong(self.fault(key, "is empty", f"give it some words, or leave {key} out"))
        if len(value) > LONGEST_TEXT:
            what = f"has {len(value)} characters; {LONGEST_TEXT} are the most"
            self.wrong(self.fault(key, what, "shorten it"))
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts that are not blank; none where there is no such key."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) and one.strip() for one in value):
            what = f"is {quoted(value)}, but must be a list of texts"
            self.wrong(self.fault(key, what, f'{key} = ["...", "..."]'))
            return ()
        return tuple(value)

    def word(self, key: str, default: str, words: Sequence[str]) -> str:
        """One of some words; the default need be none of them where the key is there."""
        value = self.values.get(key, default)
        if value not in words:
            near = get_close_matches(value, words, 1) if isinstance(value, str) else []
            hint = f"did you mean {near[0]}?" if near else f'{key} = "{words[0]}"'
            self.wrong(self.fault(key, f"is {quoted(value)}, but must be {' or '.join(words)}", hint))
            return default
        return cast(str, value)

    def action(self, key: str, default: Action) -> Action:
        """One of `ACTIONS`."""
        return cast(Action, self.word(key, default, ACTIONS))

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            what = f"is {quoted(value)}, but must be true or false"
            self.wrong(self.fault(key, what, f"{key} = true"))
            return default
        return value

    def number(self, key: str, default: float, low: float, high: float) -> float:
        """A number within bounds."""
        value = self.values.get(key, default)
        fits = isinstance(value, int | float) and not isinstance(value, bool)
        if not fits or not math.isfinite(value) or not low <= value <= high:
            what = f"is {quoted(value)}, but must be a number from {low:g} to {high:g}"
            self.wrong(self.fault(key, what, f"{key} = {default:g}"))
            return default
        return float(value)

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        """A whole number within bounds."""
        value = self.values.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            what = f"is {quoted(value)}, but must be a whole number from {low} to {high}"
            self.wrong(self.fault(key, what, f"{key} = {default}"))
            return default
        return value

    def _dotted(self, key: str) -> str:
        return ".".join(str(part) for part in (*self._path, key) if not isinstance(part, int))


def quoted(value: object) -> str:
    """A value as the file writes it, in short."""
    known = isinstance(value, bool | int | float | str | list)
    return shorten(literal(value) if known else str(value), 60)
