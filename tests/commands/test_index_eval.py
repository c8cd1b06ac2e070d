"""`ockit indexes eval`: three ways to search, one table, one plot."""

from __future__ import annotations

import json

import pytest

ANIMALS = "badger heron lynx otter raven salamander".split()
HABITS = [
    "digs at night",
    "fishes in shallow water",
    "hunts hares",
    "swims and plays",
    "solves riddles",
    "hides in moss",
]


@pytest.fixture
def indexed(run_ockit):
    """A folder of six small documents as the index ``animals``, and a file of questions about them."""
    folder = run_ockit.cwd / "animals"
    folder.mkdir()
    for animal, habit in zip(ANIMALS, HABITS, strict=True):
        lines = [
            f"# The {animal}",
            "",
            f"The {animal} {habit}.",
            f"People write about the {animal} in books.",
        ]
        (folder / f"{animal}.md").write_text("\n".join(lines) + "\n")
    done = run_ockit("index", "animals")
    assert done.code == 0, done.stderr
    questions = [
        {
            "query": f"what does the {animal} do",
            "gold": [{"path": f"{animal}.md", "start_line": 1, "end_line": 4}],
        }
        for animal in ANIMALS
    ]
    questions.append({"query": "badger", "gold": [{"path": "none.md", "start_line": 1, "end_line": 2}]})
    (run_ockit.cwd / "questions.jsonl").write_text("\n".join(map(json.dumps, questions)))
    return run_ockit


def test_figures_table_and_plot(indexed):
    done = indexed(
        "indexes", "eval", "questions.jsonl", "-i", "animals", "-k", "3,1", "--json", "--plot", "out/r.png"
    )
    assert done.code == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["index"], said["questions"], said["k"]) == ("animals", 7, [1, 3])
    assert said["gold_not_in_index"] == 1
    [warned] = [line for line in done.stderr.splitlines() if line.startswith("warning: ")]
    assert warned.endswith("questions.jsonl:7: none.md is not in animals, so nothing finds it")
    assert set(said["search"]) == {"bm25", "dense", "both"}
    for figures in said["search"].values():
        assert figures["recall"]["3"] == pytest.approx(6 / 7)
        assert figures["recall"]["1"] <= figures["recall"]["3"]
        assert 0.5 < figures["mrr"] <= 6 / 7 + 1e-9
        assert 3 <= figures["lines"]["1"] <= 5
    assert said["search"]["bm25"]["mrr"] == pytest.approx(6 / 7)
    assert (indexed.cwd / "out" / "r.png").read_bytes().startswith(b"\x89PNG")
    table = indexed("indexes", "eval", "questions.jsonl", "-k", "1")
    assert table.code == 0, table.stderr
    rows = [line.split("\t") for line in table.stdout.splitlines()]
    assert rows[0] == ["SEARCH", "RECALL@1", "MRR", "LINES@1"]
    assert rows[1] == ["bm25", "0.857", "0.857", f"{said['search']['bm25']['lines']['1']:.0f}"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["bad.jsonl", "-i", "animals"], 2, "bad.jsonl:2"),
        (["none.jsonl", "-i", "animals"], 3, "none.jsonl"),
        (["questions.jsonl", "-i", "nothing"], 3, "nothing"),
        (["questions.jsonl", "-k", "0"], 2, "-k is '0'"),
        (["questions.jsonl", "-k", "5,"], 2, "-k is '5,'"),
        (["questions.jsonl", "-k", "5000"], 2, "-k is '5000'"),
        (["questions.jsonl", "--plot", "a.pdf"], 2, "PNG"),
        (["questions.jsonl", "-i", "web"], 2, "live source"),
    ],
)
def test_what_cannot_be_measured(run_ockit, words, code, said):
    good = json.dumps({"query": "q", "gold": [{"path": "a"}]})
    (run_ockit.cwd / "questions.jsonl").write_text(good)
    (run_ockit.cwd / "bad.jsonl").write_text(f"{good}\n{{\n")
    run_ockit("indexes", "add-http", "web", "http://localhost:1/{query}", "--items", "a", "--text", "b")
    done = run_ockit("indexes", "eval", *words)
    assert (done.code, done.stdout) == (code, "")
    assert said in done.stderr
