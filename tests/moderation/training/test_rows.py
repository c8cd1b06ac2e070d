"""Files of labelled rows: what is read, what is refused, and at which line."""

import json
from pathlib import Path

import pytest

from ockit.errors import NotFound, UsageError
from ockit.messages import LEVEL_NAMES
from ockit.moderation.training.levels import level_named
from ockit.moderation.training.rows import LONGEST_LINE, read_rows


def written(path: Path, *lines: object) -> Path:
    """A file of these lines: what is no text is written as JSON."""
    path.write_text(
        "".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in lines), "utf-8"
    )
    return path


def test_levels_by_number_and_by_name(tmp_path: Path) -> None:
    path = written(
        tmp_path / "a.jsonl",
        {"text": "how do trees grow", "level": 0, "categories": []},
        {"text": "b", "level": "__needs_intervention__", "categories": {"violence": True, "hate": False}},
        {"text": "c", "label": "Possibly needs caution"},
        "",
    )
    rows = read_rows(path)
    assert rows.kind == "level"
    assert [row.level for row in rows.good] == [0, 4, 1]
    assert [row.categories for row in rows.good] == [frozenset(), frozenset({"violence"}), None]
    assert rows.good[2].where == f"{path}:3"
    assert rows.answers == {"0": 1, "1": 1, "4": 1}
    assert not rows.bad


def test_labels_of_a_persons_own(tmp_path: Path) -> None:
    rows = read_rows(
        written(
            tmp_path / "a.jsonl",
            {"text": "a", "label": "spam"},
            {"text": "b", "label": 0},
            {"text": "c", "label": "casual"},
        )
    )
    assert rows.kind == "label"
    assert rows.answers == {"0": 1, "casual": 1, "spam": 1}


def test_bad_rows_are_named_by_their_lines(tmp_path: Path) -> None:
    bad = [
        ("{", "no JSON"),
        ([1], "it is a list"),
        ({"level": 1}, "'text' is missing or empty"),
        ({"text": " \n", "level": 1}, "'text' is missing or empty"),
        ({"text": "a"}, "neither 'level' nor 'label'"),
        ({"text": "a", "level": 5}, "'level' is 5, not a number from 0 to 4"),
        ({"text": "a", "level": True}, "'level' is True"),
        ({"text": "a", "level": 1.5}, "'level' is 1.5"),
        ({"text": "a", "level": "dire"}, "'level' is 'dire'"),
        ({"text": "a", "label": " "}, "'label' is ' '"),
        ({"text": "a", "label": ["x"]}, "'label' is ['x']"),
        ({"text": "a", "level": 1, "categories": ["violense"]}, "the nearest is violence"),
        ({"text": "a", "level": 1, "categories": "hate"}, "not a list of names"),
        ({"text": "a", "label": "own"}, "other rows have levels"),
        ({"text": "good", "level": 3}, "has '0' in line 1 and '3' here"),
        ("[" * 100_000, "nested too deeply"),
    ]
    path = written(tmp_path / "a.jsonl", {"text": "good", "level": 0}, *(one for one, _ in bad))
    rows = read_rows(path)
    assert [row.text for row in rows.good] == ["good"]
    assert [one.where for one in rows.bad] == [f"{path}:{number}" for number in range(2, len(bad) + 2)]
    for found, (_, told) in zip(rows.bad, bad, strict=True):
        assert told in found.what


def test_bytes_that_are_no_text_and_lines_without_end(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    good = b'{"text": "a", "level": 1}\r\n'
    path.write_bytes(b"\xef\xbb\xbf" + good + b"\xff\xfe\n" + b"x" * (2 * LONGEST_LINE + 9) + b"\n" + good)
    rows = read_rows(path)
    assert [row.where for row in rows.good] == [f"{path}:1", f"{path}:4"]
    assert [one.where for one in rows.bad] == [f"{path}:2", f"{path}:3"]
    assert "not UTF-8" in rows.bad[0].what
    assert "longer than 4 MiB" in rows.bad[1].what


def test_no_row_at_all(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a\.jsonl:1: no row .* 'text' is missing"):
        read_rows(written(tmp_path / "a.jsonl", {"level": 3}))
    with pytest.raises(UsageError, match="no row of the file can be used") as caught:
        read_rows(written(tmp_path / "b.jsonl"))
    assert caught.value.hint is not None
    with pytest.raises(NotFound):
        read_rows(tmp_path / "none.jsonl")


def test_names_of_levels() -> None:
    for level, name in enumerate(LEVEL_NAMES):
        assert level_named(name) == level
        assert level_named(f"__{name.replace(' ', '_')}__") == level
        assert level_named(name.upper()) == level
    assert level_named("caution") is None
