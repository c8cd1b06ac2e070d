"""`ockit moderation classifier`: the classifiers that were trained here."""

from __future__ import annotations

from typing import Annotated

import typer

from ockit.commands.invocation import invocation
from ockit.commands.moderation_train import described, show_classifier
from ockit.errors import OckitError

Name = Annotated[str, typer.Argument(metavar="NAME", help="The classifier's name.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


def register(app: typer.Typer) -> None:
    """Add the group `classifier` to `ockit moderation`."""
    group = typer.Typer(no_args_is_help=True, help="List, show and remove classifiers of your own.")
    group.command("list")(list_classifiers)
    group.command("show")(show)
    group.command("rm")(rm)
    app.add_typer(group, name="classifier")


def list_classifiers(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List your own classifiers, by name."""
    from ockit.moderation.training.classifier import load
    from ockit.moderation.training.places import names, path_of

    call = invocation(ctx)
    found = []
    for name in names(call.directories):
        try:
            found.append(described(load(path_of(call.directories, name))))
        except OckitError as error:  # one that is damaged hides no other
            call.console.warning(str(error))
            found.append({"name": name, "kind": "damaged", "error": error.what})
    if as_json:
        call.console.json({"schema_version": 1, "classifiers": found})
        return
    rows = [(one["name"], one["kind"], ", ".join(one.get("answers", {})), one.get("rows")) for one in found]
    call.console.table(("NAME", "KIND", "TELLS APART", "ROWS"), rows)


def show(ctx: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Show what a classifier tells apart, and how well."""
    from ockit.moderation.training.classifier import load
    from ockit.moderation.training.places import existing

    call = invocation(ctx)
    path = existing(call.directories, name)
    made = load(path)
    if as_json:
        call.console.json({"schema_version": 1, "file": path, **described(made)})
    else:
        show_classifier(call, made)


def rm(
    ctx: typer.Context,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
) -> None:
    """Remove a classifier. A policy that names it is then refused."""
    from ockit.files import explained
    from ockit.moderation.training.places import existing

    call = invocation(ctx)
    path = existing(call.directories, name)
    if not yes and not call.console.confirm(f"remove the classifier {name}?"):
        call.console.notice("nothing is removed")
        return
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise explained(error, path, "remove the file") from error
    call.console.notice(f"removed {name}")
