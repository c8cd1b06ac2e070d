"""Damaged files: the header check never fails but in words, and what passes it never kills llama.cpp."""

from __future__ import annotations

import time
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest

from gguf_mutants import mutants, spans
from loading_child import loader
from ockit.errors import ModelFileError
from ockit.formats.gguf_header import read_header
from ockit.formats.loadable import check_loadable

MUTANTS = 300
MODELS = ("tiny", "tiny_pairs", "tiny_neox")


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> Path:
    path = request.getfixturevalue(request.param)
    assert isinstance(path, Path)
    return path


def test_mutants_are_the_same_for_the_same_seed(tiny: Path) -> None:
    first = list(mutants(tiny, 100, seed=5))
    assert first == list(mutants(tiny.read_bytes(), 100, seed=5))
    assert first != list(mutants(tiny, 100, seed=6))
    assert len({mutant.data for mutant in first}) > 90


def test_the_located_fields_cover_the_header(model: Path) -> None:
    header, fields = read_header(model), spans(model.read_bytes())
    covered = {place for field in fields for place in range(field.start, field.end)}
    assert covered == set(range(8, max(field.end for field in fields)))
    assert sum(field.kind == "tensor" for field in fields) == len(header.tensors)
    assert sum(field.kind == "entry" for field in fields) == len(header.metadata)


def test_no_mutant_gets_more_than_a_refusal_out_of_the_check(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "mutant.gguf"
    refusals: list[tuple[str, ModelFileError]] = []
    tracemalloc.start()
    for name, data in mutants(model, MUTANTS, seed=1):
        path.write_bytes(data)
        tracemalloc.reset_peak()
        before, start = tracemalloc.get_traced_memory()[0], time.process_time()
        try:
            check_loadable(read_header(path))
        except ModelFileError as error:
            refusals.append((name, error))
        assert time.process_time() - start < 1, name
        assert tracemalloc.get_traced_memory()[1] - before < 32 << 20, name
    tracemalloc.stop()
    assert MUTANTS // 3 < len(refusals) < MUTANTS
    for name, refusal in refusals:
        assert refusal.where == str(path), name
        assert refusal.hint, name
        assert len(refusal.what) < 400, name


def survivors_of(model: Path, folder: Path, n: int, seed: int) -> Counter[str]:
    """What became of ``n`` mutants in llama.cpp, those apart that the check refuses."""
    outcomes: Counter[str] = Counter()
    path = folder / "mutant.gguf"
    with loader() as child:
        for name, data in mutants(model, n, seed=seed):
            path.write_bytes(data)
            try:
                check_loadable(read_header(path))
            except ModelFileError:
                outcomes["named"] += 1
                continue
            outcome, said = child.outcome(path)
            assert outcome in ("runs", "refused"), f"{name}: {outcome}: {said}"
            outcomes[outcome] += 1
    return outcomes


def test_what_passes_the_check_does_not_kill_llama_cpp(model: Path, tmp_path: Path) -> None:
    assert survivors_of(model, tmp_path, MUTANTS // 10 + 27, seed=2)["runs"]


@pytest.mark.sweep
@pytest.mark.parametrize("seed", range(4))
def test_the_whole_sweep(model: Path, tmp_path: Path, seed: int) -> None:
    outcomes = survivors_of(model, tmp_path, MUTANTS, seed=100 + seed)
    assert outcomes["runs"] > MUTANTS // 10
