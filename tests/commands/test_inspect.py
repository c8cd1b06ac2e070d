"""`ockit inspect`, run as installed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ockit.formats.gguf_header import read_header
from tiny_models import CHATML, write_model

Run = Callable[..., Any]


def test_the_embedded_model_by_its_name(run_ockit: Run, embedded_model: Path) -> None:
    done = run_ockit("inspect", "smollm2")
    assert done.code == 0
    assert done.stderr == ""
    for told in (
        "architecture: llama",
        "quantization: Q4_1",
        "parameters:   135M",
        "context:      8192 tokens",
        "layers:       30 layers, 576 wide",
        "heads:        9 heads, 3 for keys and values",
        "vocabulary:   49152 tokens",
        "eos '<|im_end|>'",
        "available: fits",
        "Q4_1\t210\t106M\t63.3 MiB",
    ):
        assert told in done.stdout
    assert str(embedded_model) in done.stdout
    assert "blk.0.attn_q.weight" not in done.stdout


def test_json(run_ockit: Run, embedded_model: Path) -> None:
    done = run_ockit("inspect", str(embedded_model), "--json", "--tensors", "--ctx-size", "2048")
    told = json.loads(done.stdout)
    header = read_header(embedded_model)
    assert told["schema_version"] == 1
    assert (told["architecture"], told["quantization"], told["n_params"]) == (
        "llama",
        "Q4_1",
        header.n_params,
    )
    assert told["template_text"] == header.chat_template
    assert told["special_tokens"]["bos"] == {"id": 1, "text": "<|im_start|>"}
    assert sum(row["count"] for row in told["tensor_types"]) == len(told["tensors"]) == 272
    assert sum(row["size"] for row in told["tensors"]) == told["memory"]["weights"]
    assert told["memory"]["n_ctx"] == 2048
    assert told["memory"]["fits"] is True
    assert told["problem"] is None
    assert "tensors" not in json.loads(run_ockit("inspect", "smollm2", "--json").stdout)


def test_a_file_in_this_directory(run_ockit: Run) -> None:
    write_model(run_ockit.cwd / "tiny.gguf", chat_template="{{ messages }}", name="Tiny\x1b[31m one")  # type: ignore[attr-defined]
    done = run_ockit("inspect", "tiny.gguf", "--tensors")
    assert done.code == 0
    assert "template:     unknown" in done.stdout
    assert "\x1b" not in done.stdout
    assert "blk.1.ffn_down.weight\t128 x 64\tF32\t32.0 KiB" in done.stdout
    os.rename(run_ockit.cwd / "tiny.gguf", run_ockit.cwd / "tiny")  # type: ignore[attr-defined]
    assert run_ockit("inspect", "tiny").code == 0


def test_a_template_is_named(run_ockit: Run, tmp_path: Path) -> None:
    done = run_ockit("inspect", str(write_model(tmp_path / "m.gguf", chat_template=CHATML)))
    assert "template:     chatml" in done.stdout


def test_what_cannot_run_is_shown_with_the_reason(run_ockit: Run, data_dir: Callable[[str], Path]) -> None:
    done = run_ockit("inspect", str(data_dir("vocab") / "ggml-vocab-qwen2.gguf"))
    assert done.code == 0
    assert "vocabulary:   151936 tokens, gpt2" in done.stdout
    assert "memory:" not in done.stdout
    assert "cannot run this file: the file holds a vocabulary but no weights" in done.stderr


def test_what_is_no_model_is_refused(run_ockit: Run, tmp_path: Path) -> None:
    web = tmp_path / "page.gguf"
    web.write_bytes(b"<!doctype html>")
    pipe = tmp_path / "pipe.gguf"
    os.mkfifo(pipe)
    for path, code, what in (
        (web, 1, "named .gguf but is a web page"),
        (pipe, 1, "a named pipe"),
        (tmp_path, 1, "a directory"),
        (tmp_path / "gone.gguf", 3, "no such file"),
        ("smolm2", 3, "there is no model 'smolm2'"),
    ):
        done = run_ockit("inspect", str(path))
        assert (done.code, done.stdout) == (code, "")
        assert what in done.stderr
        assert "Traceback" not in done.stderr
