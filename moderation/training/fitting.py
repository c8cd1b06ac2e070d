"""From labelled rows to a classifier: split, features, heads, cut-points, and what came of it on development rows.

Knows no encoder: features come from a function. Near the same text never stands on both sides of the split, since
texts that differ only in case, punctuation or spaces go together.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ockit.errors import UsageError
from ockit.messages import CATEGORIES
from ockit.moderation.evaluation import auc, auprc
from ockit.moderation.training.classifier import TrainedClassifier
from ockit.moderation.training.heads import Head, HeadKind, Schedule, fit
from ockit.moderation.training.rows import Kind, Row, Rows, one_answer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Features = Callable[[Sequence[str]], NDArray[np.float32]]

MOST_ANSWERS = 100
LEAST_OF_EACH = 2
"""Rows that a level, a label or a side of a category needs at least."""
DEVELOPMENT_SHARE = 0.15
FALSE_POSITIVES = 0.02
"""Share of the development rows below a level that may reach its cut-point."""
NEVER = 2.0
"""The cut-point of a level that no answer has."""
_FEW_HELD = 10  # development rows of an answer below which it decides nothing
_AT_ONCE = 256  # texts of one call of the encoder
_L2 = (0.01, 0.1, 0.3)
_NO_WORDS = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Plan:
    """How a classifier is trained.

    Attributes:
        head: ``auto``: for levels the better of both on the development rows, for labels ``multinomial``.
        levels: the level of each label; labels that are not in it have level 0.
        false_positives: see `FALSE_POSITIVES`.
        seed: of the split and the order of the rows.
    """

    head: HeadKind | str = "auto"
    levels: Mapping[str, int] | None = None
    false_positives: float = FALSE_POSITIVES
    seed: int = 0


@dataclass(frozen=True)
class _Split:
    """Numbers of the rows that are trained on and of those held out."""

    train: NDArray[np.intp]
    held: NDArray[np.intp]


def train(
    name: str,
    rows: Rows,
    features: Features,
    encoder: str,
    plan: Plan | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> TrainedClassifier:
    """Train a classifier.

    Args:
        features: texts to features, shape (n, d); called with some hundred texts at a time.
        encoder: the identity of what makes them.
        progress: told what is done, how many of it, and of how many.

    Raises:
        UsageError: there is one answer only, too few rows of one, too many answers, or a level for a label that
            no row has.
        OckitError: from `features`.
    """
    import numpy as np

    plan = plan or Plan()
    answers = _answers(rows, plan)
    levels = _levels(answers, rows.kind, plan)
    classes = np.array([answers.index(row.answer) for row in rows.good], dtype=np.intp)
    split = _split(rows.good, classes, len(answers), plan.seed)
    x = _features([row.text for row in rows.good], features, progress)
    tell = progress or (lambda what, done, total: None)
    heads = _heads(x, classes, split, (len(answers), _kinds(rows.kind, plan)), plan.seed, tell)
    head = min(heads, key=lambda one: one.loss)
    made = TrainedClassifier(name, encoder, x.shape[1], rows.kind, answers, levels, head, (NEVER,) * 4)
    categories = _category_heads(x, rows.good, split, plan, tell)
    at = split.held if len(split.held) else split.train
    p_level = made.level_probabilities(head.probabilities(x[at]))
    truth = np.array(levels)[classes[at]]
    made = replace(
        made,
        cuts=_cuts(p_level, truth, set(levels), plan.false_positives),
        categories={category: found for category, (found, _) in categories.items()},
        category_cuts={category: cut for category, (_, cut) in categories.items()},
    )
    return replace(made, facts=_facts(made, rows, split, (x, classes), plan))


def _answers(rows: Rows, plan: Plan) -> tuple[str, ...]:
    counts = rows.answers
    word = rows.kind
    if len(counts) == 1:
        raise one_answer(rows)
    if len(counts) > MOST_ANSWERS:
        raise UsageError(
            f"there are {len(counts):,} labels; {MOST_ANSWERS} at most", hint="give rows of a kind one label"
        )
    for answer, count in counts.items():
        if count < LEAST_OF_EACH:
            where = next(row.where for row in rows.good if row.answer == answer)
            raise UsageError(
                f"the {word} {answer!r} has one row only; {LEAST_OF_EACH} are the least",
                where=where,
                hint=f"add rows of it, or leave it out; 50 of each {word} are a beginning",
            )
    unknown = sorted(set(plan.levels or {}) - set(counts)) if word == "label" else []
    if unknown:
        raise UsageError(
            f"--map names the label {unknown[0]!r}, which no row has", hint=f"labels: {', '.join(counts)}"
        )
    return tuple(counts)


def _levels(answers: tuple[str, ...], kind: Kind, plan: Plan) -> tuple[int, ...]:
    if kind == "level":
        return tuple(map(int, answers))
    return tuple((plan.levels or {}).get(answer, 0) for answer in answers)


def _kinds(kind: Kind, plan: Plan) -> tuple[HeadKind, ...]:
    if plan.head == "auto":
        return ("ordinal", "multinomial") if kind == "level" else ("multinomial",)
    if plan.head == "ordinal" and kind == "label":
        raise UsageError("labels have no order, so an ordinal head cannot learn them", hint="--head auto")
    if plan.head == "ordinal":
        return ("ordinal",)
    if plan.head == "multinomial":
        return ("multinomial",)
    raise UsageError(f"--head {plan.head} is none of auto, ordinal, multinomial", hint="--head auto")


def _split(rows: Sequence[Row], classes: NDArray[np.intp], count: int, seed: int) -> _Split:
    """A seeded split by text. Where some answer would have fewer than `_FEW_HELD` rows held out, none are: so few
    decide nothing, and training needs them."""
    import numpy as np

    held = np.array([_share(row.text, seed) < DEVELOPMENT_SHARE for row in rows])
    enough = np.bincount(classes[held], minlength=count).min() >= _FEW_HELD
    learned = np.bincount(classes[~held], minlength=count).min() > 0
    if not (enough and learned):
        held[:] = False
    return _Split(np.flatnonzero(~held), np.flatnonzero(held))


def _share(text: str, seed: int) -> float:
    """A number from 0 to 1 that texts of the same words share."""
    words = _NO_WORDS.sub(" ", text.lower()).strip() or text
    digest = hashlib.sha256(f"{seed} {words}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _features(
    texts: Sequence[str], features: Features, progress: Callable[[str, int, int], None] | None
) -> NDArray[np.float32]:
    import numpy as np

    order = sorted(
        range(len(texts)), key=lambda row: len(texts[row])
    )  # texts of one length make full batches
    found: NDArray[np.float32] | None = None
    for begin in range(0, len(order), _AT_ONCE):
        chosen = order[begin : begin + _AT_ONCE]
        block = features([texts[row] for row in chosen])
        if found is None:
            found = np.zeros((len(texts), block.shape[1]), np.float32)
        found[chosen] = block
        if progress is not None:
            progress("texts read", begin + len(chosen), len(texts))
    assert found is not None
    return found


def _heads(
    x: NDArray[np.float32],
    y: NDArray[np.intp],
    split: _Split,
    wanted: tuple[int, tuple[HeadKind, ...]],
    seed: int,
    tell: Callable[[str, int, int], None],
) -> list[Head]:
    """A head for each kind and weight decay that comes into question."""
    classes, kinds = wanted
    decays = _L2 if len(split.held) else _L2[-1:]  # nothing to choose by: the strongest
    found = []
    for kind in kinds if len(split.held) else kinds[-1:]:
        for l2 in decays:
            schedule = Schedule(l2=l2, batch=_batch(len(split.train)), seed=seed)
            found.append(
                fit(kind, (x[split.train], y[split.train]), (x[split.held], y[split.held]), classes, schedule)
            )
            tell("heads trained", len(found), len(kinds) * len(decays))
    return found


def _batch(rows: int) -> int:
    """Rows of a step: as many that some forty steps go through all of them."""
    return max(128, rows // 40)


def _category_heads(
    x: NDArray[np.float32],
    rows: Sequence[Row],
    split: _Split,
    plan: Plan,
    tell: Callable[[str, int, int], None],
) -> dict[str, tuple[Head, float]]:
    """A head and a cut-point for each category that has enough rows on both sides."""
    import numpy as np

    found: dict[str, tuple[Head, float]] = {}
    for number, category in enumerate(CATEGORIES, 1):
        marks = np.array(
            [-1 if row.categories is None else category in row.categories for row in rows], dtype=np.intp
        )
        train = split.train[marks[split.train] >= 0]
        held = split.held[marks[split.held] >= 0]
        if np.bincount(marks[train], minlength=2).min() < LEAST_OF_EACH:
            continue
        if np.bincount(marks[held], minlength=2).min() < LEAST_OF_EACH:
            train, held = np.concatenate([train, held]), held[:0]
        rows_of = (x[train], marks[train]), (x[held], marks[held])
        l2 = _L2[1] if len(held) else _L2[-1]
        head = fit("multinomial", *rows_of, 2, Schedule(l2=l2, batch=_batch(len(train)), seed=plan.seed))
        at = held if len(held) else train
        scores = head.probabilities(x[at])[:, 1]
        found[category] = head, _cut(scores[marks[at] == 0], scores[marks[at] == 1], plan.false_positives)
        tell("categories", number, len(CATEGORIES))
    return found


def _cuts(
    p_level: NDArray[np.float64], truth: NDArray[np.intp], there: set[int], share: float
) -> tuple[float, float, float, float]:
    cuts = []
    for level in range(1, 5):
        above = p_level[:, level:].sum(axis=1)
        below = above[truth < level]
        none = not any(one >= level for one in there)
        cuts.append(NEVER if none else _cut(below, above[truth >= level], share))
    return cuts[0], cuts[1], cuts[2], cuts[3]


def _cut(below: NDArray[np.float64], above: NDArray[np.float64], share: float) -> float:
    """The score that at most `share` of the rows below reach; where both sides are apart, the middle between them."""
    import numpy as np

    if not len(below):
        return 0.0
    top = float(np.quantile(below, 1 - share, method="higher"))
    next_up = above[above > top]
    if not len(next_up):
        return float(np.nextafter(top, 2.0))
    return (top + float(next_up.min())) / 2


def _facts(
    made: TrainedClassifier,
    rows: Rows,
    split: _Split,
    data: tuple[NDArray[np.float32], NDArray[np.intp]],
    plan: Plan,
) -> dict[str, Any]:
    """What a person wants to know of it; figures of the development rows, where there are any."""
    import numpy as np

    x, classes = data
    facts: dict[str, Any] = {
        "rows": len(rows.good),
        "bad_rows": len(rows.bad),
        "answers": dict(Counter(row.answer for row in rows.good)),
        "development_rows": len(split.held),
        "head": made.head.kind,
        "epochs": made.head.epochs,
        "seed": plan.seed,
        "false_positives": plan.false_positives,
    }
    if not len(split.held):
        return facts
    p = made.head.probabilities(x[split.held])
    truth = classes[split.held]
    facts["development"] = {
        "loss": made.head.loss,
        "accuracy": float((p.argmax(axis=1) == truth).mean()),
        "auc": {answer: auc(p[:, i], truth == i) for i, answer in enumerate(made.answers)},
        "auprc": {answer: auprc(p[:, i], truth == i) for i, answer in enumerate(made.answers)},
        "categories": sorted(made.categories),
    }
    levels = np.array(made.levels)[truth]
    above = made.level_probabilities(p)
    if len(set(made.levels)) > 1:
        facts["development"]["auc_at_least"] = {
            str(k): auc(above[:, k:].sum(axis=1), levels >= k)
            for k in range(1, 5)
            if 0 < int((levels >= k).sum()) < len(levels)
        }
        said = made.level(above)
        facts["development"]["found_at_least"] = {
            k: float((said[levels >= int(k)] >= int(k)).mean()) for k in facts["development"]["auc_at_least"]
        }
    return facts
