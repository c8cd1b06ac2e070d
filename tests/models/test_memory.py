"""The memory estimate against the resident memory of a process that has loaded the model."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from gguf import GGUFValueType

from ockit.errors import DoesNotFit, ExitCode
from ockit.formats.gguf_header import GGUFHeader, read_header
from ockit.models.memory import check_fits, estimate, largest_context
from ockit.models.parts import read_model
from tiny_models import write_model

MIB = 1 << 20
CHILD = Path(__file__).resolve().parent.parent / "memory_child.py"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="resident memory is read from /proc")
@pytest.mark.parametrize("n_ctx", [2048, 8192])
def test_the_estimate_is_what_the_embedded_model_takes(embedded_model: Path, n_ctx: int) -> None:
    done = subprocess.run(
        [sys.executable, "-P", str(CHILD), str(embedded_model), str(n_ctx)],
        capture_output=True,
        text=True,
        check=True,
    )
    taken = json.loads(done.stdout)
    assert 0.95 * taken <= estimate(read_header(embedded_model), n_ctx).total <= 1.35 * taken


@pytest.fixture
def header(tmp_path: Path) -> GGUFHeader:
    """A tiny model that was trained for 4096 tokens: 2 layers, 4 heads, 2 for keys and values, of 16."""
    return read_header(write_model(tmp_path / "m.gguf", n_ctx=4096, weights="F16"))


def test_the_cache_follows_the_formula(header: GGUFHeader) -> None:
    assert estimate(header, 1024).kv_cache == 2 * 1024 * 2 * (16 + 16) * 2
    assert estimate(header, 1000).kv_cache == estimate(header, 1024).kv_cache
    assert estimate(header, 0) == estimate(header, 4096)
    assert estimate(header, 1024, kv_type="q8_0").kv_cache == 2 * 1024 * 2 * 32 * 34 // 32
    assert estimate(header, 1024).weights == sum(tensor.n_bytes for tensor in header.tensors)


def test_heads_may_differ_from_layer_to_layer(tmp_path: Path) -> None:
    def with_heads(*heads: int) -> int:
        extra = {"llama.attention.head_count_kv": (list(heads), GGUFValueType.ARRAY)}
        return estimate(read_header(write_model(tmp_path / "m.gguf", extra=extra)), 512).kv_cache

    assert with_heads(4, 4) == 2 * with_heads(4, 0) == 4 * with_heads(1, 1)


def test_what_lies_on_a_graphics_card_takes_no_main_memory(header: GGUFHeader) -> None:
    none, output, half, everything = (estimate(header, 1024, gpu_layers=layers) for layers in (0, 1, 2, 3))
    assert none.kv_cache == output.kv_cache == 2 * half.kv_cache
    assert everything.kv_cache == 0
    assert none.weights > output.weights > half.weights > everything.weights > 0
    assert estimate(header, 1024, gpu_layers=-1) == everything
    assert estimate(header, 1024, gpu_layers=999) == everything


def test_flash_attention_and_smaller_batches_save_work(header: GGUFHeader) -> None:
    assert estimate(header, 4096).compute < estimate(header, 4096, flash_attention=False).compute
    assert estimate(header, 4096, n_ubatch=64).compute < estimate(header, 4096).compute
    assert estimate(header, 64).compute < estimate(header, 512).compute


def test_a_split_model_counts_once(tmp_path: Path) -> None:
    for number in range(2):
        extra = {
            "split.count": (2, GGUFValueType.UINT16),
            "split.no": (number, GGUFValueType.UINT16),
            "split.tensors.count": (42, GGUFValueType.INT32),
        }
        write_model(tmp_path / f"m-{number + 1:05d}-of-00002.gguf", extra=extra)
    first = tmp_path / "m-00001-of-00002.gguf"
    alone = sum(tensor.n_bytes for tensor in read_header(first).tensors)
    assert len(read_model(first).tensors) == 42
    assert estimate(read_header(first), 512).weights == estimate(read_model(first), 512).weights == 2 * alone


def test_what_does_not_fit_is_refused_with_the_context_that_would(embedded_model: Path) -> None:
    header = read_header(embedded_model)
    check_fits(header, 8192, memory=lambda: 400 * MIB)
    with pytest.raises(DoesNotFit) as caught:
        check_fits(header, 8192, memory=lambda: 250 * MIB)
    error = caught.value
    assert error.exit_code is ExitCode.FAILURE
    assert re.search(r"needs 0\.\d\d GiB .* 8192 tokens .* 0\.24 GiB are available", error.what)
    assert error.hint is not None
    found = re.search(r"--ctx-size (\d+)", error.hint)
    assert found is not None
    check_fits(header, int(found[1]), memory=lambda: 250 * MIB)
    with pytest.raises(DoesNotFit):
        check_fits(header, int(found[1]) + 256, memory=lambda: 250 * MIB)
    assert "ockit config set memory_check off" in error.hint


def test_where_no_context_fits_a_smaller_quantization_is_the_hint(embedded_model: Path) -> None:
    with pytest.raises(DoesNotFit) as caught:
        check_fits(read_header(embedded_model), 2048, memory=lambda: 50 * MIB)
    assert caught.value.hint is not None
    assert "smaller quantization of the model (this file is Q4_1)" in caught.value.hint
    assert "--ctx-size" not in caught.value.hint
    assert "memory_check off" in caught.value.hint
    assert largest_context(read_header(embedded_model), 8192, 50 * MIB) == 0


def test_the_embedded_model_fits_where_its_tests_run(embedded_model: Path) -> None:
    check_fits(read_header(embedded_model), 512)
