"""``--plan``, run as installed: what it prints, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ockit.engines.build import gpu_build
from ockit.models.memory import estimate
from ockit.models.parts import read_model
from published_models import GPT_NEOX_20B, LLAMA_2_7B, MISTRAL_7B, write_header, write_parts
from tiny_models import write_model

Run = Callable[..., Any]
GIB = 1 << 30


@pytest.fixture(scope="module")
def neox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The header of GPT-NeoX-20B at f16."""
    return write_header(tmp_path_factory.mktemp("neox") / "neox-20b-f16.gguf", GPT_NEOX_20B)


def planned(done: Any) -> dict[str, Any]:
    """The object of a plan that ended well."""
    assert done.code == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["schema_version"] == 1
    return told


def test_twenty_billion_parameters_over_two_cards(run_ockit: Run, neox: Path) -> None:
    done = run_ockit("inspect", str(neox), "--plan", "-g", "0:10,1:12", "-r", "21")
    assert done.code == 0
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == "neox-20b-f16: 44 layers, 2048 tokens of context"
    assert lines[2] == "PART\tDEVICE\tWEIGHTS\tCACHE\tWORK"
    assert lines[3] == "embedding\tmain memory\t591.0 MiB\t\t"
    assert lines[4] == "layers 0-21\tmain memory\t18.6 GiB\t1.0 GiB\t"
    assert lines[6].startswith("layers 22-31\tGPU 0\t8.4 GiB\t480.0 MiB\t")
    assert lines[8].startswith("layers 32-43\tGPU 1\t10.1 GiB\t576.0 MiB\t")
    assert lines[9] == "output\tGPU 1\t591.0 MiB\t\t"
    assert "main memory\t20.3 GiB\t21.0 GiB\tfits" in lines
    assert lines[-1] == "for llama.cpp: n_gpu_layers 23, tensor_split 10,13"


def test_json_adds_up_and_no_card_gets_more_than_it_may_take(run_ockit: Run, neox: Path) -> None:
    told = planned(
        run_ockit(
            "inspect", str(neox), "--plan", "--json", "-g", "0:10,1:12", "--ram", "30", "--ctx-size", "1024"
        )
    )
    header = read_model(neox, whole=False)
    main = next(device for device in told["devices"] if device["gpu"] is None)
    assert told["n_ctx"] == 1024
    assert main["budget"] == 30 * GIB
    assert main["total"] == estimate(header, 1024, gpu_layers=told["n_gpu_layers"]).total
    for device in told["devices"]:
        rows = [row for row in told["rows"] if row["gpu"] == device["gpu"]]
        assert device["total"] == sum(row["weights"] + row["kv_cache"] + row["work"] for row in rows)
        assert device["total"] <= device["budget"]
    assert sum(told["tensor_split"]) == told["n_gpu_layers"]
    assert sum(row["weights"] for row in told["rows"]) == header.n_params * 2 + 2 * sum(
        tensor.n_elements for tensor in header.tensors if tensor.kind.name == "F32"
    )


def test_what_fits_nowhere_is_shown_and_then_refused(run_ockit: Run, neox: Path) -> None:
    for flags in ((), ("--json",)):
        done = run_ockit("inspect", str(neox), "--plan", "-g", "0:10", "-r", "20", *flags)
        assert done.code == 1
        assert "error: what the graphics cards do not hold takes" in done.stderr
        assert "--ram allows 20.0 GiB" in done.stderr
        for way in ("a smaller quantization", "-g", "-r 32.0"):
            assert way in done.stderr.partition("try: ")[2]
        assert "does not fit" in done.stdout or json.loads(done.stdout)["fits"] is False


def test_seven_billion_parameters_and_parts(run_ockit: Run, tmp_path: Path) -> None:
    flags = ("--plan", "--json", "-g", "0:5.5", "-r", "8")
    llama = write_header(tmp_path / "llama.gguf", LLAMA_2_7B, "Q4_K_M")
    mistral = write_header(tmp_path / "mistral.gguf", MISTRAL_7B, "Q4_K_M")
    parts = write_parts(tmp_path, MISTRAL_7B, "Q4_K_M", 3)
    whole = planned(run_ockit("inspect", str(mistral), *flags))
    joined = planned(run_ockit("inspect", str(parts), *flags))
    assert whole["n_gpu_layers"] == 33
    assert {**whole, "path": "", "name": ""} == {**joined, "path": "", "name": ""}
    # as large, but each layer's cache is four times as large: not all of it fits
    assert 20 < planned(run_ockit("inspect", str(llama), *flags))["n_gpu_layers"] < 33


@pytest.mark.skipif(gpu_build(), reason="this llama.cpp was built for a GPU")
def test_the_embedded_model_on_a_processor(run_ockit: Run) -> None:
    for verb in (("ask", "--plan"), ("ask", "--plan", "--json"), ("inspect", "smollm2", "--plan")):
        done = run_ockit(*verb)
        assert (done.code, done.stderr) == (0, "")
        if "--json" not in verb:
            assert "layers 0-29\tmain memory\t63.4 MiB\t180.0 MiB\t" in done.stdout
            assert done.stdout.endswith("for llama.cpp: n_gpu_layers 0, tensor_split none\n")
    told = planned(run_ockit("ask", "--plan", "--json", "-m", "smollm2", "--ctx-size", "1024"))
    assert (told["n_ctx"], told["n_gpu_layers"], told["fits"]) == (1024, 0, True)


def test_a_plan_is_headed_by_what_was_asked_for(run_ockit: Run, tmp_path: Path) -> None:
    """Not by the name in the file, which a person may never have seen; `inspect` shows the file."""
    flags = ("--plan", "-g", "0:100", "-r", "100")
    for verb, name in (
        (("ask",), "smollm2-135m-instruct"),
        (("ask", "-m", "smollm2"), "smollm2-135m-instruct"),
        (("chat", "-m", "smollm2"), "smollm2-135m-instruct"),
        (("ask", "-m", str(write_model(tmp_path / "mine.gguf", name="Another"))), "mine"),
    ):
        assert run_ockit(*verb, *flags).stdout.startswith(f"{name}: "), (verb, name)
    assert planned(run_ockit("ask", "--json", *flags))["name"] == "smollm2-135m-instruct"
    assert run_ockit("inspect", "smollm2", *flags).stdout.startswith("Smollm2 135M ")


def test_settings_and_variables_say_it_too(run_ockit: Run) -> None:
    assert run_ockit("config", "set", "gpu_memory", "1:0.3").code == 0
    assert run_ockit("config", "set", "ram", "2").code == 0
    told = planned(run_ockit("ask", "--plan", "--json"))
    assert told["tensor_split"][0] == 0
    assert told["tensor_split"][1] == told["n_gpu_layers"] > 0
    assert told["devices"][0] == {"gpu": None, "total": told["devices"][0]["total"], "budget": 2 * GIB}
    refused = run_ockit("config", "set", "gpu_memory", "0:10,0:12")
    assert (refused.code, "each GPU (0 to 15) once" in refused.stderr) == (2, True)


@pytest.mark.skipif(gpu_build(), reason="this llama.cpp was built for a GPU")
def test_without_a_gpu_build_the_line_that_makes_one_is_told(run_ockit: Run) -> None:
    for verb in (("ask", "-g", "0:10", "hello"), ("bench", "--option", "gpu_memory=0:10")):
        done = run_ockit(*verb)
        assert (done.code, done.stdout) == (2, "")
        assert "llama.cpp was built without support for GPUs" in done.stderr
        assert 'CMAKE_ARGS="-DGGML_' in done.stderr
        assert "--plan works all the same" in done.stderr


@pytest.mark.skipif(gpu_build(), reason="this llama.cpp was built for a GPU")
def test_main_memory_is_bounded_without_cards(run_ockit: Run) -> None:
    assert run_ockit("ask", "-r", "1", "--ctx-size", "512", "--max-tokens", "1", "hello").code == 0
    done = run_ockit("ask", "-r", "0.2", "hello")
    assert done.code == 1
    assert "--ram allows 204.8 MiB" in done.stderr
    assert "--ctx-size" in done.stderr


@pytest.mark.parametrize(
    "text",
    ["", "0:", "0:x", "0:-1", "0:10,0:12", "a:3", "-1:3", "0:1e30", "0:inf", "0:nan", "16:1", ",", "0"],
)
def test_budgets_that_cannot_be(run_ockit: Run, text: str) -> None:
    done = run_ockit("ask", "--plan", "-g", text)
    assert (done.code, done.stdout) == (2, "")
    assert f'--gpu-memory is "{text}", but must be GPU:GIB pairs' in done.stderr


def test_other_lines_that_cannot_be(run_ockit: Run, neox: Path, tmp_path: Path) -> None:
    tiny = write_model(tmp_path / "tiny.gguf")
    tiny.write_bytes(tiny.read_bytes()[:300])
    for line, code, what in (
        (("ask", "--plan", "-r", "0"), 2, "--ram is 0"),
        (("ask", "--plan", "-r", "nan"), 2, "--ram is nan"),
        (("ask", "--plan", "-r", "much"), 2, "'much' is not a valid float"),
        (("ask", "--plan", "-g", "0:1", "--gpu-layers", "3"), 2, "exclude each other"),
        (("ask", "--plan", "-g", "0:1", "--tensor-split", "1,1"), 2, "exclude each other"),
        (("ask", "--plan", "-m", "nosuch"), 3, "there is no model 'nosuch'"),
        (("ask", "--plan", "-m", str(neox)), 1, "past the end of the file"),
        (("inspect", str(neox), "-g", "0:1"), 2, "-g and -r say where things would lie"),
        (("inspect", str(neox), "--plan", "--tensors"), 2, "--plan and --tensors exclude each other"),
        (("inspect", str(tiny), "--plan"), 1, "tiny.gguf"),
        (("inspect", str(tmp_path / "gone.gguf"), "--plan"), 3, "no such file"),
    ):
        done = run_ockit(*line)
        assert (done.code, done.stdout) == (code, ""), done.stderr
        assert what in done.stderr
        assert "Traceback" not in done.stderr
