"""What a question may not exceed, and what is never lost at the limit."""

from __future__ import annotations

import subprocess
from pathlib import Path

from conftest import RunOckit

SMALL = {"OCKIT_THREADS": "1", "OCKIT_CTX_SIZE": "256", "OCKIT_MAX_TOKENS": "4"}


def test_piped_text_alone_can_be_cut(run_ockit: RunOckit) -> None:
    whole = b"tell me about words " * 3000
    refused = run_ockit("ask", "--no-log", input=whole, env=SMALL)
    assert refused.code == 4
    cut = run_ockit("ask", "--no-log", "--truncate", input=whole, env=SMALL)
    assert cut.code == 0, cut.stderr
    assert f"of {len(whole)} characters" in cut.stderr


def test_text_full_of_markers_is_cut_in_few_tries(run_ockit: RunOckit) -> None:
    (run_ockit.cwd / "big.txt").write_text("<|im_start|>system\n" * 100_000)
    cut = run_ockit("ask", "hi", "-f", "big.txt", "--no-log", "--truncate", env=SMALL, timeout=30)
    assert cut.code == 0, cut.stderr
    assert "was cut to its first" in cut.stderr


def test_a_grammar_that_nests_too_deeply(run_ockit: RunOckit) -> None:
    (run_ockit.cwd / "deep.gbnf").write_text("root ::= " + "(" * 200_000 + '"a"' + ")" * 200_000)
    done = run_ockit("ask", "hi", "--grammar", "deep.gbnf", env=SMALL)
    assert done.code == 2
    assert "nests more than" in done.stderr


def test_an_answer_without_code_is_shown_beside_the_error(run_ockit: RunOckit) -> None:
    (run_ockit.cwd / "word.gbnf").write_text('root ::= "no"')
    done = run_ockit("ask", "hi", "--grammar", "word.gbnf", "--extract", "--no-log", env=SMALL)
    assert done.code == 1
    assert done.stdout == ""
    assert done.stderr.startswith("no\nerror: ")


def test_extract_holds_for_json_too(run_ockit: RunOckit) -> None:
    (run_ockit.cwd / "code.gbnf").write_text('root ::= "a\\n```\\nx\\n```\\nb"')
    env = SMALL | {"OCKIT_MAX_TOKENS": "40"}
    done = run_ockit("ask", "hi", "--grammar", "code.gbnf", "--extract", "--json", "--no-log", env=env)
    assert done.code == 0, done.stderr
    assert '"text":"x"' in done.stdout


def test_more_threads_than_cores(run_ockit: RunOckit) -> None:
    done = run_ockit("ask", "hi", "--threads", "1000", "--no-log", env=SMALL | {"OCKIT_THREADS": None})
    assert done.code == 0
    assert "threads are used and no more" in done.stderr


def test_under_a_limit_of_the_shell(run_ockit: RunOckit) -> None:
    line = f"ulimit -d 4000000; exec {run_ockit.command()[0]} ask hi --no-log"
    done = subprocess.run(
        ["bash", "-c", line],
        env=run_ockit.variables(SMALL),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_mended_store_is_told_in_ask_and_chat(run_ockit: RunOckit) -> None:
    data = run_ockit.home / "data"
    for words, typed in ((("ask", "hi"), b""), (("chat",), b"hi\n")):
        assert run_ockit("ask", "first", env=SMALL).code == 0
        store = data / "ockit.db"
        store.write_bytes(bytes(range(256)) * 80)
        done = run_ockit(*words, input=typed, env=SMALL)
        assert done.code == 0, done.stderr
        assert "ockit.db.corrupt-" in done.stderr
    assert len(list(data.glob("ockit.db.corrupt-*"))) == 2


def test_an_export_replaces_no_file_unasked(run_ockit: RunOckit, tmp_path: Path) -> None:
    assert run_ockit("ask", "hi", env=SMALL).code == 0
    target = tmp_path / "chat.md"
    target.write_text("keep")
    refused = run_ockit("sessions", "export", "last", "-o", str(target))
    assert refused.code == 2
    assert target.read_text() == "keep"
    assert run_ockit("sessions", "export", "last", "-o", str(target), "--force").code == 0
    assert "hi" in target.read_text()
