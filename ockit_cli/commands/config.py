"""``ockit config``: the settings, each with where its value comes from, and the file that a person edits."""

from __future__ import annotations

import typer

from ockit import settings
from ockit.commands.invocation import invocation
from ockit.setting_values import allowed


def register(app: typer.Typer) -> None:
    """Add the command and its subcommands."""
    group = typer.Typer(
        help="Show and change the settings, each with where it comes from.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command("show")(show)
    group.command("set")(set_)
    group.command("unset")(unset)
    group.command("path")(path)
    app.add_typer(group, name="config")


def show(
    ctx: typer.Context,
    json: bool = typer.Option(False, "--json", help="Print one JSON object, with what each setting takes."),
) -> None:
    """Show every setting, its value and its origin: default, config.toml:LINE or OCKIT_NAME."""
    run = invocation(ctx)
    found = run.settings
    if not json:
        rows = [(key, _shown(getattr(found, key)), found.origin(key), _doc(key)) for key in settings.KEYS]
        run.console.table(("setting", "value", "origin", "what it is"), rows)
        return
    run.console.json(
        {
            "schema_version": 1,
            "path": settings.config_path(run.directories),
            "settings": [
                {
                    "key": key,
                    "value": getattr(found, key),
                    "origin": found.origin(key),
                    "default": entry.default,
                    "takes": allowed(entry.metadata),
                    "variable": settings.variable(key),
                    "flag": settings.flag(key),
                    "doc": _doc(key),
                }
                for key, entry in settings.KEYS.items()
            ],
        }
    )


def set_(
    ctx: typer.Context,
    key: str = typer.Argument(metavar="KEY", help="The setting; ockit config show lists them."),
    value: str = typer.Argument(metavar="VALUE", help="Its value, as on the command line."),
) -> None:
    """Write one setting into config.toml; comments and other lines stay as they are."""
    run = invocation(ctx)
    written = settings.set_value(run.directories, key, value)
    run.console.notice(f"{key} is {_shown(written)} from now on ({settings.config_path(run.directories)})")
    _tell_overridden(ctx, key)


def unset(
    ctx: typer.Context,
    key: str = typer.Argument(metavar="KEY", help="The setting to take out of config.toml."),
) -> None:
    """Take one setting out of config.toml, so that its default counts again."""
    run = invocation(ctx)
    was_there = settings.unset_value(run.directories, key)
    place = settings.config_path(run.directories)
    run.console.notice(f"{key} is out of {place}" if was_there else f"{key} does not stand in {place}")
    _tell_overridden(ctx, key)


def path(ctx: typer.Context) -> None:
    """Print the path of config.toml, whether it is there or not."""
    run = invocation(ctx)
    run.console.line(str(settings.config_path(run.directories)))


def _tell_overridden(ctx: typer.Context, key: str) -> None:
    name = settings.variable(key)
    if value := invocation(ctx).environment.variables.get(name):
        invocation(ctx).console.warning(f"the variable {name}={value} still counts more than the file")


def _shown(value: object) -> str:
    if value is None or value == ():
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(f"{number:g}" for number in value) if isinstance(value, tuple) else str(value)


def _doc(key: str) -> str:
    return str(settings.KEYS[key].metadata["doc"])
