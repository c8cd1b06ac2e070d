"""Labelled rows and what moderation says of them, side by side. Knows who is asked, not what is made of the figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ockit.commands.invocation import Invocation
from ockit.commands.moderate import blocks, opened
from ockit.commands.moderation_rows import progress
from ockit.errors import OckitError, UsageError

if TYPE_CHECKING:
    from ockit.messages import Judged, Verdict
    from ockit.moderation.training.rows import Row, Rows

_AT_ONCE = 64  # texts that a classifier judges together


@dataclass(frozen=True)
class Measured:
    """Rows with what was said of them, in one order.

    Attributes:
        answers: the levels (as digits) or labels, by their numbers.
        truths, judged: numbers of answers.
        scores: for each question its name, the scores, what is true, and what was decided.
        verdicts: of each row.
    """

    rows: Sequence[Row]
    answers: Sequence[str]
    truths: list[int]
    judged: list[int]
    scores: list[tuple[str, list[float], list[bool], list[bool]]]
    verdicts: list[Verdict]


def by_guard(
    call: Invocation,
    rows: Rows,
    judge: tuple[Path | None, str | None],
    levels: dict[str, int],
    role: Judged,
) -> Measured:
    """What the policy's back ends say. Raises UsageError for labels without a level, OckitError for a failing one."""
    truths = _levels(rows, levels)
    guard = opened(call, *judge)
    try:
        portions = blocks(guard, rows.good, lambda row: row.text)
        verdicts = _verdicts(call, len(rows.good), portions, lambda texts: guard.check_many(texts, role))
        for banner in guard.take_banners():
            call.console.warning(banner)
    finally:
        guard.close()
    return _of_levels(rows.good, truths, verdicts)


def by_classifier(call: Invocation, rows: Rows, name: str, levels: dict[str, int]) -> Measured:
    """What a classifier says: for its own labels by label, else by level."""
    from ockit.moderation.classifier.embedded import open_embedded
    from ockit.moderation.training.opening import open_trained

    encoder = open_embedded(call.environment)
    try:
        judge = open_trained(name, call.directories, encoder)
        made = judge.classifier
        if made.kind == "label" and not levels:
            levels = dict(zip(made.answers, made.levels, strict=True))
        by_label = made.kind == "label" and rows.kind == "label" and set(rows.answers) <= set(made.answers)
        truths = None if by_label else _levels(rows, levels)
        answers: list[list[float]] = []

        def judged(texts: Sequence[str]) -> list[Verdict]:
            said = judge.judged(texts)
            answers.extend([float(p) for p in one] for one, _ in said)
            return [verdict for _, verdict in said]

        portions = (rows.good[at : at + _AT_ONCE] for at in range(0, len(rows.good), _AT_ONCE))
        verdicts = _verdicts(call, len(rows.good), portions, judged)
    finally:
        encoder.close()
    if truths is not None:
        return _of_levels(rows.good, truths, verdicts)
    said = [next(hit.name for hit in one.hits if hit.name.startswith("label:"))[6:] for one in verdicts]
    numbers = [made.answers.index(str(row.label)) for row in rows.good]
    decided = [made.answers.index(label) for label in said]
    scores = []
    for number, label in enumerate(made.answers):
        truth = [one == number for one in numbers]
        if 0 < sum(truth) < len(truth):
            scores.append((label, [p[number] for p in answers], truth, [one == number for one in decided]))
    return Measured(rows.good, made.answers, numbers, decided, scores, verdicts)


def _levels(rows: Rows, levels: dict[str, int]) -> list[int]:
    """The true level of each row. Raises UsageError for a label that has none."""
    if rows.kind == "label":
        without = [label for label in rows.answers if label not in levels]
        if without:
            raise UsageError(
                f"the label {without[0]!r} has no level to compare with",
                where=next(row.where for row in rows.good if row.label == without[0]),
                hint=" ".join(f"--map {label}=LEVEL" for label in rows.answers),
            )
    truths = [levels[str(row.label)] if row.level is None else row.level for row in rows.good]
    if len(set(truths)) == 1:
        raise UsageError(
            f"all labels have the level {truths[0]}: there is nothing to tell apart", hint="--map LABEL=4"
        )
    return truths


def _verdicts(
    call: Invocation,
    count: int,
    portions: Iterable[Sequence[Row]],
    judge: Callable[[Sequence[str]], list[Verdict]],
) -> list[Verdict]:
    """The verdict of each row. Raises OckitError at the first that could not be judged: figures would be false."""
    found: list[Verdict] = []
    with progress(call, "eval") as tell:
        for block in portions:
            said = judge([row.text for row in block])
            for row, verdict in zip(block, said, strict=True):
                if not verdict.judged:
                    raise OckitError(
                        f"a text could not be judged ({verdict.status}): {verdict.reason}",
                        where=row.where,
                        hint="ockit moderation policy show tells which back ends are asked",
                    )
            found += said
            tell("texts judged", len(found), count)
    return found


def _of_levels(rows: Sequence[Row], truths: list[int], verdicts: list[Verdict]) -> Measured:
    scores = []
    for k in range(1, 5):
        truth = [level >= k for level in truths]
        if 0 < sum(truth) < len(truth):
            above = [sum(v.p_level[k:]) if v.p_level else float(v.level >= k) for v in verdicts]
            scores.append((f"level >= {k}", above, truth, [v.level >= k for v in verdicts]))
    return Measured(rows, "01234", truths, [v.level for v in verdicts], scores, verdicts)
