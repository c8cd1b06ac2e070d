"""What all judges on a GGUF model share: the engine, the time limit of a call, and what the judge is doing. Knows no
prompt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from ockit.engines.hosted import HostedEngine
from ockit.errors import InterruptedByUser
from ockit.moderation.judges.judge import CUTS
from ockit.moderation.judges.label_scores import LabelScores
from ockit.moderation.judges.time_limit import TimeLimit
from ockit.prompts.segments import Segment

READY_SECONDS = 600.0
"""For loading the model and, where there is one, the self-test."""


class GgufJudge:
    """The part of a `ockit.moderation.judges.judge.Judge` that has an engine.

    Args:
        engine: the model's, chosen, not loaded.
        model: its name, for a person.
        name: what the policy calls the judge.
        seconds: time limit of a check.

    Attributes:
        doing: what takes long at the moment, in a few words; empty where nothing does.
    """

    cuts: Mapping[str, float] = CUTS

    def __init__(self, engine: HostedEngine, model: str, name: str, seconds: float) -> None:
        self.name = name
        self.doing = ""
        self._engine = engine
        self._scores = LabelScores(self)
        self._model = model
        self._seconds = seconds
        self._stopped = False
        self._closed = False  # for good: a check that begins at this moment must not forget it

    def cancel(self) -> None:
        """Stop the running check soon; from any thread."""
        self._stopped = True
        self._engine.cancel()

    def close(self) -> None:
        """End the worker, and with it a running check; there is no other after it."""
        self._closed = True
        self._engine.close()

    def encode(self, segments: Sequence[Segment]) -> list[int]:
        """As the engine's, for `LabelScores`: a check is many calls of the engine, and whoever stops it may do so
        between two of them. Raises InterruptedByUser."""
        self._go_on()
        return self._engine.encode(segments)

    def score(self, prefix: Sequence[int], continuations: Sequence[Sequence[int]]) -> list[float]:
        """As `encode`."""
        self._go_on()
        return self._engine.score(prefix, continuations)

    def _go_on(self) -> None:
        if self._stopped or self._closed:
            raise InterruptedByUser(f"{self.name} was stopped")

    @contextmanager
    def _within(self, seconds: float) -> Iterator[None]:
        """What is asked in it is stopped after so many seconds, by `cancel`, or by `close`. Raises `JudgeTimeout`,
        and InterruptedByUser where it was closed."""
        self._stopped = False
        self._go_on()
        with TimeLimit(seconds, self.cancel, self._engine.kill, self.name):
            yield

    def _load(self) -> None:
        """Have the model loaded. Raises as `HostedEngine.load`, and `JudgeTimeout`."""
        if self._engine.info is None:
            self.doing = f"loading {self._model} to judge with"
            try:
                with self._within(READY_SECONDS):
                    self._engine.load()
            finally:
                self.doing = ""
