"""Logistic regression in numpy: multinomial for labels, ordinal for levels, one against the rest for categories.

Knows numbers alone. All three minimise the mean negative log-likelihood plus ``l2 / 2`` times the squared weights (not
the biases), by Adam (Kingma and Ba, arxiv.org/abs/1412.6980) on seeded mini-batches of standardized features, and keep
the weights that were best on the development rows. The ordinal head has cumulative logits (McCullagh 1980):
P(y > k) = sigmoid(w.x + b_k) with b_0 > b_1 > ..., so that a row moves along one line from the lowest class to the
highest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Features = NDArray[np.floating[Any]]
    Objective = Callable[[Features, NDArray[np.intp], dict[str, Floats]], tuple[float, dict[str, Floats]]]

HeadKind = Literal["ordinal", "multinomial"]
_RATE, _DECAY_1, _DECAY_2, _TINY = 0.02, 0.9, 0.999, 1e-8
_ALMOST_NOTHING = 1e-12


@dataclass(frozen=True)
class Schedule:
    """How long and how hard a head is trained.

    Attributes:
        l2: weight of the squared weights.
        epochs: passes over the rows at most.
        patience: passes without a better development loss after which it ends.
        batch: rows of one step.
        seed: of the order of the rows.
    """

    l2: float = 1e-2
    epochs: int = 200
    patience: int = 10
    batch: int = 128
    seed: int = 0


@dataclass(frozen=True)
class Head:
    """What was learned, for raw features.

    Attributes:
        kind: ``multinomial``: weights (d, classes), bias (classes,); ``ordinal``: weights (d, 1), bias (classes - 1,),
            falling.
        loss: mean negative log-likelihood of the development rows, in nats; of the training rows where there are none.
        epochs: passes until the best one.
    """

    kind: HeadKind
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    loss: float = 0.0
    epochs: int = 0

    @property
    def classes(self) -> int:
        """How many there are."""
        return len(self.bias) + (self.kind == "ordinal")

    def probabilities(self, x: Features) -> Floats:
        """Of each class, shape (n, classes), rows of sum 1, for features of shape (n, d)."""
        return _probabilities(self.kind, x @ self.weights + self.bias)


def fit(
    kind: HeadKind,
    rows: tuple[Features, NDArray[np.intp]],
    development: tuple[Features, NDArray[np.intp]],
    classes: int,
    schedule: Schedule | None = None,
) -> Head:
    """Train a head.

    Args:
        rows: features of shape (n, d) and the class of each row, 0 to `classes` - 1; every class occurs.
        development: the same for the rows that decide when to stop; may have none, which trains to the end.
        classes: at least 2.
    """
    import numpy as np

    schedule = schedule or Schedule()
    x, y = rows
    mean, spread = x.mean(axis=0, dtype=np.float64), x.std(axis=0, dtype=np.float64) + 1e-6
    # the features keep their type, which may be a half of what is computed with: there may be half a million rows
    z, held = ((one - mean.astype(x.dtype)) / spread.astype(x.dtype) for one in (x, development[0]))
    share = np.bincount(y, minlength=classes) / len(y)
    if kind == "multinomial":
        start = {"w": np.zeros((x.shape[1], classes)), "b": np.log(share)}
        objective: Objective = _multinomial
    else:
        above = np.clip(1 - np.cumsum(share)[:-1], 1e-6, 1 - 1e-6)
        bias = np.log(above / (1 - above))
        start = {"w": np.zeros((x.shape[1], 1)), "b": bias[:1], "g": np.log(np.maximum(-np.diff(bias), 1e-3))}
        objective = _ordinal
    best, loss, epochs = _descend(objective, start, (z, y), (held, development[1]), schedule)
    weights = best["w"] / spread[:, None]
    return Head(kind, weights, _biases(best) - mean @ weights, loss, epochs)


def _descend(
    objective: Objective,
    values: dict[str, Floats],
    rows: tuple[Features, NDArray[np.intp]],
    development: tuple[Features, NDArray[np.intp]],
    schedule: Schedule,
) -> tuple[dict[str, Floats], float, int]:
    """The best values, their loss, and the pass they come from."""
    import numpy as np

    x, y = rows
    watched = development if len(development[1]) else rows
    random = np.random.default_rng(schedule.seed)
    first = {name: np.zeros_like(value) for name, value in values.items()}
    second = {name: np.zeros_like(value) for name, value in values.items()}
    best, least, best_epoch, step = dict(values), objective(*watched, values)[0], 0, 0
    for epoch in range(1, schedule.epochs + 1):
        order = random.permutation(len(y))
        rate = _RATE * (1 - 0.95 * (epoch - 1) / schedule.epochs)
        for begin in range(0, len(y), schedule.batch):
            chosen = order[begin : begin + schedule.batch]
            slopes = objective(x[chosen], y[chosen], values)[1]
            slopes["w"] = slopes["w"] + schedule.l2 * values["w"]
            step += 1
            for name, slope in slopes.items():
                first[name] = _DECAY_1 * first[name] + (1 - _DECAY_1) * slope
                second[name] = _DECAY_2 * second[name] + (1 - _DECAY_2) * slope * slope
                moved = first[name] / (1 - _DECAY_1**step)
                size = np.sqrt(second[name] / (1 - _DECAY_2**step)) + _TINY
                values = {**values, name: values[name] - rate * moved / size}
        loss = objective(*watched, values)[0]
        if loss < least - 1e-5:
            best, least, best_epoch = dict(values), loss, epoch
        elif len(development[1]) and epoch - best_epoch >= schedule.patience:
            break
    if not len(development[1]):  # nothing to stop by: the last pass, which has the smallest steps
        return values, objective(*rows, values)[0], schedule.epochs
    return best, least, best_epoch


def _multinomial(
    x: Features, y: NDArray[np.intp], values: dict[str, Floats]
) -> tuple[float, dict[str, Floats]]:
    """Mean negative log-likelihood, and its slopes."""
    import numpy as np

    p = _probabilities("multinomial", x @ values["w"] + values["b"])
    at = np.arange(len(y))
    loss = -float(np.log(np.maximum(p[at, y], _ALMOST_NOTHING)).mean())
    p[at, y] -= 1
    p /= len(y)
    return loss, {"w": x.T @ p, "b": p.sum(axis=0)}


def _ordinal(x: Features, y: NDArray[np.intp], values: dict[str, Floats]) -> tuple[float, dict[str, Floats]]:
    """The same for cumulative logits; ``g`` are the logarithms of the gaps between the biases."""
    import numpy as np

    bias = _biases(values)
    above = _sigmoid(x @ values["w"] + bias)
    ends = np.column_stack([np.ones(len(y)), above, np.zeros(len(y))])
    slopes = ends * (1 - ends)
    at = np.arange(len(y))
    p = np.maximum(ends[at, y] - ends[at, y + 1], _ALMOST_NOTHING)
    toward = np.zeros_like(ends)  # d loss / d logit of each border
    toward[at, y] -= slopes[at, y] / p
    toward[at, y + 1] += slopes[at, y + 1] / p
    borders = toward[:, 1:-1] / len(y)
    by_bias = borders.sum(axis=0)
    # b_k = b - sum of the gaps before it
    gaps = np.exp(values["g"])
    later = np.cumsum(by_bias[::-1])[::-1]
    return -float(np.log(p).mean()), {
        "w": x.T @ borders.sum(axis=1, keepdims=True),
        "b": by_bias.sum(keepdims=True),
        "g": -gaps * later[1:],
    }


def _biases(values: dict[str, Floats]) -> Floats:
    import numpy as np

    if "g" not in values:
        return values["b"]
    return np.concatenate([values["b"], values["b"] - np.cumsum(np.exp(values["g"]))])


def _probabilities(kind: HeadKind, logits: Floats) -> Floats:
    import numpy as np

    if kind == "ordinal":
        above = _sigmoid(logits)
        n = len(above)
        found: Floats = -np.diff(np.column_stack([np.ones(n), above, np.zeros(n)]), axis=1)
        return np.maximum(found, 0.0)
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: Floats = shifted / shifted.sum(axis=1, keepdims=True)
    return result


def _sigmoid(z: Floats) -> Floats:
    import numpy as np

    result: Floats = 0.5 * (1 + np.tanh(0.5 * z))
    return result
