"""Line figures as PNG files, all in one style. The only place that imports matplotlib.

Knows numbers and labels, not what they mean. Nothing is shown on a screen and no state outlives a call: figures are
drawn by matplotlib's Agg backend, without pyplot.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ockit.errors import UsageError
from ockit.files import write_atomic

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours, which people who see fewer colours tell apart too.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#f0e442")
_MARKERS = "osD^vP*X"
_SIZE_INCHES = (7.0, 4.2)
_DPI = 130
_MOST_MARKED = 40  # points of a line beyond which markers would hide it


@dataclass(frozen=True)
class Labels:
    """What stands around a figure.

    Attributes:
        title: above it.
        x: below the horizontal axis.
        y: beside the vertical one.
        low: where the vertical axis begins; None leaves it to the data.
        high: where it ends; None leaves it to the data.
    """

    title: str
    x: str
    y: str
    low: float | None = None
    high: float | None = None


def line_figure(
    path: Path,
    labels: Labels,
    lines: Mapping[str, Sequence[tuple[float, float]]],
    *,
    ticks: Sequence[float] | None = None,
) -> None:
    """Draw lines, a name and its points (x, y) each, and write them as a PNG file.

    Args:
        path: the file; it is replaced as a whole.
        labels: what stands around the lines.
        lines: at most 8; a point that is not finite breaks its line.
        ticks: the marks of the horizontal axis; None leaves them to the data.

    Raises:
        UsageError: there is nothing to draw, or too much.
        OckitError: the file cannot be written.
    """
    _drawable(path, len(lines), sum(map(len, lines.values())))
    figure, axes = _figure(labels)
    for number, (name, points) in enumerate(lines.items()):
        axes.plot(
            [x for x, _ in points],
            [y if math.isfinite(y) else math.nan for _, y in points],
            label=_plain(name),
            color=_COLOURS[number],
            marker=_MARKERS[number] if len(points) <= _MOST_MARKED else "",
        )
    if ticks is not None:
        axes.set_xticks(list(ticks), [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
    _finish(path, figure, axes, labels, named=len(lines) > 1)


def _drawable(path: Path, series: int, points: int) -> None:
    if not series or not points:
        raise UsageError("there is nothing to draw", where=str(path))
    if series > len(_COLOURS):
        raise UsageError(
            f"{series} series do not fit into one figure ({len(_COLOURS)} at most)", where=str(path)
        )


def _figure(labels: Labels) -> tuple[Any, Axes]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE_INCHES, dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.set_title(_plain(labels.title), loc="left", fontsize=11)
    axes.set_xlabel(_plain(labels.x))
    axes.set_ylabel(_plain(labels.y))
    return figure, axes


def _finish(path: Path, figure: Any, axes: Axes, labels: Labels, *, named: bool) -> None:
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.set_ylim(bottom=labels.low, top=labels.high)
    if named:
        axes.legend(frameon=False)
    data = io.BytesIO()
    figure.savefig(data, format="png", metadata={"Software": "ockit"})
    write_atomic(path, data.getvalue())


def _plain(text: str) -> str:
    """A label that is drawn as it is: matplotlib takes what stands between dollars for a formula."""
    return text.replace("$", r"\$")
