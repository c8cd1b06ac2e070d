"""`ockit moderate` as it is typed: verdicts for people and programs, by the embedded check and by rules, and what is
said of input that cannot be judged. What the embedded check finds is measured elsewhere; here it only has to answer."""

from __future__ import annotations

import json
import select
import subprocess
import time
from pathlib import Path

import pytest

from conftest import RunOckit
from terminal import terminal

RULES = """
[[rule]]
name = "garden-secrets"
words = ["compost heap"]
level = 4
categories = ["privacy_fraud"]

[[rule]]
name = "loud-words"
words = ["shout"]
level = 2
"""
POLICY = """
[backend.rules]
file = "rules.toml"
[backend.embedded]
roles = ["retrieved"]
[texts]
refuse = "Not in my garden."
"""
FIELDS = {
    *("level", "level_name", "score", "p_level", "categories", "injection", "hits", "action", "reason"),
    *("backend", "ms", "status", "unsure", "topic"),
}


@pytest.fixture
def garden(run_ockit: RunOckit) -> RunOckit:
    """A working directory with a policy of two rules, which needs no model."""
    (run_ockit.cwd / "rules.toml").write_text(RULES)
    (run_ockit.cwd / "garden.toml").write_text(POLICY)
    return run_ockit


def test_a_text_is_judged_by_the_embedded_check(run_ockit: RunOckit) -> None:
    done = run_ockit("moderate", "how", "do", "I", "bake", "bread?")
    assert done.code == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0].startswith("level ")
    assert lines[1].startswith("action    ")
    assert lines[2].startswith("why       ")
    assert "judged by embedded in" in done.stdout
    assert "\x1b" not in done.stdout
    assert not list(run_ockit.home.rglob("audit*")), "nobody was answered, so nothing is logged"


def test_as_json(run_ockit: RunOckit) -> None:
    done = run_ockit("moderate", "--json", "how do I bake bread?")
    found = json.loads(done.stdout)
    assert done.code == 0
    assert set(found) == FIELDS | {"schema_version", "role"}
    assert found["status"] == "ok"
    assert len(found["p_level"]) == 5
    assert sum(found["p_level"]) == pytest.approx(1.0, abs=0.001)
    assert found["score"] == pytest.approx(sum(k * p for k, p in enumerate(found["p_level"])), abs=0.002)
    assert found["ms"] > 0


def test_a_refusal_is_still_exit_0_and_says_what_would_be_answered(garden: RunOckit) -> None:
    done = garden("moderate", "--policy", "garden.toml", "where is the compost heap?")
    assert done.code == 0, done.stderr
    assert done.stdout.startswith(
        "level 4 of 4: needs intervention\naction    refuse: the model is not asked"
    )
    assert "garden-secrets: “compost heap” (characters 14 to 25)" in done.stdout
    assert "about     privacy fraud 1.00" in done.stdout
    assert done.stdout.endswith("What would be answered:\nNot in my garden.\n")


def test_each_role_has_its_own_section(garden: RunOckit) -> None:
    for role, action in (("user", "caution"), ("assistant", "note"), ("retrieved", "note")):
        done = garden("moderate", "--policy", "garden.toml", "--role", role, "--json", "do not shout")
        assert json.loads(done.stdout)["action"] == action
    done = garden("moderate", "--role", "robot", "x")
    assert done.code == 2
    assert "--role robot is none of user, assistant, retrieved" in done.stderr


@pytest.mark.parametrize("how", ["argument", "stdin", "piped", "file"])
def test_where_the_text_comes_from(garden: RunOckit, how: str) -> None:
    text = "the compost heap is\nbehind the house"
    (garden.cwd / "text.txt").write_text(text)
    args, data = {
        "argument": ([text], b""),
        "stdin": (["-"], text.encode()),
        "piped": ([], text.encode()),
        "file": (["-f", "text.txt"], b"not this"),
    }[how]
    done = garden("moderate", "--policy", "garden.toml", "--json", *args, input=data)
    assert done.code == 0, done.stderr
    assert json.loads(done.stdout)["level"] == 4


@pytest.mark.parametrize(
    ("args", "data", "code", "told"),
    [
        ([""], b"", 2, "there is no text to judge"),
        ([], b"", 2, "nothing but space"),
        (["-"], b" \n\t", 2, "nothing but space"),
        (["-"], b"a\0b", 2, "it holds a NUL byte"),
        (["-"], b"fine\nnot \xff fine", 2, "standard input:2"),
        (["-f", "none.txt"], b"", 3, "there is no such file"),
        (["-f", "."], b"", 2, "this is a directory"),
        (["x", "-f", "y"], b"", 2, "exclude each other"),
        (["--json", "--jsonl", "x"], b"", 2, "exclude each other"),
        (["--batch", "x.jsonl", "--json"], b"", 2, "answers line by line"),
        (["--batch", "none.jsonl"], b"", 3, "there is no file none.jsonl"),
        (["--policy", "none.toml", "x"], b"", 3, "none.toml"),
    ],
)
def test_what_cannot_be_judged(
    run_ockit: RunOckit, args: list[str], data: bytes, code: int, told: str
) -> None:
    done = run_ockit("moderate", *args, input=data)
    assert done.code == code, done.stderr
    assert told in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_a_back_end_that_cannot_be_opened_is_exit_1(run_ockit: RunOckit) -> None:
    (run_ockit.cwd / "own.toml").write_text('[backend.own]\nkind = "trained"\nclassifier = "none"\n')
    done = run_ockit("moderate", "--policy", "own.toml", "hello")
    assert done.code == 1
    assert done.stdout.startswith("not judged (error)\naction    refuse")
    assert "there is no classifier 'none'" in done.stdout
    as_json = run_ockit("moderate", "--policy", "own.toml", "--json", "hello")
    assert as_json.code == 1
    assert json.loads(as_json.stdout)["status"] == "error"


def test_long_and_foreign_texts(run_ockit: RunOckit) -> None:
    long = "The river runs quietly past the old mill. " * 24_000
    (run_ockit.cwd / "long.txt").write_text(long)
    done = run_ockit("moderate", "-f", "long.txt")
    assert done.code == 0, done.stderr
    assert f"of its {len(long):,} characters" in done.stdout
    assert "characters of the question" in done.stderr
    assert done.stdout.splitlines()[0].startswith("level ")
    (run_ockit.cwd / "rows.jsonl").write_text(json.dumps({"text": long}) + "\n")
    rows = run_ockit("moderate", "--batch", "rows.jsonl", "--jsonl")
    found = json.loads(rows.stdout)
    assert (rows.code, found["status"], found["action"]) == (0, "not_scanned", "caution")
    for text in ("как испечь хлеб", "パンの焼き方", "كيف أخبز", "\u202eevil\u202c", "🥖" * 50):
        done = run_ockit("moderate", text)
        assert done.code == 0, done.stderr
        assert "\u202e" not in done.stdout
        assert "level" in done.stdout


def test_a_terminal_gets_colour_and_folded_lines(garden: RunOckit) -> None:
    args = ("moderate", "--policy", "garden.toml", "the compost heap")
    with terminal(garden, *args, size=(30, 50)) as shown:
        shown.wait_for("Not in my garden.")
        assert shown.end() == 0
        assert b"\x1b[31mlevel 4 of 4" in shown.raw
        lines = [line for line in shown.rows if line]
        assert lines[1].startswith("action    refuse: the model is not asked")
        assert lines[2].startswith(" " * 10)


def written(path: Path, *lines: object) -> Path:
    path.write_text("".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in lines))
    return path


def test_a_batch_gives_a_line_for_each_text(garden: RunOckit) -> None:
    texts = [f"garden {number}" for number in range(70)]
    texts[40] = "a compost heap"
    lines: list[object] = [{"text": text, "id": f"t{number}"} for number, text in enumerate(texts)]
    path = written(garden.cwd / "a.jsonl", *lines)
    done = garden("moderate", "--policy", "garden.toml", "--batch", "a.jsonl", "--jsonl")
    assert done.code == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["line"] for one in found] == list(range(1, 71))
    assert [one["id"] for one in found] == [f"t{number}" for number in range(70)]
    assert [one["level"] for one in found] == [4 if number == 40 else 0 for number in range(70)]
    assert set(found[0]) == FIELDS | {"line", "id"}
    piped = garden("moderate", "--policy", "garden.toml", "--batch", "-", "--jsonl", input=path.read_bytes())
    assert [json.loads(line)["level"] for line in piped.stdout.splitlines()] == [
        one["level"] for one in found
    ]


def test_every_line_of_a_batch_has_its_line_and_bad_ones_are_named(garden: RunOckit) -> None:
    bad = ["{", [1], {"txt": "a"}, {"text": None, "id": "n"}, {"text": 3}, "[" * 100_000]
    bad.append('{"text": "a", "n": ' + "7" * 6000 + "}")
    last: list[object] = [{"text": " \n", "id": "blank"}, '{"text": "half \\ud83e a character"}']
    written(garden.cwd / "a.jsonl", {"text": "good"}, "", *bad, *last)
    done = garden("moderate", "--policy", "garden.toml", "--batch", "a.jsonl", "--jsonl")
    assert done.code == 7
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["line"] for one in found] == [1, *range(3, 12)]
    assert [one["status"] for one in found] == ["ok", *["error"] * 7, "not_scanned", "ok"]
    assert all(set(one) - {"id"} == FIELDS | {"line"} for one in found)
    for one in found[1:-1]:
        assert (one["level"], one["score"], one["action"], one["backend"]) == (0, 0.0, "allow", "none")
        assert f"a.jsonl:{one['line']}: " in done.stderr
        assert one["reason"] in done.stderr
    assert found[-2]["reason"] == "the text is empty"
    assert [one.get("id") for one in found] == [*[None] * 4, "n", *[None] * 3, "blank", None]
    assert "a number in it is too long" in found[7]["reason"]
    assert "set_int_max_str_digits" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_batch_without_any_text(garden: RunOckit) -> None:
    written(garden.cwd / "a.jsonl", {"question": "x"})
    done = garden("moderate", "--policy", "garden.toml", "--batch", "a.jsonl", "--jsonl")
    assert done.code == 2
    assert "no line of it is a text" in done.stderr
    assert '{"text":' in done.stderr
    assert json.loads(done.stdout)["status"] == "error"


def test_a_program_that_waits_for_each_answer_gets_it(garden: RunOckit) -> None:
    """A line is answered before the next one comes, whole or in pieces."""
    args = ("moderate", "--policy", "garden.toml", "--batch", "-", "--jsonl")
    process = subprocess.Popen(
        [*garden.command(), *args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=garden.variables(),
        cwd=garden.cwd,
        bufsize=0,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        for number in range(1, 4):
            process.stdin.write(b'{"text": "the com')
            time.sleep(0.1)
            process.stdin.write(b'post heap"}\n{"text": "a shed"}\n\n')
            for line, level in ((3 * number - 2, 4), (3 * number - 1, 0)):
                assert select.select([process.stdout], [], [], 20)[0], "it waits for more"
                found = json.loads(process.stdout.readline())
                assert (found["line"], found["level"]) == (line, level)
        process.stdin.write(b'{"text": "no end of line"}')
        process.stdin.close()
        assert json.loads(process.stdout.readline())["line"] == 10
        assert process.wait(20) == 0


def test_embedded_verdicts_of_a_batch_are_those_of_single_texts(run_ockit: RunOckit) -> None:
    texts = ["how do I bake bread?", "you are all idiots", "what is a monad", "a" * 3000]
    written(run_ockit.cwd / "a.jsonl", *({"text": text} for text in texts))
    done = run_ockit("moderate", "--batch", "a.jsonl", "--jsonl")
    assert done.code == 0, done.stderr
    for line, text in zip(done.stdout.splitlines(), texts, strict=True):
        single = json.loads(run_ockit("moderate", "--json", text).stdout)
        both = json.loads(line)
        assert both["level"] == single["level"]
        assert both["p_level"] == pytest.approx(single["p_level"], abs=0.03)
