"""A topic: examples with their vectors, and how near to them a text must be. Knows vectors, no file and no embedder.

A text is as near as the mean cosine to its `NEIGHBOURS` nearest examples. The threshold lies where it parts best the
examples (each measured against the others: leave-one-out) from questions about everything else
(`ockit.moderation.topics.elsewhere`): where the share of examples kept and the share of others sent away sum to most
(Youden's index).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NEIGHBOURS = 3

FEWEST = 5
"""Examples that a topic needs: with fewer, leaving one out says nothing."""


@dataclass(frozen=True)
class Topic:
    """Attributes:
    name: what a policy calls it.
    examples: texts on the topic.
    vectors: theirs, of length 1; shape (len(examples), dimension), float32.
    threshold: how near a text must at least be.
    kept: share of the examples that, left out, would be on the topic.
    passed: share of the questions about everything else that would be.
    embedder: the embedder's name, as ``--embedder`` takes it.
    identity: the embedder's identity: other vectors are never compared.
    message: what the bot says to somebody who is off it; empty: what the policy says.
    created: when, in seconds since 1970.
    """

    name: str
    examples: tuple[str, ...]
    vectors: NDArray[np.float32]
    threshold: float
    kept: float
    passed: float
    embedder: str
    identity: str
    message: str
    created: float


def nearness(vectors: NDArray[np.float32], examples: NDArray[np.float32]) -> NDArray[np.float32]:
    """How near texts are to examples, shape (n,). Both of length 1, shapes (n, d) and (m, d)."""
    return _of_nearest(vectors @ examples.T, min(NEIGHBOURS, len(examples)))


def left_out(examples: NDArray[np.float32]) -> NDArray[np.float32]:
    """How near each example is to the others, shape (m,)."""
    import numpy as np

    cosines = examples @ examples.T
    np.fill_diagonal(cosines, -np.inf)
    return _of_nearest(cosines, min(NEIGHBOURS, len(examples) - 1))


def threshold_between(on: NDArray[np.float32], off: NDArray[np.float32]) -> tuple[float, float, float]:
    """Where the two sorts of nearness part best, and the shares of either that are then called on topic.

    Of a stretch in which nothing lies, its middle; of several equally good ones the lowest, which turns fewer away.
    """
    import numpy as np

    values = np.unique(np.concatenate([on, off]))
    cuts = np.concatenate([values[:1] - 0.01, (values[1:] + values[:-1]) / 2])
    kept = (on[None, :] >= cuts[:, None]).mean(axis=1)
    passed = (off[None, :] >= cuts[:, None]).mean(axis=1)
    best = int(np.argmax(np.round(kept - passed, 6)))
    return float(cuts[best]), float(kept[best]), float(passed[best])


def _of_nearest(cosines: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    import numpy as np

    nearest = np.partition(cosines, cosines.shape[1] - count, axis=1)[:, -count:]
    found: NDArray[np.float32] = nearest.mean(axis=1)
    return found
