"""One hosted engine with the embedded model for the tests of a module, and what they ask it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ockit.engines.hosted import HostedEngine
from ockit.engines.options import LoadOptions
from ockit.events import End, Prefill, Token
from ockit.messages import Conversation, Message, Sampling
from ockit.prompts.templates import named

N_CTX = 2048
GREEDY = Sampling(temperature=0.0)
RAW = Path(__file__).resolve().parent.parent / "raw_greedy_child.py"


class Answer(NamedTuple):
    """All of one `generate`."""

    text: str
    ids: list[int]
    end: End
    prefills: list[Prefill]


class Asking:
    """An engine, and short ways to ask it."""

    def __init__(self, engine: HostedEngine) -> None:
        self.engine = engine

    def ids(self, *turns: str, system: str | None = None) -> list[int]:
        """The prompt of a chat: a question, its answer, a question ..."""
        roles = ("user", "assistant")
        messages = tuple(Message(roles[i % 2], text) for i, text in enumerate(turns))
        conversation = Conversation(messages).with_system(system)
        return self.engine.encode(named("chatml").render(conversation).segments)

    def generate(self, ids: list[int], sampling: Sampling = GREEDY, **changes: Any) -> Answer:
        """The whole answer."""
        events = list(self.engine.generate(ids, sampling.changed(**changes)))
        tokens = [event for event in events if isinstance(event, Token)]
        end = events[-1]
        assert isinstance(end, End)
        assert not any(isinstance(event, End) for event in events[:-1])
        return Answer(
            "".join(token.text for token in tokens),
            [i for token in tokens for i in token.ids],
            end,
            [event for event in events if isinstance(event, Prefill)],
        )


@pytest.fixture(scope="module")
def start_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Asking]]:
    """``start_engine(path, n_ctx=..., **options)`` hosts a model; ended with the module."""
    engines: list[HostedEngine] = []
    cache = tmp_path_factory.mktemp("cache") / "threads.json"

    def start(path: Path, *, n_ctx: int = N_CTX, **options: Any) -> Asking:
        engine = HostedEngine(os.environ, cache)
        engine.choose(LoadOptions(str(path), n_ctx=n_ctx, **({"threads": 1, "gpu_layers": 0} | options)))
        engines.append(engine)
        return Asking(engine)

    yield start
    for engine in engines:
        engine.close()


@pytest.fixture(scope="module")
def embedded(start_engine: Callable[..., Asking], embedded_model: Path) -> Asking:
    """The embedded model, one thread, a context of 2048 tokens; its cache holds what earlier tests left."""
    return start_engine(embedded_model)


@pytest.fixture
def raw_greedy(embedded_model: Path) -> Callable[..., list[list[int]]]:
    """``raw_greedy({"read": ids}, {"greedy": 64})``: what llama.cpp says by itself."""

    def run(*steps: dict[str, Any], model: Path = embedded_model) -> list[list[int]]:
        asked = {"model": str(model), "n_ctx": N_CTX, "threads": 1, "steps": steps}
        done = subprocess.run(
            [sys.executable, "-P", str(RAW)],
            input=json.dumps(asked).encode(),
            capture_output=True,
            check=True,
            timeout=240,
        )
        answers: list[list[int]] = json.loads(done.stdout)
        return answers

    return run
