"""The heads' part on hashed n-grams: fitted alone, then added in the measure in which it helps on development rows, to
the nearest of 255 steps. Knows no encoder.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from labels import WEIGHTS

from ockit.moderation.classifier.features import BUCKETS, hashed
from ockit.moderation.classifier.weights import OUTPUTS

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix


def matrix(texts: Sequence[str]) -> csr_matrix:
    """(n, `BUCKETS`), each row of length 1: what the program sees of normalized texts."""
    import numpy as np
    from scipy.sparse import csr_matrix

    rows = [hashed(text) for text in texts]
    ends = np.cumsum([0, *map(len, rows)])
    columns = np.concatenate([np.array(row, dtype=np.int32) for row in rows])
    values = np.concatenate(
        [np.full(len(row), 1 / max(1, len(row)) ** 0.5, dtype=np.float32) for row in rows]
    )
    return csr_matrix((values, columns, ends), shape=(len(rows), BUCKETS))


def fitted(features: csr_matrix, wanted: NDArray[Any], strength: float = 1.0) -> NDArray[Any]:
    """(`BUCKETS`, outputs): a logistic regression for each output, on the rows that say something of it."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    found = np.zeros((BUCKETS, len(OUTPUTS)), dtype=np.float32)
    for number in range(len(OUTPUTS)):
        known = ~np.isnan(wanted[:, number])
        model = LogisticRegression(C=strength, solver="liblinear", max_iter=200)
        found[:, number] = model.fit(features[known], wanted[known, number] > 0.5).coef_[0]
    return found


def measure(encoded: NDArray[Any], counted: NDArray[Any], wanted: NDArray[Any]) -> float:
    """How much of the n-grams' logits is added to the encoder's: the share, from 0 to 1, with the least loss after each
    output is scaled at its best; 0 unless it lessens the loss by 1 % at least."""
    import numpy as np

    factors = np.geomspace(0.2, 2.0, 25)

    def loss(share: float) -> float:
        total = 0.0
        for number, name in enumerate(OUTPUTS):
            known = ~np.isnan(wanted[:, number])
            signs = 2 * wanted[known, number] - 1
            logits = encoded[known, number] + share * counted[known, number]
            total += WEIGHTS.get(name, 1.0) * min(
                np.logaddexp(0, -f * logits * signs).mean() for f in factors
            )
        return total

    shares = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)
    losses = [loss(share) for share in shares]
    print("n-grams: " + ", ".join(f"{share} {cost:.4f}" for share, cost in zip(shares, losses, strict=True)))
    best = int(np.argmin(losses))
    return shares[best] if losses[best] < 0.99 * losses[0] else 0.0


def packed(weights: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """int8 and what a step of each output is worth."""
    import numpy as np

    # a few great weights must not coarsen all others
    scales = np.maximum(np.quantile(np.abs(weights), 0.9999, axis=0), 1e-6) / 127
    return np.clip(np.round(weights / scales), -127, 127).astype(np.int8), scales.astype(np.float32)
