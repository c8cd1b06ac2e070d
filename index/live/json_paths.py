"""Where in a JSON answer a value stands: ``results[*].title``. A small, strict language; nothing is evaluated.

A path is steps: a name (``hits``), names joined by dots (``hits.hits``), an element of a list (``[0]``, ``[-1]``), all
of them (``[*]``), and a name with any characters as a JSON string (``["content-type"]``). ``$`` may stand at the
front. What a step does not find yields nothing; what cannot be parsed is a UsageError.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from ockit.errors import UsageError

LONGEST = 500
_ROOT = re.compile(r"\$(?:\.(?=[^.\[])|(?=\[)|$)")
_STEP = re.compile(r'(?:^|\.)([^\s.\[\]"$*][^.\[\]"]*)|\[(?:(\*)|(-?\d{1,6})|("(?:[^"\\]|\\.)*"))\]')


@dataclass(frozen=True)
class JsonPath:
    """A parsed path. Steps are names, positions, and None for every element."""

    text: str
    steps: tuple[str | int | None, ...]

    @classmethod
    def parse(cls, text: str, option: str = "the path") -> JsonPath:
        """A path from its text; `option` is what the person wrote it behind. Raises UsageError."""
        whole = text.strip()
        root = _ROOT.match(whole)
        rest, at = whole[root.end() :] if root else whole, 0
        steps: list[str | int | None] = []
        while at < len(rest) <= LONGEST and not rest.startswith("."):
            found = _STEP.match(rest, at)  # `^` matches only at the front, so a name elsewhere needs its dot
            if found is None:
                break
            name, every, number, quoted = found.groups()
            if name is not None:
                steps.append(name.rstrip())
            elif every:
                steps.append(None)
            elif number is not None:
                steps.append(int(number))
            else:
                try:
                    steps.append(json.loads(quoted))
                except ValueError:
                    break
            at = found.end()
        if at < len(rest) or not whole:
            raise UsageError(
                f"{option} is {text[:LONGEST]!r}, which is no path into JSON"
                + (f" from character {at + len(whole) - len(rest) + 1} on" if rest else ""),
                hint='a path is like results[*], hits.hits, data[0].items or _source["some text"]',
            )
        return cls(whole, tuple(steps))

    def values(self, root: Any) -> list[Any]:
        """Everything the path leads to, in order."""
        found = [root]
        for step in self.steps:
            nexts: list[Any] = []
            for value in found:
                if step is None:
                    if isinstance(value, list):
                        nexts += value
                elif isinstance(step, int):
                    if isinstance(value, list) and -len(value) <= step < len(value):
                        nexts.append(value[step])
                elif isinstance(value, dict) and step in value:
                    nexts.append(value[step])
            found = nexts
        return found

    def items(self, root: Any) -> list[Any] | None:
        """The list the path leads to: the elements of one list, or all that ``[*]`` gave; None where there is none."""
        found = self.values(root)
        if None not in self.steps:
            return found[0] if found and isinstance(found[0], list) else None
        if len(found) == 1 and isinstance(found[0], list):
            return found[0]
        return found or ([] if self._reached(root) else None)

    def _reached(self, root: Any) -> bool:
        """Whether an empty result is an empty list, and not a path that leads nowhere."""
        last = max(i for i, step in enumerate(self.steps) if step is None)
        return any(value == [] for value in JsonPath(self.text, self.steps[:last]).values(root))

    def text_of(self, item: Any) -> str:
        """What stands there as text: strings and numbers, several of them on lines of their own."""
        found: list[str] = []
        for value in self.values(item):
            parts = value if isinstance(value, list) else [value]
            found += [
                str(part)
                for part in parts
                if isinstance(part, str | int | float) and not isinstance(part, bool)
            ]
        return "\n".join(found)

    def number_of(self, item: Any) -> float | None:
        """The finite number that stands there, also as a string; None where there is none."""
        import math

        for value in self.values(item)[:1]:
            if isinstance(value, bool) or not isinstance(value, int | float | str):
                return None
            try:
                number = float(value)
            except (ValueError, OverflowError):
                return None
            return number if math.isfinite(number) else None
        return None
