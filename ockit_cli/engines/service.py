"""The GGUF engine as a worker's service: frames in, frames out (see `ockit.workers.child`)."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ockit.engines.gguf_engine import GgufEngine
from ockit.engines.llama import binding
from ockit.engines.options import LoadOptions
from ockit.engines.system import describe
from ockit.errors import WorkerError
from ockit.events import to_json
from ockit.messages import Sampling
from ockit.prompts.segments import from_json


class EngineService:
    """Hosts one engine at a time; loading another frees the first."""

    def __init__(self) -> None:
        binding()  # read the libraries while the parent is still busy with its own start
        self._engine: GgufEngine | None = None

    def handle(self, method: str, params: dict[str, Any]) -> Generator[dict[str, Any], None, Any]:
        """Run one call."""
        if method == "load":
            if self._engine is not None:
                self._engine.close()
            options = {**params["options"], "tensor_split": tuple(params["options"]["tensor_split"])}
            self._engine = GgufEngine(LoadOptions(**options), Path(params["thread_cache"]))
            return asdict(self._engine.load())
        if method == "system":
            return describe()
        if self._engine is None:
            raise WorkerError(f"{method!r} was called before a model was loaded")
        if method == "generate":
            for event in self._engine.generate(params["ids"], _sampling(params["sampling"])):
                yield to_json(event)
            return None
        return _answer(self._engine, method, params)

    def arm(self) -> None:
        """The next cancel means the call that has come in."""
        if self._engine is not None:
            self._engine.arm()

    def cancel(self) -> None:
        """Stop the running generation."""
        if self._engine is not None:
            self._engine.cancel()


def _answer(engine: GgufEngine, method: str, params: dict[str, Any]) -> Any:
    """The result of a call that has no events."""
    if method == "encode":
        return engine.encode(from_json(params["segments"]))
    if method == "score":
        return engine.score(params["prefix"], params["continuations"])
    if method == "ends":
        vocabulary = engine.vocabulary
        return [token for token in range(vocabulary.n_tokens) if vocabulary.ends_turn(token)]
    if method == "grammar":
        return engine.grammar_of(params["schema"])
    raise WorkerError(f"the engine has no call {method!r}")


def _sampling(fields: dict[str, Any]) -> Sampling:
    return Sampling(
        **{
            **fields,
            "stop": tuple(fields["stop"]),
            "logit_bias": tuple((int(token), float(bias)) for token, bias in fields["logit_bias"]),
        }
    )
