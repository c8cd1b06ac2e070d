"""`ockit models`: the group of its verbs, each in a module of its own. Knows their names only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer

from ockit.commands.model_files import add, alias, default, rm
from ockit.commands.model_listing import list_models, show
from ockit.commands.pull import pull
from ockit.commands.suggest import suggest


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    models = typer.Typer(
        no_args_is_help=True, help="List, show, add, fetch and name models; choose the default one."
    )
    commands: dict[str, Callable[..., Any]] = {
        "list": list_models,
        "show": show,
        "add": add,
        "pull": pull,
        "suggest": suggest,
        "rm": rm,
        "alias": alias,
        "default": default,
    }
    for name, command in commands.items():
        models.command(name)(command)
    app.add_typer(models, name="models")
