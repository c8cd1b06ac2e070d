"""The header of a table: whether its first row is one, and what it says of the rows. Knows no file format."""

from __future__ import annotations

from collections.abc import Sequence

_LONGEST_NAME = 64
_MOST_NAMES = 40


def header_title(row: Sequence[str]) -> str:
    """What a heading says of a table whose first row names its columns: ``columns: id, name``. Nothing, where the row
    does not look like names: an empty, repeated, long or numeric cell."""
    names = [" ".join(cell.split()) for cell in row]
    while names and not names[-1]:
        names.pop()
    if len(names) < 2 or len(set(names)) < len(names):
        return ""
    if any(not name or len(name) > _LONGEST_NAME or _is_number(name) for name in names):
        return ""
    return "columns: " + ", ".join(names[:_MOST_NAMES])


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "").strip("%$€£ "))
    except ValueError:
        return False
    return True
