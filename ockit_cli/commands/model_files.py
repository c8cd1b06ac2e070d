"""`ockit models add`, `rm`, `alias` and `default`: options into calls of `ockit.models.registry`."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from ockit.commands.completion import complete_model, complete_template
from ockit.commands.invocation import invocation
from ockit.commands.model_verbs import (
    Aliases,
    AsJson,
    Name,
    NewName,
    chosen_default,
    hashing,
    open_registry,
)
from ockit.errors import OckitError


def add(
    ctx: typer.Context,
    path: Annotated[
        str,
        typer.Argument(
            metavar="PATH", help="A GGUF file, or the first part of a split one.", show_default=False
        ),
    ],
    name: NewName = None,
    alias: Aliases = None,
    template: Annotated[
        str | None,
        typer.Option(
            "--template",
            metavar="NAME",
            help="A chat template, instead of the model's own.",
            autocompletion=complete_template,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Note a model file under a name. The file stays where it is and is not copied."""
    from ockit.models.names import checked_name

    call = invocation(ctx)
    for other in alias or ():
        checked_name(other, "alias")  # before the file is hashed
    with open_registry(call) as registry:
        with hashing(call, path) as progress:
            added = registry.add(path, name=name, template=template, progress=progress)
        entry = added.entry
        for other in alias or ():
            entry = registry.alias(entry.name, other)
        if as_json:
            call.console.json(
                {"schema_version": 1, "outcome": added.outcome, "name": entry.name, "model": entry.to_json()}
            )
        said = {"added": "added as", "already": "already there as", "updated": "noted anew as"}
        call.console.notice(f"{said[added.outcome]} {entry.name}; talk to it: ockit chat -m {entry.name}")


def rm(ctx: typer.Context, name: Name) -> None:
    """Forget a model. Its file is not touched."""
    from ockit.models.digest import stamp
    from ockit.models.figures import size_text
    from ockit.models.parts import parts_of

    call = invocation(ctx)
    with open_registry(call) as registry:
        before = registry.default()
        entry = registry.remove(name)
        try:
            files = parts_of(entry.path)
            size, _ = stamp(files)
        except OckitError as error:  # forgotten all the same
            call.console.notice(f"forgot {entry.name}; {error}")
        else:
            stays = "its file stays" if len(files) == 1 else f"its {len(files)} files stay"
            call.console.notice(f"forgot {entry.name}; {stays}: {entry.path} ({size_text(size)})")
            if entry.path.is_relative_to(call.directories.data / "models"):
                call.console.notice(
                    f"it lies among ockit's own; to delete what stays: rm {shlex.join(map(str, files))}"
                )
        if registry.default() != before:
            call.console.notice(f"the default model is {registry.default()} again")


def alias(
    ctx: typer.Context,
    name: Name,
    alias: Annotated[str, typer.Argument(metavar="ALIAS", help="The other name.", show_default=False)],
    remove: Annotated[bool, typer.Option("--remove", help="Take the alias away instead.")] = False,
) -> None:
    """Give a model another name, or take one away."""
    call = invocation(ctx)
    with open_registry(call) as registry:
        entry = registry.unalias(name, alias) if remove else registry.alias(name, alias)
        others = ", ".join(entry.aliases) or "none"
        call.console.notice(f"{entry.name}: aliases {others}")


def default(
    ctx: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="The model to take where none is named.",
            autocompletion=complete_model,
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show the default model, or choose it."""
    call = invocation(ctx)
    with open_registry(call) as registry:
        if name is None:
            call.console.line(chosen_default(call, registry))
        else:
            entry = registry.set_default(name)
            call.console.notice(f"the default model is {entry.name}")
        settings = call.settings
        if settings.model:
            call.console.warning(
                f"the setting model = {settings.model} ({settings.origin('model')}) comes first"
            )
