"""ProsocialDialog's two published forms. The dialogues are made up, in its layout."""

import json
from pathlib import Path

import pytest

from ockit.errors import UsageError
from ockit.moderation.training.prosocial import read_prosocial
from ockit.moderation.training.rows import read_rows

ROWS = [
    {"context": "I baked bread today.", "response": "Well done!", "rots": [], "safety_label": "__casual__"},
    {
        "context": "I took my brother's bike.",
        "response": "Ask him first.",
        "safety_label": "__possibly_needs_caution__",
    },
    {
        "context": "I read her letters.",
        "response": "Please do not.",
        "safety_label": "__probably_needs_caution__",
    },
    {"context": "I lied at work again.", "response": "Tell them.", "safety_label": "__needs_caution__"},
    {
        "context": "I do not want to go on.",
        "response": "Please call somebody.",
        "safety_label": "__needs_intervention__",
    },
]


def as_dialogue(row: dict[str, object]) -> dict[str, object]:
    """A row in the layout of the direct download."""
    return {"text": row["context"], "labels": [row["response"]], "safety_label": row["safety_label"]}


@pytest.mark.parametrize("form", ["lines", "array", "dialogues", "lines of dialogues"])
def test_every_published_form(tmp_path: Path, form: str) -> None:
    dialogues = [[as_dialogue(row) for row in ROWS[:2]], [as_dialogue(row) for row in ROWS[2:]]]
    text = {
        "lines": "\n".join(map(json.dumps, ROWS)),
        "array": json.dumps(ROWS, indent=1),
        "dialogues": json.dumps(dialogues, indent=1),
        "lines of dialogues": "\n".join(map(json.dumps, dialogues)),
    }[form]
    path = tmp_path / "train.json"
    path.write_text(text, "utf-8")
    found = read_prosocial(path)
    assert found.rows == tuple((str(row["context"]), level) for level, row in enumerate(ROWS))
    assert found.levels == {0: 1, 1: 1, 2: 1, 3: 1, 4: 1}
    assert not found.bad
    out = tmp_path / "rows.jsonl"
    out.write_text(found.lines(), "utf-8")
    assert [row.level for row in read_rows(out).good] == [0, 1, 2, 3, 4]


def test_rows_that_cannot_be_used_and_repeated_ones(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    lines = [
        ROWS[0],
        ROWS[3] | {"safety_label": "__casual__"},
        ROWS[3],
        {"context": " ", "safety_label": "__casual__"},
        ROWS[0],
        {"context": "a", "safety_label": "fine"},
        3,
    ]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines) + "{\n", "utf-8")
    found = read_prosocial(path)
    assert found.rows == (("I baked bread today.", 0), ("I lied at work again.", 3))
    assert (found.repeated, found.disputed) == (2, 1)
    assert [one.where for one in found.bad] == [f"{path}:{number}" for number in (4, 6, 7, 8)]
    assert "'safety_label' is 'fine'" in found.bad[1].what


def test_other_files(tmp_path: Path) -> None:
    path = tmp_path / "train.parquet"
    path.write_bytes(b"PAR1" + b"\0" * 50)
    with pytest.raises(UsageError, match="Parquet") as caught:
        read_prosocial(path)
    assert "to_json" in str(caught.value.hint)
    path.write_bytes(b"\xff\x00\x10 binary")
    with pytest.raises(UsageError, match="no row of ProsocialDialog"):
        read_prosocial(path)
