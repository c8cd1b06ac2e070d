"""The ``hf`` judge: any text classifier of Hugging Face, in a torch process of its own, with the network switched off.

Knows the service's frames and what its classes mean; not transformers.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ockit.errors import InterruptedByUser, WorkerError
from ockit.messages import Judged, Message, Verdict
from ockit.moderation.judges.class_labels import Meaning, meanings_of
from ockit.moderation.judges.judge import CUTS, LEVELS, Opinion, verdict_of
from ockit.moderation.judges.parts import in_parts
from ockit.moderation.judges.time_limit import TimeLimit
from ockit.offline import SWITCHES
from ockit.workers.limits import whole_memory
from ockit.workers.worker import Worker

SERVICE = "ockit.moderation.judges.class_service:ClassService"
LOAD_SECONDS = 300.0
PART = 2000
"""Characters that are sent at once, so that the part that decided has a place."""

_DRIVERS = ("/dev/nvidiactl", "/dev/kfd")


def new_class_worker(variables: Mapping[str, str], stall_seconds: float) -> Worker:
    """A worker for a `ClassifierModerator`, not started. Its libraries are told to stay off the network. Its memory has
    a ceiling, but not where there is a GPU: a driver maps what it likes."""
    gpu = any(Path(driver).exists() for driver in _DRIVERS)
    offline = dict(variables) | dict.fromkeys(SWITCHES, "1")
    worker = Worker(SERVICE, offline, memory_limit=None if gpu else whole_memory())
    worker.stall_seconds = stall_seconds
    return worker


class ClassifierModerator:
    """`ockit.moderation.judges.judge.Judge` on a text classifier.

    Args:
        worker: hosts `ockit.moderation.judges.class_service.ClassService`.
        path: the model's directory, checked.
        model: its name, for a person.
        labels: what its classes mean, or nothing, where that is to be guessed (`class_labels`).
        seconds: time limit of a check.

    Attributes:
        doing: what takes long at the moment, in a few words; empty where nothing does.
    """

    cuts: Mapping[str, float] = CUTS

    def __init__(
        self,
        worker: Worker,
        path: Path,
        model: str,
        labels: Mapping[str, object],
        *,
        name: str = "hf",
        seconds: float = 30.0,
    ) -> None:
        self.name = name
        self.doing = ""
        self._worker = worker
        self._path = path
        self._model = model
        self._given = labels
        self._seconds = seconds
        self._loaded: int | None = None  # the worker's generation
        self._meanings: dict[str, Meaning] = {}
        self._several = False

    def check(self, text: str, role: Judged, context: Sequence[Message] = ()) -> Verdict:
        """Classify a text; the turns before it and whose it is are not looked at.

        Raises:
            ContextOverflow: it is too long.
            UsageError: nobody said what a class means, and it cannot be guessed.
            ModelFileError: it cannot be loaded.
            JudgeTimeout, WorkerError: it does not answer, or nonsense.
        """
        self.advisory()
        since = time.perf_counter()
        with self._limit(self._seconds):
            opinion = in_parts(text, PART, self._opinion, name=self.name)
        return verdict_of(opinion, backend=self.name, since=since)

    def advisory(self) -> str | None:
        """None: it was trained for this. Loads the model."""
        self._worker.settle()
        if not self._worker.alive or self._loaded != self._worker.generation:
            self.doing = f"loading {self._model} to judge with"
            try:
                with self._limit(LOAD_SECONDS):
                    said = self._worker.call("load", path=str(self._path))
            finally:
                self.doing = ""
            self._meanings = meanings_of(list(said["labels"]), self._given)
            self._several = bool(said["several"])
            self._loaded = self._worker.generation
        return None

    def describe(self) -> dict[str, str]:
        """Model, and what its classes mean once that is known."""
        found = {"model": self._model}
        if self._meanings:
            found["labels"] = "; ".join(f"{label} → {meaning}" for label, meaning in self._meanings.items())
            found["labels are"] = "given" if self._given else "guessed"
        return found

    def cancel(self) -> None:
        """Stop the running check soon; from any thread."""
        self._worker.cancel()

    def close(self) -> None:
        """End the worker."""
        self._worker.stop()

    def _limit(self, seconds: float) -> TimeLimit:
        return TimeLimit(seconds, self._worker.cancel, self._worker.kill, self.name)

    def _opinion(self, text: str) -> Opinion:
        found: Any = self._worker.call("classify", text=text)
        if found is None:
            raise InterruptedByUser("classifying was stopped")
        rows = found["rows"]
        if not rows or any(len(row) != len(self._meanings) for row in rows):
            raise WorkerError("the classifier sent what are no classes", hint="ask again")
        numbers = [number for row in rows for number in row]
        if any(not 0 <= number <= 1 for number in numbers):  # which no NaN passes
            raise WorkerError("the classifier computes what are no numbers", hint="fetch the model again")
        opinions = [opinion_of_classes(list(self._meanings.items()), row, self._several) for row in rows]
        return max(opinions, key=lambda opinion: opinion.score)


def opinion_of_classes(
    classes: Sequence[tuple[str, Meaning]], found: Sequence[float], several: bool
) -> Opinion:
    """What the classes' probabilities mean.

    Args:
        several: each class is a question of its own: the chance of a level or a higher one is then that of the
            likeliest class of such a level. Else exactly one class holds, and their probabilities add up.
    """
    levels = [0.0] * LEVELS
    if several:
        reached = [
            max(
                (p for (_, meaning), p in zip(classes, found, strict=True) if meaning.level >= level),
                default=0.0,
            )
            for level in range(1, LEVELS)
        ]
        above = [1.0, *reached, 0.0]
        levels = [above[level] - above[level + 1] for level in range(LEVELS)]
    else:
        for (_, meaning), p in zip(classes, found, strict=True):
            levels[meaning.level] += p
        levels = [level / sum(levels) for level in levels]
    scores: dict[str, float] = {}
    injection = 0.0
    for (_, meaning), p in zip(classes, found, strict=True):
        if meaning.category is not None:
            before = scores.get(meaning.category, 0.0)
            scores[meaning.category] = max(before, p) if several else min(1.0, before + p)
        if meaning.injection:
            injection = max(injection, p)
    label, p = max(zip((label for label, _ in classes), found, strict=True), key=lambda pair: pair[1])
    return Opinion(tuple(levels), scores, injection, f"{label} ({p:.0%})")
