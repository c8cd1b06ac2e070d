"""`ockit moderation import`: public data sets as rows for training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ockit.commands.invocation import invocation
from ockit.commands.moderation_rows import tell_bad
from ockit.errors import ExitCode


def register(app: typer.Typer) -> None:
    """Add the group `import` to `ockit moderation`."""
    imports = typer.Typer(no_args_is_help=True, help="Turn a public data set into rows for training.")
    imports.callback()(lambda: None)  # with a callback typer makes a group even of a single command
    imports.command("prosocial")(prosocial)
    app.add_typer(imports, name="import")


def prosocial(
    ctx: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="train.json or train.jsonl of ProsocialDialog, in either form.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE.jsonl", help="Write here instead of to stdout."),
    ] = None,
) -> ExitCode:
    """Turn ProsocialDialog into rows: what the person says, and its safety label as the level 0 to 4.

    Exit 7 where rows of it cannot be used; they are named by their lines.
    """
    from ockit.files import write_atomic
    from ockit.messages import LEVEL_NAMES
    from ockit.moderation.training.prosocial import read_prosocial

    call = invocation(ctx)
    with call.console.status(f"reading {file.name} ..."):
        found = read_prosocial(call.environment.cwd / file)
    tell_bad(call.console, found.bad)
    if out is not None:
        write_atomic(call.environment.cwd / out, found.lines(), mode=0o644)
    else:
        for text, level in found.rows:
            call.console.json({"text": text, "level": level})
    counts = ", ".join(f"{count:,} {LEVEL_NAMES[level]}" for level, count in found.levels.items())
    again = f"; {found.repeated:,} more were of the same texts" if found.repeated else ""
    if found.disputed:
        again += f"; {found.disputed:,} texts had several levels: the highest counts"
    call.console.notice(f"{len(found.rows):,} rows: {counts}{again}")
    if out is not None:
        call.console.notice(f"written to {out}; next: ockit moderation train {out}")
    return ExitCode.PARTLY_DONE if found.bad else ExitCode.OK
