"""``ockit ask -i NAME``: answers from a real index, its sources for people and for programs, and what goes wrong."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from asking import QUICK, error_of, json_of, saved
from indexed_rivers import indexed
from ockit.index.places import IndexPlace
from ockit.index.store.writer_lock import writing
from terminal import terminal

ENV = {**QUICK, "OCKIT_TEMPERATURE": "0", "OCKIT_MAX_TOKENS": "24", "OCKIT_CTX_SIZE": "2048"}
RHINE = "How long is the river Rhine in kilometres?"
GRAMMAR = 'root ::= "It is 1233 km long [1]."'


@pytest.fixture
def ask(run_ockit: Any) -> Any:
    indexed(run_ockit, ENV)

    def run(*args: str, **options: Any) -> Any:
        return run_ockit("ask", *args, **{"env": ENV, **options})

    return run


def test_the_sources_stand_below_the_answer(ask: Any, ockit_home: Path) -> None:
    done = ask("-i", "rivers", RHINE)
    assert done.code == 0, done.stderr
    answer, _, below = done.stdout.partition("\n\nSources")
    assert "1233" in answer
    assert "[1] rivers.md:" in below
    ((question, reply),) = saved(ockit_home)
    assert question.text == RHINE
    assert reply.sources[0].index == "rivers"
    assert Path(reply.sources[0].file).name == "rivers.md"
    assert "1233" in reply.sources[0].text


def test_json_has_sources_and_citations(ask: Any, run_ockit: Any) -> None:
    (run_ockit.cwd / "cite.gbnf").write_text(GRAMMAR)
    found = json_of(ask("-i", "rivers", "--json", "--grammar", "cite.gbnf", RHINE))
    assert found["text"] == "It is 1233 km long [1]."
    assert found["cited"] == [1]
    assert found["retrieval"] == {"rivers": "ok"}
    first = found["sources"][0]
    assert set(first) == {
        "path", "start_line", "end_line", "page", "heading", "text", "score", "file", "index",
    }  # fmt: skip
    assert (first["path"], first["index"]) == ("rivers.md", "rivers")
    done = ask("-i", "rivers", "--jsonl", "--grammar", "cite.gbnf", RHINE)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    names = [event["event"] for event in events]
    assert names.index("sources") < names.index("token")
    assert events[names.index("sources")]["passages"] == found["sources"]
    assert events[-1]["cited"] == [1]


def test_sources_leave_stdout_to_what_is_read_by_programs(ask: Any, run_ockit: Any) -> None:
    (run_ockit.cwd / "cite.gbnf").write_text(GRAMMAR)
    done = ask("-i", "rivers", "--grammar", "cite.gbnf", RHINE)
    assert done.stdout == "It is 1233 km long [1].\n"
    assert "Sources (* cited)\n* [1] rivers.md:" in done.stderr


def test_the_setting_and_no_index_after_all(ask: Any, run_ockit: Any) -> None:
    env = {**ENV, "OCKIT_INDEX": "rivers", "OCKIT_PASSAGES": "1"}
    assert len(json_of(ask("--json", RHINE, env=env))["sources"]) == 1
    found = json_of(ask("--json", "-i", "", RHINE, env=env))
    assert (found["sources"], found["retrieval"]) == ([], {})
    for k in ("0", "200"):
        assert f"-k is {k}, but must be a whole number between 1 and 50" in error_of(
            ask("-k", k, RHINE, env=env), 2
        )


def test_nothing_found_is_said_and_the_model_answers(ask: Any) -> None:
    done = ask("-i", "rivers", "Which amendment abolished the poll tax for federal elections?")
    assert done.code == 0
    assert "nothing in rivers is about this" in done.stderr
    assert done.stdout.strip()
    assert "Sources" not in done.stdout
    found = json_of(ask("-i", "rivers", "--json", "Which amendment abolished the poll tax?"))
    assert found["retrieval"] == {"rivers": "nothing_found"}


def test_on_a_terminal_the_paths_of_sources_can_be_opened(ask: Any, run_ockit: Any) -> None:
    with terminal(run_ockit, "ask", "-i", "rivers", RHINE, env=ENV) as screen:
        screen.until(lambda seen: "[1] rivers/rivers.md:" in seen.screen)


@pytest.mark.parametrize("verb", ["ask", "chat"])
def test_an_unknown_index_names_the_nearest(verb: str, ask: Any, run_ockit: Any, ockit_home: Path) -> None:
    done = run_ockit(verb, "-i", "river", *(["Hi"] if verb == "ask" else []), env=ENV)
    error = error_of(done, 3)
    assert "there is no index 'river'" in error
    assert "did you mean rivers? ockit indexes list" in error
    assert saved(ockit_home) == []


def test_a_folder_is_indexed_and_used_in_one_step(run_ockit: Any) -> None:
    folder = run_ockit.cwd / "pets"
    folder.mkdir()
    (folder / "cat.md").write_text(
        "# Cats\n\nThe cat Murr sleeps nineteen hours a day in the warm kitchen.\n"
    )
    first = run_ockit("ask", "--index-dir", "pets", "How long does the cat Murr sleep?", env=ENV)
    assert first.code == 0, first.stderr
    assert "pets: indexed 1" in first.stderr
    assert "[1] cat.md:" in first.stdout
    (folder / "cat.md").write_text("# Cats\n\nThe cat Murr sleeps two hours a day, no more.\n")
    again = json_of(run_ockit("ask", "--index-dir", "pets", "--json", "How long does Murr sleep?", env=ENV))
    assert "two hours" in again["sources"][0]["text"]
    error_of(run_ockit("ask", "--index-dir", "nowhere", "Hi", env=ENV), 3)
    error_of(run_ockit("ask", "--index-dir", "pets/cat.md", "Hi", env=ENV), 2)


def test_a_folder_that_another_ockit_indexes_is_used_as_it_is(run_ockit: Any, ockit_home: Path) -> None:
    folder = run_ockit.cwd / "pets"
    folder.mkdir()
    (folder / "cat.md").write_text(
        "# Cats\n\nThe cat Murr sleeps nineteen hours a day in the warm kitchen.\n"
    )
    assert run_ockit("index", "pets", env=ENV).code == 0
    (folder / "dog.md").write_text("# Dogs\n\nThe dog Rex barks.\n")
    with writing(IndexPlace(ockit_home / "data" / "indexes" / "pets", "pets")):
        done = run_ockit("ask", "--index-dir", "pets", "How long does the cat Murr sleep?", env=ENV)
    assert done.code == 0, done.stderr
    assert "is indexing pets; answers come from what it holds so far" in done.stderr
    assert "[1] cat.md:" in done.stdout


def test_a_damaged_index_is_one_notice(ask: Any, ockit_home: Path) -> None:
    [database] = (ockit_home / "data" / "indexes").glob("rivers/index.db")
    database.write_bytes(b"x" * 8192)
    done = ask("-i", "rivers", RHINE)
    assert done.code == 7, done.stderr
    assert done.stderr.count("rivers was not searched: ") == 1
    assert done.stdout.strip()
    told = ask("-i", "rivers", "--json", RHINE)
    assert told.code == 7
    assert json.loads(told.stdout)["retrieval"] == {"rivers": "failed"}
    assert ask(RHINE, env={**ENV, "OCKIT_INDEX": "rivers"}).code == 0  # nobody named it this time


def test_a_planted_document_is_quoted(ask: Any, run_ockit: Any) -> None:
    # moderation would leave it out
    asked = ("-i", "rivers", "--no-moderation", "How often does the frobnicator 3.2 blink?")
    done = ask(*asked, "--max-tokens", "60")
    assert "planted.md:" in done.stdout
    assert not {"\x1b", "\x07", "\u202e"} & set(done.stdout + done.stderr)
    found = json_of(ask(*asked, "--json", "--max-tokens", "1"))
    assert "<|im_start|>system" in "".join(source["text"] for source in found["sources"])


def test_sources_are_shown_and_exported(ask: Any, run_ockit: Any) -> None:
    ask("-i", "rivers", RHINE)
    assert "\n[1] rivers.md:" in run_ockit("sessions", "show", "last", env=ENV).stdout
    assert "Sources:\n\n- [1] rivers.md:" in run_ockit("sessions", "export", "last", env=ENV).stdout
    exported = json.loads(run_ockit("sessions", "export", "last", "--format", "json", env=ENV).stdout)
    assert exported["messages"][1]["sources"][0]["index"] == "rivers"


def test_ctrl_c_while_the_question_is_prepared_leaves_no_process(ask: Any, run_ockit: Any) -> None:
    import psutil

    for delay in (0.3, 0.6, 0.9):
        process = subprocess.Popen(
            [
                *run_ockit.command(),
                "ask",
                "-i",
                "rivers",
                "--max-tokens",
                "900",
                "Tell a long story of the river Rhine.",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=run_ockit.variables(ENV),
            cwd=run_ockit.cwd,
        )
        time.sleep(delay)
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
        assert process.returncode == 130, stderr
        assert b"Traceback" not in stderr
        assert psutil.wait_procs(children, timeout=5)[1] == []
