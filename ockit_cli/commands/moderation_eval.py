"""`ockit moderation eval`: how well moderation judges labelled rows. `ockit.moderation.evaluation` has the figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ockit.commands.invocation import Invocation, invocation
from ockit.commands.moderate import PolicyFile, RoleName, blocks, checked_role, opened
from ockit.commands.moderation_rows import Mapped, levels_of, progress, tell_bad
from ockit.errors import ExitCode, OckitError, UsageError
from ockit.text import one_line, shorten

if TYPE_CHECKING:
    from ockit.messages import Judged, Verdict
    from ockit.moderation.evaluation import Counts, Figures
    from ockit.moderation.training.rows import Row, Rows

_AT_ONCE = 64  # texts that a classifier judges together


@dataclass(frozen=True)
class _Measured:
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


def register(app: typer.Typer) -> None:
    """Add the command to `ockit moderation`."""
    app.command("eval")(evaluate)


def evaluate(
    ctx: typer.Context,
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA.jsonl",
            help='Lines of {"text": TEXT, "level": 0-4} or {"text": TEXT, "label": NAME}.',
            show_default=False,
        ),
    ],
    backend: Annotated[
        str | None, typer.Option("--backend", metavar="NAME", help="Ask this back end of the policy alone.")
    ] = None,
    classifier: Annotated[
        str | None,
        typer.Option("--classifier", metavar="NAME", help="Measure a classifier of your own alone."),
    ] = None,
    mapped: Mapped = None,
    role: RoleName = "user",
    policy: PolicyFile = None,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE.png", help="Draw precision over recall into this file."),
    ] = None,
    misses: Annotated[
        int, typer.Option("--misses", metavar="N", min=0, max=1000, help="Show the N worst mistakes.")
    ] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> ExitCode:
    """Measure moderation on labelled rows: AUC, AUPRC, F1 and false-positive rate, and a table of mistakes.

    For each level k the question is whether a text is of level k or more. F1, FPR and RECALL are at the cut-points
    that hold; BEST F1 is what another threshold (AT) would give on these very rows. Bad rows are named and left out
    (exit 7).
    """
    from ockit.moderation.evaluation import draw, figures
    from ockit.moderation.training.rows import read_rows

    call = invocation(ctx)
    judged = checked_role(role)
    levels = levels_of(mapped or ())
    if backend is not None and classifier is not None:
        raise UsageError("--backend and --classifier exclude each other", hint="leave one of them out")
    if plot is not None and plot.suffix.lower() != ".png":
        raise UsageError(f"the plot is a PNG file, but its name is {plot.name!r}", hint="--plot levels.png")
    rows = read_rows(call.environment.cwd / data)
    tell_bad(call.console, rows.bad)
    if len(rows.answers) == 1:
        raise UsageError(
            f"all {len(rows.good):,} rows have the {rows.kind} {next(iter(rows.answers))!r}: there is nothing to "
            "tell apart",
            where=str(data),
            hint=f"add rows of another {rows.kind}",
        )
    name = classifier or backend or "moderation"
    if classifier is not None:
        measured = _by_classifier(call, rows, classifier, levels, judged)
    else:
        measured = _by_guard(call, rows, (policy, backend), levels, judged)
    found = [figures(*question) for question in measured.scores]
    if plot is not None:
        curves = {what: (scores, truth) for what, scores, truth, _ in measured.scores[:8]}
        draw(call.environment.cwd / plot, f"{name}: {len(measured.rows):,} rows", curves)
    worst = _misses(measured, misses)
    if as_json:
        call.console.json(_json(name, rows, measured, found, worst))
    else:
        _show(call, measured, found, worst)
    if plot is not None:
        call.console.notice(f"drawn into {plot}")
    return ExitCode.PARTLY_DONE if rows.bad else ExitCode.OK


def _by_guard(
    call: Invocation,
    rows: Rows,
    judge: tuple[Path | None, str | None],
    levels: dict[str, int],
    role: Judged,
) -> _Measured:
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


def _by_classifier(
    call: Invocation, rows: Rows, name: str, levels: dict[str, int], role: Judged
) -> _Measured:
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
    return _Measured(rows.good, made.answers, numbers, decided, scores, verdicts)


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
                if verdict.status != "ok":
                    raise OckitError(
                        f"a text could not be judged ({verdict.status}): {verdict.reason}",
                        where=row.where,
                        hint="ockit moderation policy show tells which back ends are asked",
                    )
            found += said
            tell("texts judged", len(found), count)
    return found


def _of_levels(rows: Sequence[Row], truths: list[int], verdicts: list[Verdict]) -> _Measured:
    scores = []
    for k in range(1, 5):
        truth = [level >= k for level in truths]
        if 0 < sum(truth) < len(truth):
            above = [sum(v.p_level[k:]) if v.p_level else float(v.level >= k) for v in verdicts]
            scores.append((f"level >= {k}", above, truth, [v.level >= k for v in verdicts]))
    return _Measured(rows, "01234", truths, [v.level for v in verdicts], scores, verdicts)


def _misses(measured: _Measured, count: int) -> list[tuple[Row, str, Verdict]]:
    """The rows that lie furthest from what is true, with the answer that was given."""
    far = []
    levels = "".join(measured.answers) == "01234"
    for number, (truth, said) in enumerate(zip(measured.truths, measured.judged, strict=True)):
        if truth != said:
            verdict = measured.verdicts[number]
            how = abs(verdict.score - truth) + abs(said - truth) if levels else 0.0
            far.append((-how, number, measured.answers[said], verdict))
    far.sort(key=lambda one: one[:2])
    return [(measured.rows[number], answer, verdict) for _, number, answer, verdict in far[:count]]


def _show(
    call: Invocation, measured: _Measured, found: Sequence[Figures], worst: Sequence[tuple[Row, str, Verdict]]
) -> None:
    from ockit.moderation.evaluation import confusion

    console = call.console
    heads = ("IS IT", "ROWS", "AUC", "AUPRC", "F1", "FPR", "RECALL", "BEST F1", "AT")
    console.table(
        heads,
        [
            (
                one.name,
                one.positives,
                f"{one.auc:.3f}",
                f"{one.auprc:.3f}",
                f"{one.judged.f1:.3f}",
                f"{one.judged.fpr:.3f}",
                f"{one.judged.recall:.3f}",
                f"{one.best.f1:.3f}",
                f"{one.threshold:.3f}",
            )
            for one in found
        ],
    )
    console.line()
    table = confusion(measured.truths, measured.judged, len(measured.answers))
    console.table(
        ("TRUE / JUDGED", *measured.answers),
        [(answer, *row) for answer, row in zip(measured.answers, table, strict=True)],
    )
    right = sum(truth == said for truth, said in zip(measured.truths, measured.judged, strict=True))
    console.line()
    console.line(f"{right:,} of {len(measured.truths):,} rows are judged as labelled")
    for row, answer, verdict in worst:
        line = f"{row.where}: {row.answer}, judged {answer} ({verdict.score:.2f}): {one_line(row.text)}"
        console.line(shorten(line, max(60, console.columns)), style="dim")


def _json(
    name: str,
    rows: Rows,
    measured: _Measured,
    found: Sequence[Figures],
    worst: Sequence[tuple[Row, str, Verdict]],
) -> dict[str, Any]:
    from ockit.moderation.evaluation import confusion

    return {
        "schema_version": 1,
        "judge": name,
        "rows": len(rows.good),
        "bad_rows": len(rows.bad),
        "answers": list(measured.answers),
        "questions": [_figures_json(one) for one in found],
        "confusion": confusion(measured.truths, measured.judged, len(measured.answers)),
        "misses": [
            {"where": row.where, "is": row.answer, "judged": answer, "score": verdict.score}
            for row, answer, verdict in worst
        ],
    }


def _figures_json(one: Figures) -> dict[str, Any]:
    return {
        "question": one.name,
        "positives": one.positives,
        "rows": one.rows,
        "auc": one.auc,
        "auprc": one.auprc,
        "judged": _counts_json(one.judged),
        "best": {**_counts_json(one.best), "threshold": one.threshold},
    }


def _counts_json(one: Counts) -> dict[str, float | None]:
    shares = {"precision": one.precision, "recall": one.recall, "f1": one.f1, "fpr": one.fpr}
    finite = {name: share if math.isfinite(share) else None for name, share in shares.items()}
    return {**finite, **vars(one)}
