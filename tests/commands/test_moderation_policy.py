"""`ockit moderation policy` and `ockit moderation topic`, as a person meets them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def examples(run_ockit: Any) -> Path:
    path: Path = run_ockit.cwd / "examples.txt"
    dishes = (
        "potatoes",
        "rice",
        "lentils",
        "an omelette",
        "pumpkin soup",
        "noodles",
        "a cheesecake",
        "bread",
    )
    path.write_text("".join(f"how do I cook {dish}\nhow long does {dish} take to cook\n" for dish in dishes))
    return path


def test_the_policy_that_is_built_in(run_ockit: Any) -> None:
    shown = run_ockit("moderation", "policy", "show")
    assert shown.code == 0
    lines = [line.split("\t") for line in shown.stdout.splitlines()]
    assert lines[0] == ["policy: built in"]
    assert ["level 4, needs intervention", "refuse", "note", "note"] in lines
    assert ["injection", "note", "allow", "refuse"] in lines
    assert any(line[0].startswith("support: ") for line in lines)
    assert "ockit moderation policy init" in shown.stderr
    assert str(run_ockit.home / "config" / "moderation.toml") in shown.stderr


def test_the_policy_as_json(run_ockit: Any) -> None:
    found = json.loads(run_ockit("moderation", "policy", "show", "--json").stdout)
    assert (found["schema_version"], found["path"]) == (1, None)
    assert found["input"]["levels"] == ["allow", "note", "caution", "caution", "refuse"]
    assert [backend["kind"] for backend in found["backends"]] == ["embedded"]


def test_a_policy_to_begin_with(run_ockit: Any) -> None:
    shown = run_ockit("moderation", "policy", "show")
    (run_ockit.cwd / "m.toml").write_text(run_ockit("moderation", "policy", "show", "--toml").stdout)
    assert run_ockit("moderation", "policy", "check", "m.toml").code == 0
    again = run_ockit("moderation", "policy", "show", "m.toml")
    assert again.stdout.splitlines()[1:] == shown.stdout.splitlines()[1:]


def test_a_policy_is_begun_where_it_holds_and_replaces_none(run_ockit: Any) -> None:
    built_in = run_ockit("moderation", "policy", "show").stdout.splitlines()[1:]
    mine = run_ockit.home / "config" / "moderation.toml"
    assert not mine.parent.exists()
    done = run_ockit("moderation", "policy", "init")
    assert (done.code, done.stdout) == (0, "")
    assert str(mine) in done.stderr
    text = mine.read_text()
    assert text.startswith("# ")
    for heading in ("[input]", "[output]", "[retrieved]", "[texts]"):
        above = text.splitlines()[text.splitlines().index(heading) - 1]
        assert above.startswith("# "), heading
    shown = run_ockit("moderation", "policy", "show").stdout.splitlines()
    assert shown[0] == f"policy: {mine}"
    assert shown[1:] == built_in
    assert "is sound" in run_ockit("moderation", "policy", "check").stderr
    mine.write_text("# mine\n")
    again = run_ockit("moderation", "policy", "init")
    assert again.code == 2
    assert "exists already" in again.stderr
    assert mine.read_text() == "# mine\n"
    assert run_ockit("moderation", "policy", "init", "other.toml").code == 0
    assert (run_ockit.cwd / "other.toml").read_text() == text


def test_the_built_in_policy_is_checked_where_there_is_none(run_ockit: Any) -> None:
    done = run_ockit("moderation", "policy", "check")
    assert (done.code, done.stdout) == (0, "embedded: embedded\n")
    assert "the built-in policy is sound" in done.stderr


def test_the_help_of_check_says_that_every_fault_is_told(run_ockit: Any) -> None:
    said = " ".join(run_ockit("moderation", "policy", "check", "--help").stdout.split())
    assert "Every fault is told" in said


def test_every_fault_of_a_file_is_told(run_ockit: Any) -> None:
    text = """\
[input]
levels = ["allow"]
injektion = "note"
topics = ["cooking"]
fail = "shut"
shift = { level = "much", lvl = 1 }
[input.categories]
hate = { from = 9, action = "refuze" }
weather = "refuse"
[output]
unsure = "huh"
[backend.mine]
kind = "rulez"
[backend.rules]
fiel = "x"
roles = ["inptu"]
[backend.other]
[backend.there]
kind = "rules"
file = "none.toml"
[texts]
refuse = ""
[elsewhere]
"""
    (run_ockit.cwd / "m.toml").write_text(text)
    done = run_ockit("moderation", "policy", "check", "m.toml")
    assert (done.code, done.stdout) == (2, "")
    told = [int(line) for line in re.findall(r"m\.toml:(\d+)", done.stderr)]
    assert told == [2, 3, 5, 6, 6, 8, 8, 9, 11, 13, 14, 15, 16, 17, 22, 23, 18]  # what is missing comes last
    assert done.stderr.count("error: ") == len(told) + 1  # a topic is not there
    assert "none.toml" in done.stderr
    assert "no topic 'cooking'" in done.stderr
    assert "is sound" not in done.stderr
    assert "Traceback" not in done.stderr
    mine = run_ockit.home / "config" / "moderation.toml"
    mine.parent.mkdir(parents=True, exist_ok=True)
    mine.write_text(text)
    assert run_ockit("moderation", "policy", "check").stderr.count("error: ") == len(told) + 1
    shown = run_ockit("moderation", "policy", "show")  # which a policy with a fault does not get to
    assert (shown.code, shown.stderr.count("error: ")) == (2, 1)


def test_a_fault_of_the_syntax_stays_alone(run_ockit: Any) -> None:
    (run_ockit.cwd / "m.toml").write_text('[input]\nlevels = ["allow"]\nfail = = 3\n[output]\nunsure = 3\n')
    done = run_ockit("moderation", "policy", "check", "m.toml")
    assert (done.code, done.stderr.count("error: ")) == (2, 1)
    assert "m.toml:3" in done.stderr


def test_a_judge_that_must_pass_a_test_is_said_to_count_if_it_does(run_ockit: Any) -> None:
    (run_ockit.cwd / "m.toml").write_text(
        '[backend.fewshot]\n[backend.b]\nkind = "fewshot"\nenforce = false\n'
    )
    shown = run_ockit("moderation", "policy", "show", "m.toml").stdout.splitlines()
    counts = {line.split("\t")[0]: line.split("\t")[2] for line in shown if line.count("\t") == 6}
    assert counts["fewshot"] == "if its self-test is passed"
    assert (counts["embedded"], counts["b"]) == ("yes", "advises")


def test_a_policy_of_ones_own_holds(run_ockit: Any) -> None:
    config = run_ockit.home / "config"
    config.mkdir(parents=True)
    (config / "moderation.toml").write_text('[input]\ninjection = "refuse"\n')
    shown = run_ockit("moderation", "policy", "show").stdout.splitlines()
    assert shown[0] == f"policy: {config / 'moderation.toml'}"
    assert "injection\trefuse\tallow\trefuse" in shown


def test_a_sound_file(run_ockit: Any) -> None:
    (run_ockit.cwd / "rules.toml").write_text('[[rule]]\nname = "a"\nwords = ["falcon"]\n')
    (run_ockit.cwd / "m.toml").write_text('[backend.mine]\nkind = "rules"\nfile = "rules.toml"\n')
    done = run_ockit("moderation", "policy", "check", "m.toml")
    assert (done.code, done.stdout) == (0, "embedded: embedded\nmine: rules\n")
    assert "m.toml is sound" in done.stderr
    found = json.loads(run_ockit("moderation", "policy", "check", "m.toml", "--json").stdout)
    assert (found["ok"], found["names"], found["warnings"]) == (
        True,
        ["embedded: embedded", "mine: rules"],
        [],
    )


@pytest.mark.parametrize(
    ("text", "where", "code"),
    [
        ('[input]\n\nlevels = ["allow"]\n', "m.toml:3", 2),
        ("[input\n", "m.toml:1", 2),
        ('[backend.mine]\nkind = "rules"\nfile = "none.toml"\n', "none.toml", 3),
        ('[input]\ntopics = ["cooking"]\n', "no topic 'cooking'", 3),
    ],
)
def test_a_file_that_is_not(run_ockit: Any, text: str, where: str, code: int) -> None:
    (run_ockit.cwd / "m.toml").write_text(text)
    done = run_ockit("moderation", "policy", "check", "m.toml")
    assert (done.code, done.stdout) == (code, "")
    assert where in done.stderr
    assert "temperature" not in done.stderr  # which belongs into another file
    assert "Traceback" not in done.stderr


def test_the_rules_of_a_policy_are_checked_with_their_line(run_ockit: Any) -> None:
    (run_ockit.cwd / "rules.toml").write_text('[[rule]]\nname = "a"\nregex = "("\n')
    (run_ockit.cwd / "m.toml").write_text('[backend.rules]\nfile = "rules.toml"\n')
    done = run_ockit("moderation", "policy", "check", "m.toml")
    assert done.code == 2
    assert "rules.toml:3" in done.stderr


def test_a_policy_that_switches_off_what_comes_along_says_what_is_lost(run_ockit: Any) -> None:
    (run_ockit.cwd / "m.toml").write_text("[backend.embedded]\nenabled = false\n")
    for command in ("show", "check"):
        done = run_ockit("moderation", "policy", command, "m.toml")
        assert done.code == 0
        assert "nothing here recognises distress or orders in documents" in done.stderr


def test_what_is_allowed_and_hardly_meant(run_ockit: Any) -> None:
    text = '[input]\nlevels = ["note", "refuse", "allow", "allow", "allow"]\n'
    (run_ockit.cwd / "m.toml").write_text(text)
    done = run_ockit("moderation", "policy", "check", "m.toml")
    assert done.code == 0
    assert "[input] meets a higher level more mildly than a lower one" in done.stderr
    (run_ockit.cwd / "m.toml").write_text("[backend.embedded]\nenforce = false\n")
    assert (
        "no back end that judges them enforces" in run_ockit("moderation", "policy", "check", "m.toml").stderr
    )


def test_a_topic_from_its_examples_to_its_end(run_ockit: Any, examples: Path) -> None:
    made = run_ockit("moderation", "topic", "add", "cooking", "examples.txt", "--message", "I only cook.")
    assert made.code == 0
    assert "topic cooking: 16 examples" in made.stderr
    assert 'topics = ["cooking"]' in made.stderr
    row = run_ockit("moderation", "topic", "list").stdout.splitlines()[1].split("\t")
    assert (row[0], row[1], row[5]) == ("cooking", "16", "I only cook.")
    (listed,) = json.loads(run_ockit("moderation", "topic", "list", "--json").stdout)["topics"]
    assert listed["examples"] == 16
    assert run_ockit("moderation", "topic", "check", "cooking", "how do I cook beans").code == 0
    off = run_ockit("moderation", "topic", "check", "cooking", "who", "won", "the", "election", "--json")
    assert (off.code, json.loads(off.stdout)["on_topic"]) == (5, False)
    assert run_ockit("moderation", "topic", "rm", "cooking").code == 0
    assert run_ockit("moderation", "topic", "list", "--json").stdout.count("cooking") == 0


def test_topics_that_cannot_be(run_ockit: Any, examples: Path) -> None:
    few = run_ockit.cwd / "few.txt"
    few.write_text("one\ntwo\n")
    faults = [
        (("add", "cooking", "few.txt"), 2, "2 different examples"),
        (("add", "cooking", "none.txt"), 3, "none.txt"),
        (("add", "../cooking", "examples.txt"), 2, "no name for a topic"),
        (("rm", "cooking"), 3, "no topic 'cooking'"),
        (("check", "cooking", "hello"), 3, "no topic 'cooking'"),
        (("check", "cooking"), 2, "there is no question"),
    ]
    for arguments, code, said in faults:
        done = run_ockit("moderation", "topic", *arguments)
        assert (done.code, said in done.stderr, done.stdout) == (code, True, ""), (arguments, done)
    assert run_ockit("moderation", "topic", "list", "--json").stdout.count("name") == 0
