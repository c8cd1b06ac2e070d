"""`ockit moderation eval`: how well moderation judges labelled rows. `ockit.moderation.evaluation` has the figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ockit.commands.invocation import Invocation, invocation
from ockit.commands.moderate import PolicyFile, RoleName, checked_role
from ockit.commands.moderation_measured import Measured, by_classifier, by_guard
from ockit.commands.moderation_rows import LabelledFile, Mapped, levels_of, tell_bad
from ockit.errors import ExitCode, UsageError
from ockit.text import one_line, shorten

if TYPE_CHECKING:
    from ockit.messages import Verdict
    from ockit.moderation.evaluation import Counts, Figures
    from ockit.moderation.training.rows import Row, Rows


def register(app: typer.Typer) -> None:
    """Add the command to `ockit moderation`."""
    app.command("eval")(evaluate)


def evaluate(
    ctx: typer.Context,
    data: LabelledFile,
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
    from ockit.moderation.training.rows import one_answer, read_rows

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
        raise one_answer(rows)
    name = classifier or backend or "moderation"
    if classifier is not None:
        measured = by_classifier(call, rows, classifier, levels)
    else:
        measured = by_guard(call, rows, (policy, backend), levels, judged)
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


def _misses(measured: Measured, count: int) -> list[tuple[Row, str, Verdict]]:
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
    call: Invocation, measured: Measured, found: Sequence[Figures], worst: Sequence[tuple[Row, str, Verdict]]
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
    measured: Measured,
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
