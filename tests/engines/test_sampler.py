"""What the sampling parameters do to a real model's answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ockit.errors import OckitError, UsageError
from ockit.messages import Sampling
from tiny_models import Vocabulary, pair_vocabulary, write_model

FREE = Sampling(temperature=1.0, top_k=0, top_p=1.0, min_p=0.0)
QUESTION = "Write a line about the sea."


@pytest.fixture(scope="module")
def ids(embedded: Any) -> list[int]:
    found: list[int] = embedded.ids(QUESTION)
    return found


@pytest.fixture(scope="module")
def greedy(embedded: Any, ids: list[int]) -> Any:
    return embedded.generate(ids, max_tokens=24)


def test_a_seed_makes_an_answer_repeatable(embedded: Any, ids: list[int]) -> None:
    first, second = (embedded.generate(ids, FREE, seed=7, max_tokens=24).ids for _ in range(2))
    assert first == second
    others = {tuple(embedded.generate(ids, FREE, seed=seed, max_tokens=8).ids) for seed in range(8, 12)}
    assert len(others) == 4


def test_without_a_seed_answers_differ(embedded: Any, ids: list[int]) -> None:
    assert len({tuple(embedded.generate(ids, FREE, max_tokens=12).ids) for _ in range(4)}) > 1


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(temperature=0.0, seed=3),
        Sampling(temperature=5.0, top_k=1, seed=1),
        Sampling(temperature=5.0, top_k=0, top_p=0.0, min_p=0.0, seed=2),
        Sampling(temperature=5.0, top_k=0, top_p=1.0, min_p=1.0, seed=3),
        Sampling(temperature=0.001, top_k=0, top_p=1.0, min_p=0.0, seed=4),
    ],
    ids=["temperature 0", "top-k 1", "top-p 0", "min-p 1", "temperature near 0"],
)
def test_what_leaves_one_token_is_greedy(
    sampling: Sampling, embedded: Any, ids: list[int], greedy: Any
) -> None:
    assert embedded.generate(ids, sampling, max_tokens=24).ids == greedy.ids


def test_a_high_temperature_is_not_greedy(embedded: Any, ids: list[int], greedy: Any) -> None:
    assert embedded.generate(ids, FREE, temperature=1.5, seed=1, max_tokens=24).ids != greedy.ids


def test_a_bias_bans_a_token(embedded: Any, ids: list[int], greedy: Any) -> None:
    banned = greedy.ids[0]
    answer = embedded.generate(ids, logit_bias=((banned, -1000.0),), max_tokens=24)
    assert banned not in answer.ids


def test_a_bias_forces_a_token(embedded: Any, ids: list[int]) -> None:
    assert embedded.generate(ids, logit_bias=((2025, 1000.0),), max_tokens=4).ids == [2025] * 4
    free = embedded.generate(ids, FREE, logit_bias=((2025, 1000.0),), seed=1, max_tokens=4)
    assert free.ids == [2025] * 4


@pytest.mark.parametrize("token", [49152, 2**31 - 1])
def test_a_bias_on_a_token_that_is_not_there_changes_nothing(
    token: int, embedded: Any, ids: list[int], greedy: Any
) -> None:
    answer = embedded.generate(ids, logit_bias=((token, 1000.0),), max_tokens=24)
    assert answer.ids == greedy.ids


@pytest.mark.parametrize(
    "changes",
    [
        {"repeat_penalty": 1.8},
        {"repeat_penalty": 1.8, "repeat_last_n": -1},
        {"frequency_penalty": 2.0},
        {"presence_penalty": 2.0},
        {"dry_multiplier": 4.0, "dry_allowed_length": 1},
    ],
    ids=" ".join,
)
def test_penalties_break_a_loop(changes: dict[str, Any], embedded: Any) -> None:
    ids = embedded.ids("Repeat the word la: la la la la la la la la la la la la la la la la la la la la")
    loop = embedded.generate(ids, max_tokens=40)
    broken = embedded.generate(ids, max_tokens=40, **changes)
    assert len(set(loop.ids)) / len(loop.ids) < len(set(broken.ids)) / len(broken.ids)


def test_a_stop_string_ends_the_answer_before_it(embedded: Any, ids: list[int], greedy: Any) -> None:
    word = greedy.text.split()[3]
    answer = embedded.generate(ids, stop=(word,), max_tokens=24)
    assert answer.text == greedy.text[: greedy.text.index(word)]
    assert answer.end.finish_reason == "stop"
    assert not answer.end.verbatim


def test_several_stop_strings_the_first_one_counts(embedded: Any, ids: list[int], greedy: Any) -> None:
    words = greedy.text.split()
    answer = embedded.generate(ids, stop=(words[5], words[2]), max_tokens=24)
    assert answer.text == greedy.text[: greedy.text.index(words[2])]


# grammars


@pytest.mark.parametrize("sampling", [Sampling(temperature=0.0), FREE], ids=["greedy", "free"])
def test_a_grammar_constrains(sampling: Sampling, embedded: Any, ids: list[int]) -> None:
    for seed in range(3):
        answer = embedded.generate(ids, sampling, grammar='root ::= "yes" | "no"', seed=seed, max_tokens=20)
        assert answer.text in ("yes", "no")
        assert answer.end.finish_reason == "stop"


def test_a_grammar_may_ask_for_what_the_model_would_never_say(embedded: Any, ids: list[int]) -> None:
    answer = embedded.generate(ids, grammar='root ::= "zq" [0-9]{40} "!"', max_tokens=200)
    assert answer.text[:2] == "zq"
    assert answer.text[2:-1].isdecimal()
    assert len(answer.text) == 43


def test_a_grammar_with_a_bias_and_penalties(embedded: Any, ids: list[int]) -> None:
    """Parameters that push against the grammar cannot push the answer out of it."""
    answer = embedded.generate(
        ids,
        FREE,
        grammar='root ::= [a-c]{30} "."',
        logit_bias=((2025, 1000.0),),
        repeat_penalty=2.0,
        dry_multiplier=3.0,
        seed=5,
        max_tokens=100,
    )
    assert len(answer.text) == 31
    assert set(answer.text[:-1]) <= set("abc")


@pytest.mark.parametrize(
    "grammar",
    [
        'root ::= "unclosed',
        "answer ::= [a-z]",
        "root = yes",
        "root ::= missing",
        "",
        " ",
        "root ::= (",
        'root ::= "a"\x00',
    ],
)
def test_a_grammar_that_does_not_parse(grammar: str, embedded: Any, ids: list[int], greedy: Any) -> None:
    with pytest.raises(UsageError, match="grammar"):
        embedded.generate(ids, grammar=grammar, max_tokens=4)
    assert embedded.generate(ids, max_tokens=24).ids == greedy.ids


def test_a_left_recursive_grammar(embedded: Any, ids: list[int]) -> None:
    with pytest.raises(UsageError, match="grammar"):
        embedded.generate(ids, grammar='root ::= root "a" | "a"', max_tokens=4)


def test_a_grammar_that_no_token_fits(embedded: Any, ids: list[int], greedy: Any) -> None:
    """One error, and the worker lives: llama.cpp would abort if it were told to accept a token outside."""
    pid = embedded.engine.worker.pid
    bans = tuple((token, float("-inf")) for token in range(49152))
    with pytest.raises(OckitError, match="no token"):
        embedded.generate(ids, grammar='root ::= "yes"', logit_bias=bans, max_tokens=4)
    assert embedded.engine.worker.pid == pid
    assert embedded.generate(ids, max_tokens=24).ids == greedy.ids


def test_a_vocabulary_without_the_letter(start_engine: Callable[..., Any], tmp_path: Path) -> None:
    words = pair_vocabulary()
    keep = [i for i, token in enumerate(words.tokens) if b"z" not in token]
    entries = dict(words.entries)
    for name in ("bos", "eos"):
        value, *kind = entries[f"tokenizer.ggml.{name}_token_id"]
        entries[f"tokenizer.ggml.{name}_token_id"] = (value - 1, *kind)  # type: ignore[misc]
    fewer = Vocabulary([words.tokens[i] for i in keep], [words.types[i] for i in keep], entries)
    tiny = start_engine(write_model(tmp_path / "tiny.gguf", vocabulary=fewer), n_ctx=256)
    with pytest.raises(OckitError, match="no token"):
        tiny.generate([1, 2, 3], grammar='root ::= "az"', max_tokens=4)
    assert tiny.engine.worker.alive
    assert tiny.generate([1, 2, 3], grammar='root ::= "ay"', max_tokens=4).text == "ay"


def test_everything_banned_is_no_crash(embedded: Any, ids: list[int]) -> None:
    embedded.generate(ids, max_tokens=1)
    bans = tuple((token, float("-inf")) for token in range(49152))
    pid = embedded.engine.worker.pid
    for sampling in (Sampling(temperature=0.0), FREE):
        embedded.generate(ids, sampling, logit_bias=bans, max_tokens=2)
    assert embedded.engine.worker.pid == pid


@pytest.mark.parametrize(
    "changes",
    [
        {"temperature": float("nan")},
        {"temperature": -1.0},
        {"top_p": 2.0},
        {"top_k": -1},
        {"min_p": float("inf")},
        {"max_tokens": 0},
        {"seed": 2**32},
        {"stop": ("",)},
        {"logit_bias": ((-1, 1.0),)},
        {"logit_bias": ((2**31, 1.0),)},
        {"logit_bias": ((1, float("nan")),)},
        {"logit_bias": ((1, float("inf")),)},
    ],
    ids=str,
)
def test_parameters_out_of_range(changes: dict[str, Any], embedded: Any, ids: list[int]) -> None:
    with pytest.raises(UsageError):
        embedded.generate(ids, **changes)
