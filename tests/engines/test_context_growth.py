"""The context begins small and grows: in the middle of an answer and between turns, without a change to any token."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ockit.engines.generation import FIRST_ANSWER
from ockit.messages import Sampling

LENGTH = FIRST_ANSWER + 40


def test_growing_changes_nothing(start_engine: Callable[..., Any], embedded_model: Path) -> None:
    small, whole = start_engine(embedded_model), start_engine(embedded_model)
    never_ends = tuple((token, -1e9) for token in small.engine.ends())
    greedy = Sampling(temperature=0.0, logit_bias=never_ends, max_tokens=LENGTH)
    prompt = small.ids("Tell me a story about a dragon.")

    # it has the full size from here on; nothing is shared with the prompt, whose batches stay the same
    whole.generate(list(range(1000, 2600)), max_tokens=1)
    expected = whole.generate(prompt, greedy)
    grown = small.generate(prompt, greedy)  # grows when its first size is used up
    assert len(grown.ids) == LENGTH
    assert grown.ids == expected.ids

    follow_up = [*prompt, *grown.ids, *small.ids("And then?")]
    after = small.generate(follow_up, greedy, max_tokens=20)
    assert after.end.usage.cached_tokens >= len(prompt) + LENGTH - 1  # what was in the cache has moved along
    assert after.ids == whole.generate(follow_up, greedy, max_tokens=20).ids
