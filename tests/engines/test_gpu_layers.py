"""How many layers go to graphics cards: the arithmetic, and what a worker says of cards that are not there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ockit.engines import gpu
from ockit.engines.gpu import layers_that_fit, left_in_main
from ockit.errors import UsageError

KIB = 1 << 10


@pytest.mark.parametrize(
    ("free", "parts"),
    [(0, 0), (29, 0), (30, 1), (39, 1), (40, 2), (129, 10), (130, 11), (10_000, 11)],
)
def test_the_output_is_the_first_part_and_each_layer_one_more(
    monkeypatch: pytest.MonkeyPatch, free: int, parts: int
) -> None:
    """10 layers of 10, an output of 20, scratch memory of 10."""
    monkeypatch.setattr(gpu, "HEADROOM", 0.0)
    assert layers_that_fit(free * KIB, 10, 10 * KIB, 20 * KIB, 10 * KIB) == parts


def test_some_of_a_card_is_left_alone() -> None:
    assert layers_that_fit(130 * KIB, 10, 10 * KIB, 20 * KIB, 10 * KIB) == 9
    assert layers_that_fit(145 * KIB, 10, 10 * KIB, 20 * KIB, 10 * KIB) == 11


@pytest.mark.parametrize(("on_gpu", "left"), [(0, 125), (1, 105), (2, 95), (11, 5), (99, 5)])
def test_what_is_left_to_main_memory(on_gpu: int, left: int) -> None:
    """10 layers of 10, an output of 20, and 5 that never leave it."""
    assert left_in_main(on_gpu, 10, 10, 20, 5) == left


def test_a_card_that_is_not_there_is_named(start_engine: Callable[..., Any], embedded_model: Path) -> None:
    missing = start_engine(embedded_model, n_gpus=16)
    with pytest.raises(UsageError, match="graphics card 15 is named, but"):
        missing.engine.load()


def test_a_model_answers_where_matrices_stay_in_main_memory(
    start_engine: Callable[..., Any], embedded_model: Path
) -> None:
    plain, staying = start_engine(embedded_model), start_engine(embedded_model, op_offload=False)
    prompt = plain.ids("Name a colour.")
    assert plain.generate(prompt, max_tokens=8).ids == staying.generate(prompt, max_tokens=8).ids
