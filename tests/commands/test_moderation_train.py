"""`ockit moderation train`, `eval`, `import` and `classifier` as they are typed, on the real encoder."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from conftest import RunOckit
from terminal import terminal

TOPICS = {
    "cooking": (
        "how long do I boil {} eggs",
        "a recipe for {} loaves of bread",
        "which pan is best for {} pancakes",
        "how much salt goes into soup for {} people",
    ),
    "travel": (
        "a cheap train ticket for {} people",
        "how far is it to the airport with {} suitcases",
        "which visa do I need for {} weeks abroad",
        "book a hotel near the station for {} nights",
    ),
}


def written(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
    return path


def labelled(first: int, last: int) -> list[dict[str, Any]]:
    """Questions of both topics, with numbers from `first` on."""
    rows = [
        {"text": form.format(number), "label": label}
        for number in range(first, last)
        for label, forms in TOPICS.items()
        for form in forms
    ]
    random.Random(0).shuffle(rows)
    return rows


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> RunOckit:
    """A home with the classifier `topics`, whose label travel has level 3."""
    place = tmp_path_factory.mktemp("trained")
    cwd = place / "cwd"
    cwd.mkdir()
    run = RunOckit(place / "home", cwd)
    written(cwd / "topics.jsonl", labelled(2, 32))
    done = run("moderation", "train", "topics.jsonl", "--map", "travel=3", timeout=120)
    assert done.code == 0, done.stderr
    assert done.stdout.startswith(
        "LABEL\tLEVEL\tROWS\tAUC\tAUPRC\ncooking\t0\t120\t1.000\t1.000\ntravel\t3\t120\t"
    )
    assert "development rows" in done.stdout
    snippet = done.stderr[done.stderr.index("[backend.") :]
    (cwd / "snippet.toml").write_text(snippet)
    return run


def test_the_lines_that_training_prints_are_a_policy_that_keeps_embedded(trained: RunOckit) -> None:
    lines = (trained.cwd / "snippet.toml").read_text().splitlines()
    assert lines == ["[backend.topics]", 'kind = "trained"', 'classifier = "topics"']
    found = json.loads(trained("moderation", "policy", "show", "snippet.toml", "--json").stdout)
    assert sorted(each["kind"] for each in found["backends"]) == ["embedded", "trained"]
    assert trained("moderation", "policy", "check", "snippet.toml").code == 0


def test_a_trained_classifier_judges_by_the_policy(trained: RunOckit) -> None:
    policy = trained.cwd / "topics.toml"
    policy.write_text(
        '[input]\nlevels = ["allow", "note", "note", "refuse", "refuse"]\n'
        '[backend.mine]\nkind = "trained"\nclassifier = "topics"\n'
        "[backend.embedded]\nenabled = false\n"
    )
    for text, level, action in (
        ("how long do I bake potatoes", 0, "allow"),
        ("when does the next train leave for the airport", 3, "refuse"),
    ):
        found = json.loads(trained("moderate", "--policy", "topics.toml", "--json", text).stdout)
        assert (found["level"], found["action"], found["backend"]) == (level, action, "mine")
    shown = trained("moderate", "--policy", "topics.toml", "a train to the airport with two suitcases")
    assert "label:travel" in shown.stdout


def test_a_classifier_is_listed_shown_measured_and_removed(trained: RunOckit) -> None:
    listed = trained("moderation", "classifier", "list")
    assert listed.stdout == "NAME\tKIND\tTELLS APART\tROWS\ntopics\tlabel\tcooking, travel\t240\n"
    shown = json.loads(trained("moderation", "classifier", "show", "topics", "--json").stdout)
    assert shown["answers"] == {"cooking": 0, "travel": 3}
    assert shown["cut_points"]["4"] is None
    written(trained.cwd / "other.jsonl", labelled(40, 45))
    done = trained(
        "moderation",
        "eval",
        "other.jsonl",
        "--classifier",
        "topics",
        "--plot",
        "a.png",
        "--json",
        timeout=120,
    )
    assert done.code == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["rows"] == 40
    assert found["answers"] == ["cooking", "travel"]
    assert [one["question"] for one in found["questions"]] == ["cooking", "travel"]
    assert found["questions"][1]["auc"] > 0.95
    assert sum(map(sum, found["confusion"])) == 40
    assert (trained.cwd / "a.png").read_bytes().startswith(b"\x89PNG")
    assert trained("moderation", "classifier", "rm", "none", "--yes").code == 3
    extra = trained("moderation", "train", "other.jsonl", "--name", "extra", "--json", timeout=120)
    made = json.loads(extra.stdout)
    assert (made["name"], made["kind"], made["answers"]) == ("extra", "label", {"cooking": 0, "travel": 0})
    assert "your labels have no level" in extra.stderr
    assert Path(made["file"]).is_file()
    assert trained("moderation", "classifier", "rm", "extra", "--yes").code == 0
    assert not Path(made["file"]).exists()


def test_levels_are_measured_with_their_thresholds(trained: RunOckit) -> None:
    rows = [{"text": row["text"], "level": 3 if row["label"] == "travel" else 0} for row in labelled(50, 54)]
    written(trained.cwd / "levels.jsonl", [*rows, {"text": "a row without an answer"}])
    done = trained("moderation", "eval", "levels.jsonl", "--classifier", "topics", "--misses", "2")
    assert done.code == 7
    assert "levels.jsonl:33: neither 'level' nor 'label' is there" in done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "IS IT\tROWS\tAUC\tAUPRC\tF1\tFPR\tRECALL\tBEST F1\tAT"
    assert [line.split("\t")[0] for line in lines[1:4]] == ["level >= 1", "level >= 2", "level >= 3"]
    assert lines[5] == "TRUE / JUDGED\t0\t1\t2\t3\t4"
    assert "of 32 rows are judged as labelled" in done.stdout
    by_policy = trained("moderation", "eval", "levels.jsonl", "--json", timeout=120)
    assert by_policy.code == 7, by_policy.stderr
    assert json.loads(by_policy.stdout)["judge"] == "moderation"


def test_rows_are_refused_with_their_lines(run_ockit: RunOckit) -> None:
    one_class = written(run_ockit.cwd / "one.jsonl", [{"text": f"a{n}", "level": 2} for n in range(9)])
    done = run_ockit("moderation", "train", one_class.name)
    assert done.code == 2
    assert "all 9 rows have the level '2': there is nothing to tell apart" in done.stderr
    assert f"at: {run_ockit.cwd / 'one.jsonl'}\n" in done.stderr
    written(run_ockit.cwd / "single.jsonl", [{"text": "a", "level": 1}])
    for command in ("train", "eval"):
        done = run_ockit("moderation", command, "single.jsonl")
        assert done.code == 2
        assert "the only row has the level '1'" in done.stderr
        assert f"at: {run_ockit.cwd / 'single.jsonl'}\n" in done.stderr
    written(run_ockit.cwd / "digits.jsonl", ['{"text": "a", "level": ' + "7" * 6000 + "}"])
    done = run_ockit("moderation", "train", "digits.jsonl")
    assert "it is no JSON: a number in it is too long\n" in done.stderr
    written(run_ockit.cwd / "bad.jsonl", ["{", {"text": "", "level": 1}, "[]"])
    done = run_ockit("moderation", "train", "bad.jsonl")
    assert done.code == 2
    assert "no row of the file can be used; of the first one, it is no JSON" in done.stderr
    assert "bad.jsonl:1\n" in done.stderr
    rows = [{"text": f"a{n}", "level": n % 2} for n in range(10)]
    written(run_ockit.cwd / "some.jsonl", [*rows, *["{"] * 14])
    done = run_ockit("moderation", "train", "some.jsonl", timeout=120)
    assert done.code == 7, done.stderr
    for line in range(11, 21):
        assert f"some.jsonl:{line}: " in done.stderr
    assert "4 more rows cannot be used, the last in " in done.stderr
    again = run_ockit("moderation", "train", "some.jsonl")
    assert again.code == 2
    assert "there is a classifier 'some' already" in again.stderr


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (["train", "none.jsonl"], 3, "there is no such file"),
        (["train", "a.jsonl", "--name", "../up"], 2, "is no name for a classifier"),
        (["train", "a.jsonl", "--map", "x"], 2, "must be LABEL=LEVEL"),
        (["train", "a.jsonl", "--map", "x=9"], 2, "a level from 0 to 4"),
        (["eval", "a.jsonl", "--classifier", "none"], 3, "there is no classifier 'none'"),
        (["eval", "a.jsonl", "--backend", "none"], 2, "the policy names no back end 'none'"),
        (["eval", "a.jsonl", "--plot", "a.jpg"], 2, "the plot is a PNG file"),
        (["eval", "b.jsonl"], 2, "the label 'x' has no level to compare with"),
        (["eval", "b.jsonl", "--map", "x=2", "--map", "y=2"], 2, "all labels have the level 2"),
        (["eval", "c.jsonl"], 2, "the only row has the level '0'"),
        (["import", "prosocial", "a.jsonl"], 2, "no row of ProsocialDialog"),
        (["classifier", "show", "none"], 3, "there is no classifier"),
    ],
)
def test_what_cannot_be(run_ockit: RunOckit, args: list[str], code: int, told: str) -> None:
    written(run_ockit.cwd / "a.jsonl", [{"text": "a", "level": 0}, {"text": "b", "level": 1}])
    written(run_ockit.cwd / "b.jsonl", [{"text": "a", "label": "x"}, {"text": "b", "label": "y"}])
    written(run_ockit.cwd / "c.jsonl", [{"text": "a", "level": 0}])
    done = run_ockit("moderation", *args)
    assert done.code == code, done.stderr
    assert told in done.stderr
    assert done.stdout == ""


def test_prosocial_rows_on_stdout_and_in_a_file(run_ockit: RunOckit) -> None:
    rows = [
        {"context": "I baked bread.", "response": "Well done!", "safety_label": "__casual__"},
        {"context": "I lied.", "response": "Why?", "safety_label": "__needs_caution__"},
        {"context": "I lied.", "response": "What about?", "safety_label": "__needs_caution__"},
        {"context": "", "safety_label": "__casual__"},
    ]
    written(run_ockit.cwd / "train.jsonl", rows)
    done = run_ockit("moderation", "import", "prosocial", "train.jsonl")
    assert done.code == 7
    wanted = [{"text": "I baked bread.", "level": 0}, {"text": "I lied.", "level": 3}]
    assert [json.loads(line) for line in done.stdout.splitlines()] == wanted
    assert "train.jsonl:4: 'context' (or 'text') is missing or empty" in done.stderr
    assert "2 rows: 1 casual, 1 needs caution; 1 more were of the same texts" in done.stderr
    done = run_ockit("moderation", "import", "prosocial", "train.jsonl", "-o", "rows.jsonl")
    assert done.stdout == ""
    lines = (run_ockit.cwd / "rows.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == wanted


def test_training_shows_how_far_it_is_and_can_be_stopped(run_ockit: RunOckit) -> None:
    written(run_ockit.cwd / "many.jsonl", labelled(0, 2500))
    with terminal(run_ockit, "moderation", "train", "many.jsonl") as shown:
        shown.wait_for(r"many: [\d,]+ of 20,000 texts read", timeout=60)
        shown.interrupt()
        assert shown.end() == 130
    assert run_ockit("moderation", "classifier", "list").stdout == "NAME\tKIND\tTELLS APART\tROWS\n"
