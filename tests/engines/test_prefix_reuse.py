"""What of an earlier prompt is not read again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ockit.errors import ContextOverflow
from ockit.events import End, Token
from ockit.messages import Sampling
from tiny_mamba import write_mamba
from tiny_models import write_model


def shared(first: list[int], second: list[int]) -> int:
    places = range(min(len(first), len(second)))
    return next((i for i in places if first[i] != second[i]), len(places))


def test_another_prompt_reuses_the_shared_beginning_alone(embedded: Any) -> None:
    first = embedded.ids("What is a star?", system="You are terse.")
    embedded.generate(first, max_tokens=4)
    second = embedded.ids("What is a star?", system="You are verbose.")
    common = shared(first, second)
    assert 0 < common < len(second) - 1
    assert embedded.generate(second, max_tokens=4).end.usage.cached_tokens == common


def test_a_shorter_prompt_cuts_the_cache(embedded: Any) -> None:
    long = embedded.ids("one two three four five six seven eight")
    embedded.generate(long, max_tokens=12)
    short = long[:-8]
    answer = embedded.generate(short, max_tokens=12)
    assert answer.end.usage.cached_tokens == len(short) - 1
    embedded.generate([0], max_tokens=1)
    assert embedded.generate(short, max_tokens=12).ids[:4] == answer.ids[:4]


def test_an_answer_that_was_cut_by_a_stop_string_is_still_in_the_cache(embedded: Any) -> None:
    ids = embedded.ids("Say something long.")
    answer = embedded.generate(ids, max_tokens=30)
    word = answer.text.split()[4]
    cut = embedded.generate(ids, stop=(word,), max_tokens=30)
    again = embedded.generate([*ids, *cut.ids], max_tokens=2)
    assert again.end.usage.cached_tokens == len(ids) + len(cut.ids) - 1


def test_after_an_interrupted_answer_its_tokens_are_reused(embedded: Any) -> None:
    ids = embedded.ids("Tell me a very long story.")
    said: list[int] = []
    for event in embedded.engine.generate(ids, Sampling(temperature=0.0, max_tokens=400)):
        if isinstance(event, Token):
            said += event.ids
            if len(said) == 20:
                embedded.engine.cancel()
        elif isinstance(event, End):
            assert event.finish_reason == "interrupted"
    assert 20 <= len(said) < 400
    again = embedded.generate([*ids, *said, *embedded.ids("x")], max_tokens=2)
    assert len(ids) + len(said) - 2 <= again.end.usage.cached_tokens <= len(ids) + len(said)


def test_the_context_can_be_filled_to_its_last_token(
    start_engine: Callable[..., Any], tmp_path: Path
) -> None:
    tiny = start_engine(write_model(tmp_path / "tiny.gguf"), n_ctx=256)
    n_ctx = tiny.engine.load().n_ctx
    prompt = [1, *[65] * (n_ctx - 11)]
    answer = tiny.generate(prompt, logit_bias=((2, -1000.0),), max_tokens=None)
    assert answer.end.finish_reason == "length"
    assert answer.end.usage.completion_tokens == 10
    full = [1, *[66] * (n_ctx - 2)]
    assert tiny.generate(full, logit_bias=((2, -1000.0),)).end.usage.completion_tokens == 1
    for too_long in ([1] * n_ctx, [1] * (4 * n_ctx), []):
        with pytest.raises(ContextOverflow):
            tiny.generate(too_long)


def test_a_recurrent_model_starts_over(start_engine: Callable[..., Any], tmp_path: Path) -> None:
    """Mamba cannot forget a part of what it read; the same prompt must still give the same answer."""
    mamba = start_engine(write_mamba(tmp_path / "mamba.gguf"), n_ctx=512)
    bans = ((2, -1000.0),)
    first = mamba.generate([1, 70, 71, 72], logit_bias=bans, max_tokens=12)
    other = mamba.generate([1, 70, 80, 81, 82], logit_bias=bans, max_tokens=12)
    again = mamba.generate([1, 70, 71, 72], logit_bias=bans, max_tokens=12)
    assert again.ids == first.ids
    assert again.end.usage.cached_tokens == 0
    assert len(other.ids) == 12
    on = mamba.generate([1, 70, 71, 72, *again.ids[:-1], 90], logit_bias=bans, max_tokens=4)
    assert on.end.usage.cached_tokens == 4 + 11
