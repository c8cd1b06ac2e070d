"""What is open while an answer streams in: the leaf, the quotes and items around it, and the numbers of lists.

Knows which lines belong to what is open; knows nothing of what has been given.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from ockit.repl import lines
from ockit.repl.lines import Cursor, Fence, Marker

Kind = Literal["paragraph", "heading", "code", "table", "rule", "html", "math", "blank"]


@dataclass
class OpenContainer:
    """A container that is open. `columns` is the indentation of an item's content."""

    kind: Literal["quote", "item"]
    columns: int = 0
    marker: str = ""
    opens: bool = True
    empty: bool = True

    def goes_on(self, cursor: Cursor) -> bool:
        """Whether the line belongs to it; moves the cursor behind its marks."""
        if self.kind == "quote":
            return quoted(cursor)
        if self.empty if cursor.blank else cursor.indent < self.columns:
            return False
        cursor.skip_indent(self.columns)
        return True


@dataclass
class OpenLeaf:
    """The block that is open. `sources` and `contents` are what has not been given yet."""

    kind: Kind
    sources: list[str] = field(default_factory=list)
    contents: list[str] = field(default_factory=list)
    size: int = 0
    first: bool = True
    fence: Fence | None = None
    end: re.Pattern[str] | None = None

    @property
    def verbatim(self) -> bool:
        """Whether every line belongs to it until one ends it."""
        return self.fence is not None or self.end is not None

    def add(self, source: str, content: str) -> None:
        """Another line."""
        self.sources.append(source)
        self.contents.append(content)
        self.size += len(source)


def quoted(cursor: Cursor) -> bool:
    """Whether the line is a quote's; moves the cursor behind the mark."""
    if cursor.indent >= lines.INDENTED or not cursor.text.startswith(">"):
        return False
    cursor.skip(1)
    cursor.skip_indent(1)
    return True


class Numbers:
    """The markers that lists show: as written, but counted up where a list repeats one number."""

    def __init__(self) -> None:
        self._before: list[tuple[int, str, int] | None] = []  # by depth: as written, its sign, as shown

    def end(self, depth: int) -> None:
        """What follows is no item of a list at this depth or below it."""
        del self._before[depth:]

    def shown(self, mark: Marker, depth: int) -> str:
        """The marker of the next item at a depth."""
        self.end(depth + 1)
        self._before += [None] * (depth + 1 - len(self._before))
        if mark.number is None:
            self._before[depth] = None
            return mark.text
        sign = mark.text[-1]
        before = self._before[depth]
        repeats = before is not None and before[:2] == (mark.number, sign)
        shown = before[2] + 1 if before is not None and repeats else mark.number
        self._before[depth] = (mark.number, sign, shown)
        return f"{shown}{sign}"
