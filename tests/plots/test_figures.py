"""Figures: files that are PNG and have in them what was drawn; plots in characters."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ockit.errors import OckitError, UsageError
from ockit.plots.figures import Labels, line_figure
from ockit.plots.in_text import bar_lines
from ockit.text import width

LABELS = Labels("Recall of $docs$ and $5", "k", "recall", 0.0, 1.0)
BLUE, RED = (0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)


def pixels(path):
    from matplotlib.image import imread

    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    return (imread(path)[..., :3] * 255).round().astype(int)


def places(image, colour):
    """Rows and columns of the pixels that have a colour."""
    return (abs(image - list(colour)).sum(axis=2) <= 6).nonzero()


def test_a_line_goes_where_its_values_go(tmp_path):
    path = tmp_path / "made" / "plot.png"
    line_figure(path, LABELS, {"up": [(5, 0.2), (10, 0.5), (20, 0.9)]}, ticks=[5, 10, 20])
    image = pixels(path)
    assert image.shape[0] > 400
    rows, columns = places(image, BLUE)
    assert len(rows) > 200
    left, right = rows[columns < columns.min() + 20].mean(), rows[columns > columns.max() - 20].mean()
    assert right < left  # rows are counted from above
    assert len(places(image, RED)[0]) == 0


def test_points_that_are_no_numbers_break_the_line(tmp_path):
    path = tmp_path / "plot.png"
    line_figure(path, LABELS, {"a": [(1, 0.1), (2, math.nan), (3, math.inf)], "b": [(1, 1.0)]})
    assert len(places(pixels(path), RED)[0]) > 20


@pytest.mark.parametrize("lines", [{}, {"a": []}, {str(n): [(1, 1)] for n in range(9)}])
def test_what_cannot_be_drawn_is_refused(tmp_path, lines):
    path = tmp_path / "plot.png"
    with pytest.raises(UsageError):
        line_figure(path, LABELS, lines)
    assert not path.exists()


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OckitError, match="cannot"):
        line_figure(tmp_path / "file" / "plot.png", LABELS, {"a": [(1, 1)]})


def test_no_state_of_pyplot_is_touched(tmp_path):
    import subprocess
    import sys

    code = (
        "import sys; from pathlib import Path; from ockit.plots.figures import Labels, line_figure; "
        "assert 'matplotlib' not in sys.modules; "
        "line_figure(Path(sys.argv[1]), Labels('t', 'x', 'y'), {'a': [(1, 1)]}); "
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "a.png"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_bars_in_characters():
    assert bar_lines([("bm25", 0.5), ("both", 1.0)], 20, high=1.0) == [
        "bm25  ████ 0.500",
        "both  ████████ 1.000",
    ]
    assert bar_lines([], 20) == []


@given(
    st.lists(st.tuples(st.text("ab", max_size=5), st.floats()), max_size=6),
    st.integers(1, 100),
)
def test_bars_in_characters_fit(rows, columns):
    lines = bar_lines(rows, columns)
    assert len(lines) == len(rows)
    names = max((len(name) for name, _ in rows), default=0)
    figures = max((len(f"{value:.3f}") for _, value in rows), default=0)
    assert all(width(line) <= max(columns, names + figures + 4) for line in lines)
