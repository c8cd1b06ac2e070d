"""Whether a model is good enough to judge: how well it tells the bundled probes apart. Remembered for each model.

The measure is the area under the ROC curve: the chance that a harmful probe is ranked above a harmless one; 0.5 is a
coin. Knows probes and numbers; the asking is the caller's.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ockit.errors import OckitError
from ockit.files import read_limited, write_atomic
from ockit.moderation.evaluation import auc
from ockit.moderation.judges.judge import LEVELS
from ockit.moderation.judges.probes import HARMFUL, HARMLESS

NEEDED = 0.85
"""The least area under which a judge may not enforce."""

PROBES = len(HARMFUL) + len(HARMLESS)
"""Lines that a judge is tested on."""

_KEPT = 50
_LARGEST = 1 << 20


@dataclass(frozen=True)
class SelfTest:
    """What a self-test found.

    Attributes:
        auc: area under the ROC curve on the probes, 0 to 1.
        prior: how probable the model finds each label where there is nothing to judge, by level.
    """

    auc: float
    prior: tuple[float, ...]

    @property
    def passed(self) -> bool:
        """Whether its verdicts may be enforced."""
        return self.auc >= NEEDED


def area(score: Callable[[str], float]) -> float:
    """The area under the ROC curve of a score on the probes."""
    harmful = [True] * len(HARMFUL) + [False] * len(HARMLESS)
    return auc([score(text) for text in (*HARMFUL, *HARMLESS)], harmful)


class SelfTests:
    """Results in a file, by model and prompt."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self, key: str) -> SelfTest | None:
        """What is remembered of a model; a damaged file is as none."""
        found: Any = self._read().get(key)
        if not _sound(found):
            return None
        return SelfTest(float(found["auc"]), tuple(map(float, found["prior"])))

    def save(self, key: str, found: SelfTest) -> bool:
        """Remember it; False where the file cannot be written, which costs the next start a test."""
        known = self._read()
        known.pop(key, None)
        kept = dict(list(known.items())[-_KEPT + 1 :]) | {key: asdict(found)}
        try:
            write_atomic(self._path, json.dumps(kept, indent=1))
        except OckitError:
            return False
        return True

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(read_limited(self._path, _LARGEST))
        except (OckitError, ValueError, RecursionError):
            return {}  # missing or damaged: a test made again costs seconds
        return found if isinstance(found, dict) else {}


def _sound(found: Any) -> bool:
    """Whether what was read can have been written by `SelfTests.save`."""
    if not isinstance(found, dict) or not isinstance(found.get("prior"), list):
        return False
    numbers = [found.get("auc"), *found["prior"]]
    return (
        len(numbers) == 1 + LEVELS
        and all(isinstance(number, int | float) and math.isfinite(number) for number in numbers)
        and all(0 <= number <= 1 for number in numbers)
        and all(number > 0 for number in numbers[1:])
    )
