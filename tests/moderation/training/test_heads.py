"""The heads, held against scikit-learn's logistic regression, and the ordinal one against its own slopes."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from ockit.moderation.training import heads
from ockit.moderation.training.heads import Schedule, fit

NONE = np.zeros((0, 6)), np.zeros(0, dtype=np.intp)


def rows(seed: int, n: int, classes: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Rows of 6 features, whose class grows with the first two."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, 6)) * [1, 1, 0.1, 5, 1, 1] + [0, 3, 0, 0, 0, 0]
    place = x[:, 0] + x[:, 1] - 3 + random.logistic(size=n)
    edges = np.quantile(place, np.linspace(0, 1, classes + 1)[1:-1])
    return x, np.searchsorted(edges, place).astype(np.intp)


def loss(p: NDArray[np.float64], y: NDArray[np.intp]) -> float:
    """Mean negative log-likelihood."""
    return -float(np.log(p[np.arange(len(y)), y]).mean())


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_multinomial_finds_what_scikit_learn_finds(classes: int) -> None:
    x, y = rows(1, 600, classes)
    head = fit("multinomial", (x, y), NONE, classes, Schedule(l2=1e-3, epochs=150))
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    # theirs is C times the summed loss, plus half the squared weights; for two classes it has one column, not two
    c = 1 / (1e-3 * len(y)) * (2 if classes == 2 else 1)
    theirs = LogisticRegression(C=c, tol=1e-8, max_iter=1000).fit(z, y).predict_proba(z)
    ours = head.probabilities(x)
    assert ours.sum(axis=1) == pytest.approx(np.ones(len(y)))
    assert loss(ours, y) == pytest.approx(loss(theirs, y), abs=0.003)
    assert float(np.abs(ours - theirs).max()) < 0.08


def test_ordinal_slopes_are_those_of_its_loss() -> None:
    x, y = rows(2, 60, 5)
    values = {"w": np.full((6, 1), 0.1), "b": np.array([1.2]), "g": np.array([-0.3, 0.1, 0.4])}
    _, slopes = heads._ordinal(x, y, values)
    for name, value in values.items():
        for at in np.ndindex(value.shape):
            up, down = value.copy(), value.copy()
            up[at] += 1e-5
            down[at] -= 1e-5
            rise = (
                heads._ordinal(x, y, values | {name: up})[0] - heads._ordinal(x, y, values | {name: down})[0]
            )
            assert slopes[name][at] == pytest.approx(rise / 2e-5, abs=1e-6)


def test_ordinal_beats_multinomial_on_few_ordered_rows() -> None:
    x, y = rows(3, 80, 5)
    far, truth = rows(4, 2000, 5)
    ordinal = fit("ordinal", (x, y), NONE, 5, Schedule(l2=1e-2, epochs=100))
    multinomial = fit("multinomial", (x, y), NONE, 5, Schedule(l2=1e-2, epochs=100))
    assert ordinal.classes == multinomial.classes == 5
    assert loss(ordinal.probabilities(far), truth) < loss(multinomial.probabilities(far), truth)


def test_it_stops_by_the_development_rows() -> None:
    random = np.random.default_rng(5)
    x, y = random.normal(size=(60, 40)), np.arange(60) % 2  # nothing to learn: only to remember
    held = random.normal(size=(60, 40)), np.arange(60) % 2
    head = fit("multinomial", (x, y), held, 2, Schedule(l2=0.0, epochs=200, patience=5))
    assert head.epochs < 20
    assert head.loss <= np.log(2) + 1e-9  # never worse than where it began
    remembered = fit("multinomial", (x, y), (x[:0], y[:0]), 2, Schedule(l2=0.0, epochs=200))
    assert loss(remembered.probabilities(x), y) < 0.2


def test_a_seed_gives_the_same_weights() -> None:
    x, y = rows(6, 100, 3)
    one, two, other = (
        fit("multinomial", (x, y), NONE, 3, Schedule(epochs=3, batch=16, seed=seed)) for seed in (1, 1, 2)
    )
    assert (one.weights == two.weights).all()
    assert not (one.weights == other.weights).all()
