"""Greedy output is llama.cpp's own greedy continuation, token for token, for the same batches of ids.

The claim holds for equal batch shapes and thread counts only: quantized kernels round differently otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ockit.events import Prefill
from ockit.prompts.segments import Control

BATCH = 512
N = 64

PROMPTS = {
    "one word": "Hi",
    "a question": "What is the capital of France?",
    "code": 'def fib(n):\n    """Fibonacci."""\n    if n < 2:\n        return n\n',
    "other scripts": "Привет! 你好 🌍 مرحبا ¿qué tal?",
    "white space": "\n\n   one\t\ttwo    \n\n\n",
    "two batches": "The quick brown fox jumps over the lazy dog. " * 54,
}


def batches(ids: list[int]) -> list[dict[str, Any]]:
    return [{"read": ids[begin : begin + BATCH]} for begin in range(0, len(ids), BATCH)]


def upto_end(chosen: list[int], end: int) -> list[int]:
    return chosen[: chosen.index(end)] if end in chosen else chosen


@pytest.fixture(scope="module")
def end_token(embedded: Any) -> int:
    (token,) = embedded.engine.encode([Control("<|im_end|>")])
    return int(token)


def test_fresh_prompts(embedded: Any, raw_greedy: Callable[..., Any], end_token: int) -> None:
    prompts = {name: embedded.ids(text) for name, text in PROMPTS.items()}
    steps: list[dict[str, Any]] = []
    for ids in prompts.values():
        steps += [{"keep": 0}, *batches(ids), {"greedy": N}]
    for (name, ids), raw in zip(prompts.items(), raw_greedy(*steps), strict=True):
        embedded.generate([0], max_tokens=1)  # another beginning: nothing of an earlier answer is reused
        answer = embedded.generate(ids, max_tokens=N)
        assert answer.end.usage.cached_tokens == 0, name
        expected = upto_end(raw, end_token)
        half = len(expected) - len(answer.ids)  # an answer that is cut within a character ends before it
        assert answer.ids == expected[: len(expected) - half], name
        assert half == 0 or (name == "other scripts" and half < 4 and not answer.text.endswith("\ufffd"))
        assert answer.end.usage.completion_tokens == len(expected), name
        assert len(expected) == N or answer.end.finish_reason == "stop", name


def test_with_prefix_reuse(embedded: Any, raw_greedy: Callable[..., Any], end_token: int) -> None:
    """Three turns on one cache, the third after a prompt that shares only its beginning."""
    embedded.generate([0], max_tokens=1)
    first = embedded.ids("Tell me about the sea.", system="You are a sailor.")
    one = embedded.generate(first, max_tokens=N)
    assert len(one.ids) == N
    second = [*first, *one.ids, end_token, *embedded.ids("And the wind?", system="x")[-12:]]
    two = embedded.generate(second, max_tokens=N)
    assert two.end.usage.cached_tokens == len(first) + N - 1  # the last chosen token was never read
    shared = len(first) // 2
    third = [*first[:shared], *embedded.ids("Something else entirely.")]
    three = embedded.generate(third, max_tokens=N)
    assert third[shared] != first[shared]
    assert three.end.usage.cached_tokens == shared

    raw = raw_greedy(
        {"read": first},
        {"greedy": N - 1},
        {"greedy": 1},
        {"keep": len(first) + N - 1},
        {"read": second[len(first) + N - 1 :]},
        {"greedy": N},
        {"keep": shared},
        {"read": third[shared:]},
        {"greedy": N},
    )
    assert one.ids == raw[0] + raw[1]
    assert two.ids == upto_end(raw[2], end_token)
    assert three.ids == upto_end(raw[3], end_token)


def test_the_same_prompt_again_reads_one_token(embedded: Any, raw_greedy: Callable[..., Any]) -> None:
    ids = embedded.ids("Count to ten.")
    embedded.generate(ids, max_tokens=8)
    again = embedded.generate(ids, max_tokens=N)
    assert again.end.usage.cached_tokens == len(ids) - 1
    (raw,) = raw_greedy({"read": ids}, {"keep": len(ids) - 1}, {"read": ids[-1:]}, {"greedy": N})
    assert again.ids == raw[: len(again.ids)]
    assert len(again.ids) > 8


def test_prefill_counts_up_to_the_prompt(embedded: Any) -> None:
    embedded.generate([0], max_tokens=1)
    ids = embedded.ids(PROMPTS["two batches"])
    assert len(ids) > BATCH
    answer = embedded.generate(ids, max_tokens=1)
    assert answer.prefills == [Prefill(0, len(ids)), Prefill(BATCH, len(ids)), Prefill(len(ids), len(ids))]
    assert answer.end.usage.prompt_tokens == len(ids)
    assert answer.end.usage.completion_tokens == 1
    assert answer.end.finish_reason == "length"


def test_while_the_context_grows(
    start_engine: Callable[..., Any],
    embedded_model: Path,
    raw_greedy: Callable[..., Any],
    end_token: int,
) -> None:
    """A small context at first, then the whole: what was read moves along, to the bit."""
    fresh = start_engine(embedded_model)
    first = fresh.ids("Name a colour.")
    one = fresh.generate(first, max_tokens=16)
    second = [*first, *one.ids, *fresh.ids("word " * 300)]
    two = fresh.generate(second, max_tokens=N)
    known = len(first) + len(one.ids) - (one.end.finish_reason == "length")
    assert two.end.usage.cached_tokens == known
    raw = raw_greedy(
        {"read": first}, {"greedy": 16}, {"keep": known}, *batches(second[known:]), {"greedy": N}
    )
    assert one.ids == upto_end(raw[0], end_token)
    assert two.ids == upto_end(raw[1], end_token)
