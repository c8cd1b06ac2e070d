"""`ockit bench`, run as installed, and the measurements behind it."""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from gguf import GGUFValueType

from ockit.commands.speed import Speed, endless, measure, peak_memory, prose_ids
from ockit.engines.hosted import HostedEngine
from ockit.engines.options import LoadOptions
from ockit.messages import Conversation, Message
from ockit.prompts.templates import named
from tiny_models import pair_vocabulary, write_model

Run = Callable[..., Any]
FEW = ("--prompt-tokens", "24", "--decode-tokens", "8")


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_model(tmp_path / "tiny.gguf")


@pytest.fixture
def engine(tmp_path: Path, embedded_model: Path) -> Iterator[HostedEngine]:
    hosted = HostedEngine(os.environ, tmp_path / "threads.json")
    hosted.choose(LoadOptions(str(embedded_model), n_ctx=512, threads=1, gpu_layers=0))
    yield hosted
    hosted.close()


def test_the_embedded_model(run_ockit: Run, embedded_model: Path) -> None:
    done = run_ockit("bench", "--json", "--repeat", "1", *FEW, "--threads", "1")
    assert done.code == 0, done.stderr
    told = json.loads(done.stdout)
    (row,) = told["models"]
    assert told["schema_version"] == 1
    assert (told["prompt_tokens"], told["decode_tokens"], told["repeat"]) == (24, 8, 1)
    assert row["name"] == "smollm2-135m-instruct"
    assert (row["path"], row["size"]) == (str(embedded_model), embedded_model.stat().st_size)
    assert (row["threads_decode"], row["threads_prefill"]) == (1, 1)
    assert row["cached_load_s"] is None
    assert 0 < row["values"]["engine_load_s"][0] < row["load_s"]
    # the weights are mapped: all of them were in memory while it ran
    assert row["peak_memory"] > row["size"]
    assert row["decode_tokens_per_s"] > 1
    assert row["first_token_s"] >= 24 / row["prefill_tokens_per_s"]
    assert told["failures"] == []


def test_several_models_in_a_table(run_ockit: Run, tmp_path: Path) -> None:
    files = [str(write_model(tmp_path / f"{name}.gguf", seed=i)) for i, name in enumerate(("one", "two"))]
    done = run_ockit("bench", *files, files[0], *FEW, "--repeat", "2")
    assert (done.code, done.stderr) == (0, "")
    head, *rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert head[0] == "MODEL"
    assert [row[0] for row in rows] == ["one", "two"]
    assert all(float(row[head.index("DECODE tok/s")]) > 0 for row in rows)
    assert (run_ockit.home / "cache" / "threads.json").is_file()  # type: ignore[attr-defined]


def test_every_value_is_told(run_ockit: Run, tiny: Path) -> None:
    done = run_ockit("bench", str(tiny), "--json", "--repeat", "3", *FEW, "--threads", "1")
    (row,) = json.loads(done.stdout)["models"]
    values = row["values"]
    assert {len(each) for each in values.values()} == {3}
    assert row["load_s"] == values["load_s"][0]
    assert row["cached_load_s"] == statistics.median(values["load_s"][1:])
    for key in ("first_token_s", "prefill_tokens_per_s", "decode_tokens_per_s"):
        assert row[key] == statistics.median(values[key])


def test_an_unknown_model_and_nothing_is_run(run_ockit: Run, tiny: Path) -> None:
    done = run_ockit("bench", str(tiny), "smollm3", *FEW)
    assert done.code == 3
    assert done.stdout == ""
    assert "smollm3" in done.stderr
    assert "smollm2" in done.stderr
    assert not (run_ockit.home / "cache" / "threads.json").exists()  # type: ignore[attr-defined]


def test_more_tokens_than_context(run_ockit: Run, tiny: Path) -> None:
    done = run_ockit("bench", str(tiny), "--prompt-tokens", "600")
    assert done.code == 2
    assert "600 + 64 tokens do not fit tiny's context of 512" in done.stderr
    assert "try: --ctx-size 664" in done.stderr
    assert run_ockit("bench", str(tiny), "--ctx-size", "664", "--prompt-tokens", "600").code == 0


@pytest.mark.parametrize(
    "arguments", [("--repeat", "0"), ("--prompt-tokens", "-1"), ("-o", "dry_base=2"), ("-o", "tempo=1")]
)
def test_what_makes_no_sense(run_ockit: Run, arguments: tuple[str, str]) -> None:
    done = run_ockit("bench", *arguments)
    assert done.code == 2
    assert done.stdout == ""


def test_a_model_that_llama_cpp_refuses(run_ockit: Run, tiny: Path, tmp_path: Path) -> None:
    extra = {"tokenizer.ggml.pre": ("nobody-knows", GGUFValueType.STRING)}
    odd = write_model(tmp_path / "odd.gguf", vocabulary=pair_vocabulary(), extra=extra)
    done = run_ockit("bench", str(odd), str(tiny), *FEW, "--repeat", "1", "--json")
    assert done.code == 7
    told = json.loads(done.stdout)
    assert [row["path"] for row in told["models"]] == [str(tiny)]
    assert [row["model"] for row in told["failures"]] == [str(odd)]
    assert "nobody-knows" in done.stderr
    assert run_ockit("bench", str(odd), *FEW).code == 1


def test_an_answer_that_must_not_end(engine: HostedEngine) -> None:
    conversation = Conversation((Message("user", "Say yes."),))
    ids = engine.encode(named("chatml").render(conversation).segments)
    assert measure(engine, ids, endless(engine, 40)).written_tokens == 40


def test_prose_has_the_length_that_was_asked_for(engine: HostedEngine) -> None:
    assert [len(prose_ids(engine, n)) for n in (1, 100, 400)] == [1, 100, 400]


def test_what_is_cached_does_not_count_as_read(engine: HostedEngine) -> None:
    ids = prose_ids(engine, 48)
    first = measure(engine, ids[:32], endless(engine, 1))
    second = measure(engine, ids, endless(engine, 2))
    assert (first.read_tokens, second.read_tokens) == (32, 16)
    assert second.first_token_s >= second.prefill_s


def test_rates() -> None:
    speed = Speed(read_tokens=100, written_tokens=11, prefill_s=2.0, decode_s=0.5, first_token_s=2.1)
    assert (speed.prefill_rate, speed.decode_rate) == (50.0, 20.0)
    assert Speed(1, 1, 1.0, 1.0, 1.0).decode_rate == 0.0


def test_the_highest_memory_of_a_process() -> None:
    import psutil

    before = peak_memory(os.getpid())
    assert before is not None
    assert before >= psutil.Process().memory_info().rss // 2
    held = bytearray(os.urandom(1 << 20) * 64)
    after = peak_memory(os.getpid())
    assert after is not None
    assert after >= len(held)
    assert peak_memory(2**22 + 1) is None
