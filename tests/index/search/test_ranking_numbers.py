"""Fusion, boosts, sureness, filters and extents: the numbers and borders of a search, without a store."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ockit.index.search.extent import CHARACTERS, LINES, code_extent, prose_extent
from ockit.index.search.filters import path_fits
from ockit.index.search.fuse import fused, lifted
from ockit.index.search.sureness import floor, sureness


def test_fusion_ranks_what_both_find_first() -> None:
    words = {1: 10.0, 2: 9.0, 3: 1.0}
    cosines = {1: 0.6, 2: 0.1, 3: 0.2, 4: 0.65}
    scores = fused(words, cosines, 100)
    assert max(scores, key=scores.__getitem__) == 1
    assert scores[2] > scores[4] > scores[3]
    assert all(0 <= score <= 1 for score in scores.values())


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.integers(0, 30), st.floats(0, 50), max_size=20),
    st.dictionaries(st.integers(0, 30), st.floats(-1, 1), max_size=20),
)
def test_fusion_never_leaves_its_range(words: dict[int, float], cosines: dict[int, float]) -> None:
    scores = fused(words, cosines, 10)
    assert scores.keys() == words.keys() | cosines.keys()
    assert all(-1e-9 <= score <= 1 + 1e-9 for score in scores.values())


def test_neighbours_and_files_lift_a_chunk() -> None:
    scores = {1: 0.5, 2: 0.5, 3: 0.4, 4: 0.0}
    lift = lifted(scores, {1: (7, 0), 2: (8, 4), 3: (8, 5), 4: (9, 0)})
    assert lift[2] > lift[1] > scores[1]
    assert lift[2] > lift[3] > scores[3]
    assert lift[4] == 0.0


def test_sureness_grows_with_both_figures() -> None:
    assert sureness(0.0, 0.0) < 0.01 < floor(cosines=True, shares=True) < 0.9 < sureness(0.6, 0.8)
    assert sureness(0.3, 0.2) < sureness(0.3, 0.6) < sureness(0.5, 0.6)
    assert sureness(0.05, None) < floor(cosines=True, shares=False) < sureness(0.5, None)
    assert sureness(None, 0.0) < floor(cosines=False, shares=True) < sureness(None, 0.7)


@pytest.mark.parametrize(
    ("path", "pattern", "fits"),
    [
        ("docs/a.md", "*.md", True),
        ("docs/a.md", "docs", True),
        ("docs/a.md", "docs/", True),
        ("docs/sub/a.md", "docs/*.md", False),
        ("docs/sub/a.md", "docs/**", True),
        ("docs/sub/a.md", "docs/**/*.md", True),
        ("docs/a.md", "docs/**/*.md", True),
        ("src/docs/a.md", "docs/*", False),
        ("src/docs/a.md", "docs", True),
        ("a[1].md", "a[[]1].md", True),
        ("ab.md", "a?.md", True),
        ("b.md", "[!a].md", True),
        ("a+b.md", "a+b.md", True),
        ("a.mdx", "*.md", False),
        ("docs/a.md", "./docs/a.md", True),
        ("b.md", "[z-a]*", False),
        ("b.md", "[!z-a].md", True),
        ("b.md", "[a-c].md", True),
        ("].md", "[]].md", True),
        ("b.md", "[!]].md", True),
        ("x/[!]", "x/[!]", True),
        ("^.md", "[^].md", True),
        ("a/b", "a[!x]b", False),
        ("a-.md", "a[b-].md", True),
        ("\\.md", "[\\].md", True),
        ("d.md", "[\\d].md", True),
    ],
)
def test_paths_fit_patterns(path: str, pattern: str, fits: bool) -> None:
    assert path_fits(path, pattern) is fits


TEXT = "".join(f"This is sentence number {n} of a long text. " for n in range(200))
CODE = "".join(f"    line_{n} = compute({n})\n" for n in range(300))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 8000), st.integers(1, 1500), st.integers(0, 2000), st.integers(0, 2000))
def test_a_prose_passage_holds_its_hit_and_keeps_its_size(
    at: int, size: int, before: int, behind: int
) -> None:
    at = min(at, len(TEXT) - 1)
    end = min(at + size, len(TEXT))
    low, high = max(0, at - before), min(len(TEXT), end + behind)
    start, stop = prose_extent(TEXT, at, end, low, high)
    assert low <= start < stop <= high
    assert stop - start <= CHARACTERS
    # at either end it may lack the part of a sentence for whose whole there is no room
    assert ". " not in TEXT[at:start].removesuffix(". ")
    assert ". " not in TEXT[stop : min(end, at + CHARACTERS)]


@pytest.mark.parametrize(("at", "end"), [(0, 700), (13, 650), (613, 1400), (9_000, 9_020), (100, 880)])
def test_a_prose_passage_begins_and_ends_with_lines(at: int, end: int) -> None:
    text = "".join(f"Line {n} of a text. It goes on\n" for n in range(400))
    start, stop = prose_extent(text, at, end, 0, len(text))
    assert text[start - 1 : start] in ("", "\n")
    assert text[stop - 1] == "\n"
    assert CHARACTERS - 40 < stop - start <= CHARACTERS


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 250), st.integers(1, 45), st.integers(0, 40), st.integers(0, 40))
def test_a_code_passage_is_whole_lines_and_keeps_its_size(
    first: int, count: int, above: int, below: int
) -> None:
    ends = [n for n, sign in enumerate(CODE) if sign == "\n"]
    borders = [0, *(end + 1 for end in ends)]
    start, end = borders[first], borders[first + count]
    low, high = borders[max(0, first - above)], borders[min(300, first + count + below)]
    a, b = code_extent(CODE, start, end, low, high, lambda line: float("line_260 " in line))
    assert low <= a < b <= high
    assert a in borders
    assert b in borders
    assert CODE.count("\n", a, b) <= LINES
    if count <= LINES:
        assert a <= start
        assert b >= end
    elif first <= 260 < first + count:
        assert "line_260 " in CODE[a:b]


def test_an_endless_line_of_code_is_cut() -> None:
    text = "var a = " + "1, " * 5000
    start, end = code_extent(text, 0, 900, 0, len(text), lambda line: 0.0)
    assert start == 0
    assert 700 < end <= 2000
