"""``ockit dirs``: where ockit keeps its files."""

from __future__ import annotations

from dataclasses import fields

import typer

from ockit.commands.invocation import invocation


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("dirs")(dirs)


def dirs(
    ctx: typer.Context,
    json: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> None:
    """Show the directories ockit keeps its files in."""
    run = invocation(ctx)
    home = run.environment.variables.get("OCKIT_HOME") or None
    places = {entry.name: getattr(run.directories, entry.name) for entry in fields(run.directories)}
    if json:
        run.console.json({"schema_version": 1, "ockit_home": home, "directories": places})
        return
    run.console.table(
        ("directory", "path", "exists"),
        [(name, path, "yes" if path.is_dir() else "no") for name, path in places.items()],
    )
    if home is None:
        run.console.notice("OCKIT_HOME moves all four under one directory")
    else:
        run.console.notice(f"all under OCKIT_HOME={home}")
