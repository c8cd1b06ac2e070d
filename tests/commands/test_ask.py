"""``ockit ask``: what it answers, prints and saves."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from asking import QUICK, error_of, json_of, saved

SHORT = ("--temp", "0", "--max-tokens", "12")


@pytest.fixture
def ask(run_ockit: Any) -> Any:
    def run(*args: str, **options: Any) -> Any:
        return run_ockit("ask", *args, **{"env": QUICK, **options})

    return run


def test_an_answer_and_nothing_else_on_stdout(ask: Any, ockit_home: Path) -> None:
    done = ask(*SHORT, "What", "is", "the", "capital", "of", "France?")
    assert done.code == 0
    ((question, answer),) = saved(ockit_home)
    assert question.text == "What is the capital of France?"
    assert done.stdout == answer.text + "\n"
    assert answer.state == "complete"
    assert done.stderr == "the answer was cut after 12 tokens; --max-tokens N allows more\n"


def test_json_is_one_object_of_the_documented_shape(ask: Any, ockit_home: Path) -> None:
    done = ask(*SHORT, "--json", "Name a colour.")
    found = json_of(done)
    assert done.stderr == ""
    assert list(found) == [
        "schema_version",
        "text",
        "finish_reason",
        "usage",
        "timings",
        "model",
        "session_id",
        "message_id",
        "sources",
        "cited",
        "retrieval",
        "moderation",
    ]
    assert found["schema_version"] == 1
    assert found["usage"].keys() == {"prompt_tokens", "cached_tokens", "completion_tokens"}
    assert found["timings"].keys() == {"load_s", "prefill_s", "decode_s", "first_token_s"}
    assert all(isinstance(seconds, float) and seconds > 0 for seconds in found["timings"].values())
    assert found["timings"]["first_token_s"] > found["timings"]["prefill_s"]
    assert found["usage"]["cached_tokens"] == 0
    assert found["usage"]["completion_tokens"] == 12
    assert found["usage"]["prompt_tokens"] > 10
    ((_, answer),) = saved(ockit_home)
    assert (found["text"], found["finish_reason"], found["model"]) == (answer.text, "length", answer.model)
    assert (found["session_id"], found["message_id"]) == (answer.session_id, answer.id)


def test_jsonl_is_every_event(ask: Any, ockit_home: Path) -> None:
    done = ask(*SHORT, "--jsonl", "Name a colour.")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds[0] == "start"
    assert events[0]["schema_version"] == 1
    assert kinds[1:4] == ["moderated", "prefill", "prefill"]
    assert kinds[-2:] == ["moderated", "end"]
    assert set(kinds[4:-2]) == {"token"}
    ((_, answer),) = saved(ockit_home)
    assert "".join(event["text"] for event in events if event["event"] == "token") == answer.text
    assert events[-1]["finish_reason"] == "length"
    assert events[-1]["message_id"] == answer.id


def test_no_stream_and_plain_say_the_same(ask: Any) -> None:
    plain, whole = ask(*SHORT, "Name a fruit."), ask(*SHORT, "--no-stream", "Name a fruit.")
    assert plain.stdout == whole.stdout
    assert len(whole.stdout) > 5


def test_no_log_leaves_nothing(ask: Any, ockit_home: Path) -> None:
    found = json_of(ask(*SHORT, "--json", "--no-log", "A secret."))
    assert found["session_id"] is None
    assert found["message_id"] is None
    assert found["text"]
    assert saved(ockit_home) == []
    assert not any(b"A secret." in path.read_bytes() for path in ockit_home.rglob("*") if path.is_file())


def test_the_same_seed_says_the_same(ask: Any) -> None:
    sampled = ("--temp", "1.2", "--max-tokens", "10", "Write", "a", "word.")
    texts = [ask("--seed", seed, *sampled).stdout for seed in ("1", "1", "2")]
    assert texts[0] == texts[1] != texts[2]


def test_system_text_stop_and_options(ask: Any, ockit_home: Path) -> None:
    """Options reach the model and are saved with the answer."""
    args = ("--system", "You are terse.", "--stop", "\n", "--stop", "!", "-o", "repeat-penalty=1.1")
    more = (
        "--top-k",
        "7",
        "--top-p",
        "0.5",
        "--min-p",
        "0.01",
        "-o",
        "logit_bias=198:-5",
        "-o",
        "dry_multiplier=0.8",
    )
    found = json_of(ask(*SHORT, "--json", *args, *more, "Name a colour."))
    assert not set("\n!") & set(found["text"])
    ((_, answer),) = saved(ockit_home)
    assert answer.sampling is not None
    wanted = {
        "temperature": 0.0,
        "top_k": 7,
        "top_p": 0.5,
        "min_p": 0.01,
        "repeat_penalty": 1.1,
        "dry_multiplier": 0.8,
        "stop": ["\n", "!"],
        "logit_bias": [[198, -5.0]],
        "max_tokens": 12,
    }
    assert {key: answer.sampling[key] for key in wanted} == wanted


def test_stdin_alone_is_the_question(ask: Any, ockit_home: Path) -> None:
    assert ask(*SHORT, input=b"  Name a colour.\n").code == 0
    assert saved(ockit_home)[0][0].text == "Name a colour."


def test_stdin_and_files_are_context(ask: Any, ockit_home: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("\ufeffThe sky is green.\n")
    (tmp_path / "leer.md").write_text("")
    args = ("-f", str(tmp_path / "notes.txt"), "--file", str(tmp_path / "leer.md"))
    assert ask(*SHORT, *args, "What colour?", input="Grass is blüe.\n".encode()).code == 0
    assert saved(ockit_home)[0][0].text == (
        "standard input:\n\nGrass is blüe.\n\nnotes.txt:\n\nThe sky is green.\n\nleer.md:\n\n\n\nWhat colour?"
    )


def test_files_are_found_from_where_one_stands(ask: Any, ockit_home: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    assert ask(*SHORT, "-f", "notes.txt", "So?", cwd=tmp_path).code == 0
    assert "notes.txt:\n\nhello" in saved(ockit_home)[0][0].text


def test_extract_prints_the_code_alone(ask: Any, tmp_path: Path) -> None:
    grammar = tmp_path / "code.gbnf"
    grammar.write_text('root ::= "Here:\\n```python\\n" "x = 1\\n  y = 2\\n" "```\\nDone."')
    assert ask("--grammar", str(grammar), "--extract", "Code?").stdout == "x = 1\n  y = 2\n"


def test_extract_without_code_fails_and_the_answer_is_saved(
    ask: Any, ockit_home: Path, tmp_path: Path
) -> None:
    grammar = tmp_path / "none.gbnf"
    grammar.write_text('root ::= "no code"')
    done = ask("--grammar", str(grammar), "--extract", "Code?")
    assert "no fenced code block" in error_of(done, 1)
    assert saved(ockit_home)[0][1].text == "no code"


def test_a_broken_pipe_ends_it_quietly(run_ockit: Any, ockit_home: Path) -> None:
    """``ockit ask ... | head -c1``"""
    command = [
        *run_ockit.command(),
        "ask",
        "--temp",
        "0",
        "--max-tokens",
        "400",
        "Tell me a very long story.",
    ]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=run_ockit.variables(QUICK),
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.read(1)
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(timeout=30) == 0
    ((_, answer),) = saved(ockit_home)
    assert answer.state == "interrupted"
    assert len(answer.text) > 1


def test_another_template_and_condition(ask: Any, ockit_home: Path) -> None:
    done = ask(*SHORT, "--template", "openchat", "--condition", "Math Correct", "--json", "1+1?")
    assert json_of(done)["usage"]["prompt_tokens"] > 5
    assert "has no condition 'Poem'" in error_of(ask("--template", "openchat", "--condition", "Poem", "x"), 2)
    assert "there is no chat template" in error_of(ask("--template", "nonsense", "x"), 3)


def test_a_model_by_path_is_named_by_it(ask: Any, tmp_path: Path) -> None:
    from tiny_models import write_model

    path = write_model(tmp_path / "tiny.gguf", weights="F16")
    done = ask("-m", str(path), "--max-tokens", "4", "--json", "hi")
    assert json_of(done)["model"] == str(path)
    assert "has no chat template; chatml is used" in done.stderr
