"""Judgements by the program itself: the shipped files, llama.cpp, pieces, the raw and the normalized text. What is
measured here is what a person gets. Knows no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from measuring import Judged
from rows import Row

from ockit.environment import Environment
from ockit.messages import CATEGORIES, Verdict
from ockit.moderation.classifier.embedded import EmbeddedModerator, open_embedded
from ockit.moderation.classifier.weights import LEVELS, OUTPUTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CALL = 256


class Running:
    """The shipped classifier in its worker, with a cache of its own; a context manager."""

    def __init__(self) -> None:
        self._home = TemporaryDirectory()
        process = Environment.of_process()
        variables = {**process.variables, "OCKIT_HOME": self._home.name}
        self._environment = Environment(
            process.stdin, process.stdout, process.stderr, variables, Path(self._home.name)
        )
        self._moderator: EmbeddedModerator | None = None

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.again()
        self._home.cleanup()

    def again(self) -> None:
        """The files were written anew: what was read of them counts no longer."""
        if self._moderator is not None:
            self._moderator.close()
        self._moderator = None

    @property
    def moderator(self) -> EmbeddedModerator:
        """It."""
        if self._moderator is None:
            self._moderator = open_embedded(self._environment)
        return self._moderator

    def vectors(self, texts: Sequence[str]) -> NDArray[Any]:
        """(n, d) of unit length."""
        import numpy as np

        parts = [self.moderator.features(texts[at : at + _CALL]) for at in range(0, len(texts), _CALL)]
        return np.concatenate(parts)

    def judged(self, rows: Sequence[Row], texts: Sequence[str] | None = None) -> Judged:
        """Its judgements of rows, of `texts` in place of their own where they are given. Documents and injections are
        judged as retrieved text, all else as a person's. For distress a verdict says only whether it was found."""
        import numpy as np

        said = [row.text for row in rows] if texts is None else list(texts)
        verdicts: list[Verdict | None] = [None] * len(rows)
        for role in ("user", "retrieved"):
            chosen = [
                at
                for at, row in enumerate(rows)
                if (row.kind in ("document", "injection")) == (role != "user")
            ]
            for start in range(0, len(chosen), _CALL):
                part = chosen[start : start + _CALL]
                for at, verdict in zip(
                    part, self.moderator.check_many([said[at] for at in part], role), strict=True
                ):
                    verdicts[at] = verdict
        probabilities = np.array([_probabilities(verdict) for verdict in verdicts if verdict])
        return Judged(rows, probabilities, np.array([verdict.level for verdict in verdicts if verdict]))


def _probabilities(verdict: Verdict) -> list[float]:
    """In the order of `OUTPUTS`."""
    p_level = verdict.p_level or (1.0, 0.0, 0.0, 0.0, 0.0)
    found = {name: sum(p_level[level:]) for level, name in enumerate(LEVELS, 1)}
    found |= {name: verdict.categories.get(name, 0.0) for name in CATEGORIES}
    found["injection"] = verdict.injection
    found["distress"] = float(any(hit.name == "distress" for hit in verdict.hits))
    return [found[name] for name in OUTPUTS]
