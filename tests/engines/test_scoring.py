"""Log-likelihoods of whole labels, against llama.cpp's own, one token a batch."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ockit.errors import ContextOverflow, InterruptedByUser, ModelFileError, WorkerError
from ockit.prompts.segments import Bos, Text
from tiny_mamba import write_mamba
from tiny_models import write_model

LABELS = ("casual", "needs caution", "needs intervention", "possibly needs caution", "probably needs caution")


def reference(
    raw: Callable[..., list[list[float]]], prompt: list[int], continuations: list[list[int]], **options: Any
) -> list[float]:
    steps: list[dict[str, Any]] = []
    for ids in continuations:
        steps += [{"keep": 0}, {"read": prompt}, {"score": ids}]
    return [found[0] for found in raw(*steps, **options)]


@pytest.fixture(scope="module")
def asked(embedded: Any) -> tuple[list[int], list[list[int]]]:
    prompt = "Input: I want to call in sick\nOutput: casual\n\nInput: Where is the station?\nOutput:"
    labels = [embedded.engine.encode([Text(f" {label}")]) for label in LABELS]
    return embedded.engine.encode([Bos(), Text(prompt)]), labels


def test_scores_are_those_of_reading_token_by_token(embedded: Any, asked: Any, raw_greedy: Any) -> None:
    prompt, labels = asked
    assert {len(ids) for ids in labels} >= {1, 2, 3}
    assert embedded.engine.score(prompt, labels) == pytest.approx(
        reference(raw_greedy, prompt, labels), abs=0.3
    )


def test_a_cached_prompt_scores_the_same(embedded: Any, asked: Any) -> None:
    prompt, labels = asked
    first = embedded.engine.score(prompt, labels)
    assert embedded.engine.score(prompt, labels) == pytest.approx(first, abs=0.3)
    assert embedded.engine.reused == len(prompt) - 1
    other = embedded.engine.score(prompt[:9], labels)  # a shorter prompt cuts the cache
    assert other != pytest.approx(first, abs=0.3)
    assert embedded.engine.reused == 8
    assert embedded.engine.score(prompt, labels) == pytest.approx(first, abs=0.3)


def test_what_a_chat_has_cached_stays(embedded: Any, asked: Any) -> None:
    ids = embedded.ids("What is a river?")
    before = embedded.generate(ids, max_tokens=6)
    embedded.engine.score(*asked)
    again = embedded.generate(ids, max_tokens=6)
    assert again.ids == before.ids
    assert again.end.usage.cached_tokens == len(ids) - 1


@pytest.fixture(scope="module")
def exact(start_engine: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A tiny model whose weights are not quantized: how many rows a batch has changes next to nothing."""
    return start_engine(write_model(tmp_path_factory.mktemp("tiny") / "tiny.gguf"), n_ctx=512)


@pytest.fixture(scope="module")
def recurrent(start_engine: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    return start_engine(write_mamba(tmp_path_factory.mktemp("mamba") / "mamba.gguf"), n_ctx=512)


CONTINUATIONS = [
    [70, 71],
    [],
    [70, 72, 73, 74],
    [80],
    *([40 + row, 41, 42 + row] for row in range(20)),
    [9] * 40,
]


@pytest.mark.parametrize("kind", ["exact", "recurrent"])
def test_many_labels_in_several_batches(kind: str, request: pytest.FixtureRequest, raw_greedy: Any) -> None:
    engine = request.getfixturevalue(kind).engine
    path = engine.load() and engine._options.path
    for prompt in ([1, 60, 61, 62], [1, 60, 61, 63, 64], [1, 60]):
        expected = reference(raw_greedy, prompt, CONTINUATIONS, model=path)
        assert engine.score(prompt, CONTINUATIONS) == pytest.approx(expected, abs=2e-2)


def test_a_long_prompt_is_read_in_batches(start_engine: Callable[..., Any], tmp_path: Path) -> None:
    long = start_engine(write_model(tmp_path / "long.gguf", n_ctx=2048), n_ctx=2048).engine
    prompt = [1, *[60 + place % 50 for place in range(1500)]]
    whole = long.score(prompt, [[70, 71]])
    assert long.score([1], [prompt[1:40]]) != [0.0]
    assert long.score(prompt, [[70, 71]]) == pytest.approx(whole, abs=1e-3)


def test_what_does_not_fit_or_is_no_token_is_an_error(exact: Any) -> None:
    engine = exact.engine
    for prompt in ([], [1] * 512, [1] * 10_000):
        with pytest.raises(ContextOverflow):
            engine.score(prompt, [[70, 71]])
    with pytest.raises(ContextOverflow, match="64 at most"):
        engine.score([1], [[70] * 65])
    for wrong in (-1, 10**6):
        with pytest.raises(WorkerError, match="none of the model's"):
            engine.score([1, 60], [[70, wrong]])
    assert engine.score([1, 60], []) == []
    assert len(engine.score([1] * 500, [[70] * 12])) == 1  # the context's last token


def test_no_numbers_are_an_error(start_engine: Callable[..., Any], tmp_path: Path) -> None:
    path = write_model(tmp_path / "nan.gguf")
    data = bytearray(path.read_bytes())
    data[-40_000:] = b"\xff\xff\xff\x7f" * 10_000  # not a number, float32
    path.write_bytes(data)
    engine = start_engine(path, n_ctx=256).engine
    with pytest.raises((WorkerError, ModelFileError), match="no numbers"):
        engine.score([1, 60, 61], [[70, 71]])


def test_after_its_worker_died_the_next_call_starts_another(exact: Any) -> None:
    before = exact.engine.score([1, 60, 61], [[70, 71]])
    exact.engine.kill()
    while exact.engine.worker.alive:
        time.sleep(0.01)
    assert exact.engine.score([1, 60, 61], [[70, 71]]) == pytest.approx(before, abs=1e-6)


def test_it_can_be_stopped(exact: Any) -> None:
    """A cancel that comes with the call either stops it or comes too late; after it all is as before."""
    expected = exact.engine.score([1, 60, 61], CONTINUATIONS)
    for delay in (0.0, 0.001, 0.005):
        timer = threading.Timer(delay, exact.engine.cancel)
        timer.start()
        found = expected
        with suppress(InterruptedByUser):
            found = exact.engine.score([1, 60, 61], CONTINUATIONS)
        assert found == pytest.approx(expected, abs=1e-2)
        timer.join()
    assert exact.engine.score([1, 60, 61], CONTINUATIONS) == pytest.approx(expected, abs=1e-2)
