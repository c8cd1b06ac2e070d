"""What the verbs of `ockit models` have in common: their options, the registry they open, the line while a file is
hashed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from ockit.commands.completion import complete_model
from ockit.commands.invocation import Invocation
from ockit.errors import NotFound

if TYPE_CHECKING:
    from ockit.models.registry import Registry

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="A name or an alias; 'ockit models list' shows them.",
        autocompletion=complete_model,
        show_default=False,
    ),
]
NewName = Annotated[
    str | None, typer.Option("--name", metavar="NAME", help="What to call it; else its file's name.")
]
Aliases = Annotated[
    list[str] | None, typer.Option("--alias", metavar="ALIAS", help="Another name; may be repeated.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


@contextmanager
def open_registry(call: Invocation) -> Iterator[Registry]:
    """The registry; what it has to say is said at the end."""
    from ockit.models.registry import Registry

    registry = Registry(call.directories, cwd=call.environment.cwd)
    try:
        yield registry
    finally:
        for text in registry.notices:
            call.console.warning(text)


def chosen_default(call: Invocation, registry: Registry) -> str:
    """The name of the model that `ockit ask` would take now; a setting wins over the registry's default."""
    settings = call.settings
    if settings.model is None:
        return registry.default()
    try:
        return registry.find(settings.model).name
    except NotFound as error:
        call.console.warning(f"the setting model ({settings.origin('model')}): {error.what}")
        return settings.model


@contextmanager
def hashing(call: Invocation, what: str) -> Iterator[Callable[[int, int], None]]:
    """A line on the terminal while a file is hashed."""
    from ockit.models.figures import size_text

    with call.console.status(f"reading {what} ...") as status:
        shown = -1

        def progress(done: int, total: int) -> None:
            nonlocal shown
            percent = 100 * done // max(total, 1)
            if percent != shown:
                shown = percent
                status.update(f"reading {what}: {percent} % of {size_text(total)}")

        yield progress
