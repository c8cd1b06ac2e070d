"""Small plots in characters, for a terminal: a bar a line. Knows numbers and names; draws no colour."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ockit.text import width

_EIGHTHS = " ▏▎▍▌▋▊▉"


def bar_lines(rows: Sequence[tuple[str, float]], columns: int, *, high: float | None = None) -> list[str]:
    """Bars, one a row, their values behind them.

    Args:
        rows: a name and a value each; a negative or infinite value has no bar.
        columns: width of a line; narrower than the names and values need, the bars are one cell wide.
        high: the value of a full bar; None takes the largest.
    """
    values = [value for _, value in rows if math.isfinite(value)]
    top = high if high is not None else max(values, default=0.0)
    shown = [f"{value:.3f}" for _, value in rows]
    names = max((width(name) for name, _ in rows), default=0)
    room = max(1, columns - names - max(map(len, shown), default=0) - 3)
    lines = []
    for (name, value), figure in zip(rows, shown, strict=True):
        share = min(1.0, value / top) if top > 0 and math.isfinite(value) and value > 0 else 0.0
        lines.append(f"{name}{' ' * (names - width(name))}  {_bar(share * room)} {figure}".rstrip())
    return lines


def _bar(cells: float) -> str:
    eighths = round(cells * 8)
    return "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")
