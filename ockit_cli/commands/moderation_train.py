"""`ockit moderation train`: a classifier of one's own. `ockit.moderation.training` does it."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ockit.commands.invocation import Invocation, invocation
from ockit.commands.moderation_rows import LabelledFile, Mapped, levels_of, progress, tell_bad
from ockit.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from ockit.moderation.training.classifier import TrainedClassifier
    from ockit.moderation.training.rows import Rows

_FEW = 50  # rows of an answer below which it is said that they are few


def register(app: typer.Typer) -> None:
    """Add the command to `ockit moderation`."""
    app.command("train")(train_classifier)


def train_classifier(
    ctx: typer.Context,
    data: LabelledFile,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="What it is called; else the file's name.")
    ] = None,
    mapped: Mapped = None,
    head: Annotated[
        str,
        typer.Option(
            "--head",
            metavar="auto|ordinal|multinomial",
            help="How answers are told apart; auto takes what is better on development rows.",
        ),
    ] = "auto",
    false_positives: Annotated[
        float,
        typer.Option(
            "--false-positives",
            metavar="SHARE",
            min=0.0,
            max=0.5,
            help="Share of the rows below a level that may be taken for it.",
        ),
    ] = 0.02,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="The seed of split and order.")] = 0,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a classifier that has this name.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> ExitCode:
    """Train a classifier on your own rows, on the embedded encoder; nothing leaves this machine.

    The levels are 0 casual, 1 possibly needs caution, 2 probably needs caution, 3 needs caution, 4 needs intervention;
    labels of your own get theirs by --map. Bad rows are named and left out (exit 7). Your moderation.toml names the
    classifier once you write it in.
    """
    from ockit.moderation.classifier.embedded import open_embedded
    from ockit.moderation.training.fitting import Plan, train
    from ockit.moderation.training.places import path_of
    from ockit.moderation.training.rows import read_rows

    call = invocation(ctx)
    called = name if name is not None else _slug(data)
    path = path_of(call.directories, called)
    if path.exists() and not replace:
        raise UsageError(
            f"there is a classifier {called!r} already",
            where=str(path),
            hint="--replace, or --name another one",
        )
    plan = Plan(head, levels_of(mapped or ()), false_positives, seed)
    rows = read_rows(call.environment.cwd / data)
    tell_bad(call.console, rows.bad)
    _warn_few(call, rows)
    encoder = open_embedded(call.environment)
    try:
        with progress(call, called) as tell:
            made = train(called, rows, encoder.features, encoder.encoder, plan, tell)
    finally:
        encoder.close()
    made.save(path)
    if as_json:
        call.console.json({"schema_version": 1, "file": path, **described(made)})
    else:
        show_classifier(call, made)
    _tell_next(call, made, rows)
    return ExitCode.PARTLY_DONE if rows.bad else ExitCode.OK


def described(made: TrainedClassifier) -> dict[str, Any]:
    """A classifier as a JSON-ready object."""
    from ockit.moderation.training.fitting import NEVER

    return {
        "name": made.name,
        "kind": made.kind,
        "head": made.head.kind,
        "answers": dict(zip(made.answers, made.levels, strict=True)),
        "cut_points": {str(k): None if cut >= NEVER else cut for k, cut in enumerate(made.cuts, 1)},
        "categories": dict(made.category_cuts),
        "encoder": made.encoder,
        **{key: _finite(value) for key, value in made.facts.items() if key not in ("answers", "head")},
        "rows_of": made.facts.get("answers", {}),
    }


def show_classifier(call: Invocation, made: TrainedClassifier) -> None:
    """What it tells apart, and how well on the rows it did not learn from."""
    from ockit.messages import LEVEL_NAMES

    development = made.facts.get("development") or {}
    areas, precisions = development.get("auc", {}), development.get("auprc", {})
    rows = [
        (
            answer,
            LEVEL_NAMES[level] if made.kind == "level" else level,
            made.facts.get("answers", {}).get(answer),
            _figure(areas.get(answer)),
            _figure(precisions.get(answer)),
        )
        for answer, level in zip(made.answers, made.levels, strict=True)
    ]
    heads = ("LABEL", "LEVEL") if made.kind == "label" else ("LEVEL", "NAME")
    call.console.table((*heads, "ROWS", "AUC", "AUPRC"), rows)
    call.console.line(f"{made.head.kind} head, {made.facts.get('rows', 0):,} rows")
    if found := development.get("found_at_least"):
        shares = ", ".join(f"{share:.0%} of those of level {k} or more" for k, share in found.items())
        allowed = made.facts.get("false_positives", 0.0)
        call.console.line(
            f"finds {shares}, while at most {allowed:.0%} of those below a level are taken for it "
            "(--false-positives finds more, or is wrong less often)",
            hang=0,
        )
    if development:
        count = made.facts["development_rows"]
        call.console.line(
            f"measured on {count:,} development rows, which also decided when to stop and where to cut: expect a "
            f"little less of other texts (ockit moderation eval OTHER.jsonl --classifier {made.name})",
            hang=0,
        )
    else:
        call.console.line(
            "nothing is measured: there are too few rows to hold some back (about 70 of each answer are needed)",
            hang=0,
        )
    if made.categories:
        call.console.line(
            f"categories: {', '.join(name.replace('_', ' ') for name in made.categories)}", hang=2
        )


def _warn_few(call: Invocation, rows: Rows) -> None:
    few = [f"{answer} ({count})" for answer, count in rows.answers.items() if count < _FEW]
    if few and len(rows.answers) > 1:
        call.console.warning(f"few rows for: {', '.join(few[:8])}; {_FEW} of each are a beginning")


def backend_lines(name: str) -> str:
    """The lines of a policy that let a classifier judge beside the back ends that are there already."""
    from ockit.toml_lines import literal

    key = name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else literal(name)
    return f'[backend.{key}]\nkind = "trained"\nclassifier = {literal(name)}'


def _tell_next(call: Invocation, made: TrainedClassifier, rows: Rows) -> None:
    from ockit.moderation.policy.reading import FILE_NAME

    mine = call.directories.config / FILE_NAME
    if rows.kind == "label" and not any(made.levels):
        label = made.answers[-1]
        call.console.warning(
            "your labels have no level, so the policy will let all of them pass; give those that matter one: "
            f"--map {label}=3 --replace"
        )
    call.console.notice(
        f"saved as {made.name}; to use it, write these lines into {mine} (ockit moderation policy init makes one):\n"
        + backend_lines(made.name)
    )


def _slug(data: Path) -> str:
    words = re.sub(r"[^A-Za-z0-9._-]+", "-", data.name.partition(".")[0]).strip("-.").lower()
    return words[:60] or "classifier"


def _figure(value: object) -> str | None:
    return f"{value:.3f}" if isinstance(value, float) and math.isfinite(value) else None


def _finite(value: Any) -> Any:
    """The value with None in place of what is not a number, which JSON does not know."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
