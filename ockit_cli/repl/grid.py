"""A table of Markdown drawn to fit: columns side by side, or entry by entry where there is no room for that.

Knows rows of spans and columns; knows no Markdown.
"""

from __future__ import annotations

from collections.abc import Sequence

from ockit.repl.themes import Theme
from ockit.repl.wrap import Span, columns_of, wrap

_NARROWEST = 5  # columns of a cell that can still be read
_BETWEEN = " │ "

Cell = list[Span]


def draw(
    rows: Sequence[Sequence[Cell]], alignments: Sequence[str], columns: int, theme: Theme
) -> list[list[Span]]:
    """The lines of a table. The first row is its heading; `alignments` are ``left``, ``right`` or ``centre``."""
    count = max(map(len, rows))
    full = [[*row, *[[]] * (count - len(row))] for row in rows]
    alignments = [*alignments, *["left"] * (count - len(alignments))]
    sizes = [max(1, *(columns_of(row[i]) for row in full)) for i in range(count)]
    room = columns - len(_BETWEEN) * (count - 1)
    if sum(sizes) > room and room < count * _NARROWEST:
        return _entries(full, columns)
    _narrow(sizes, room)
    rule = [("─┼─".join("─" * size for size in sizes), theme.table_border)]
    lines: list[list[Span]] = []
    folded = False
    for number, row in enumerate(full):
        cells = [wrap(cell, size) for cell, size in zip(row, sizes, strict=True)]
        height = max(map(len, cells))
        if number == 1 or (number > 1 and (folded or height > 1)):
            lines.append(rule)
        folded = height > 1
        for i in range(height):
            texts = [cell[i] if i < len(cell) else [] for cell in cells]
            lines.append(_line(texts, sizes, alignments, theme))
    return [*lines, rule] if len(full) == 1 else lines


def _narrow(sizes: list[int], room: int) -> None:
    """Take from the widest until they fit."""
    while sum(sizes) > room:
        widest = max(sizes)
        second = max((size for size in sizes if size < widest), default=1)
        many = sizes.count(widest)
        step = max(1, min(widest - second, (sum(sizes) - room) // many))
        for i, size in enumerate(sizes):
            if size == widest and sum(sizes) > room:
                sizes[i] -= step


def _line(texts: list[Cell], sizes: list[int], alignments: Sequence[str], theme: Theme) -> list[Span]:
    line: list[Span] = []
    for i, (text, size, alignment) in enumerate(zip(texts, sizes, alignments, strict=True)):
        free = max(0, size - columns_of(text))
        left = {"right": free, "centre": free // 2}.get(alignment, 0)
        between = _BETWEEN if i + 1 < len(texts) else ""
        line += [
            (" " * left, ""),
            *text,
            (" " * (free - left) if between else "", ""),
            (between, theme.table_border),
        ]
    while line and not line[-1][0].strip():
        line.pop()
    if line:
        line[-1] = (line[-1][0].rstrip(), line[-1][1])
    return line


def _entries(rows: list[list[Cell]], columns: int) -> list[list[Span]]:
    head, *body = rows
    if not body:
        return [line for cell in head for line in wrap(cell, columns)]
    lines: list[list[Span]] = []
    for number, row in enumerate(body):
        if number:
            lines.append([])
        for name, cell in zip(head, row, strict=True):
            lines += wrap([*name, (": " if name and cell else "", ""), *cell], columns)
    return lines
