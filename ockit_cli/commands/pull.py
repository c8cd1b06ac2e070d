"""`ockit models pull`: a model from a hub. The one command that uses the network; `ockit.models.hub_pull` does it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from ockit.commands.invocation import Invocation, invocation
from ockit.commands.model_verbs import Aliases, AsJson, NewName, open_registry
from ockit.errors import ExitCode

if TYPE_CHECKING:
    from ockit.models.hub_pull import Several


def pull(
    ctx: typer.Context,
    repo: Annotated[
        str,
        typer.Argument(
            metavar="REPO[:FILE]",
            help="OWNER/NAME on the hub; FILE is a file's name or a quantization such as Q4_K_M.",
            show_default=False,
        ),
    ],
    name: NewName = None,
    alias: Aliases = None,
    revision: Annotated[
        str | None, typer.Option("--revision", metavar="REV", help="A branch, a tag or a commit.")
    ] = None,
    sha256: Annotated[
        str | None, typer.Option("--sha256", metavar="HEX", help="The digest that the file must have.")
    ] = None,
    as_json: AsJson = False,
) -> ExitCode:
    """Fetch a GGUF model from a hub (Hugging Face) and note it under a name; goes on where it was stopped."""
    from ockit.commands.transfer import Transfer
    from ockit.models.hub import Hub
    from ockit.models.hub_files import Wanted, wanted
    from ockit.models.hub_pull import Several, fetch, plan

    call = invocation(ctx)
    meant = wanted(repo)
    if revision is not None:
        meant = Wanted(meant.repo, meant.file, revision)
    hub = Hub.of(call.environment.variables)
    with open_registry(call) as registry:
        try:
            with call.console.status(f"asking {hub.endpoint} ..."):
                planned = plan(
                    hub, registry, call.directories, meant, name=name, aliases=alias or (), sha256=sha256
                )
        except Several as several:
            _list(call, several)
            raise
        for text in planned.notes:
            call.console.warning(text)
        transfer = Transfer(call, planned.model.path, time.monotonic)
        try:
            with transfer:
                added = fetch(hub, registry, planned, transfer.told)
        except KeyboardInterrupt:
            call.console.notice(f"stopped: {transfer.kept}; the same command goes on from there", style=None)
            return ExitCode.INTERRUPTED
        if as_json:
            call.console.json(
                {
                    "schema_version": 1,
                    "outcome": added.outcome,
                    "name": added.entry.name,
                    "license": planned.listing.license,
                    "revision": planned.listing.commit,
                    "model": added.entry.to_json(),
                }
            )
        said = {"added": "added as", "already": "already here as", "updated": "here anew as"}
        call.console.notice(
            f"{said[added.outcome]} {added.entry.name}; talk to it: ockit chat -m {added.entry.name}"
        )
    return ExitCode.OK


def _list(call: Invocation, several: Several) -> None:
    """What there is to choose from, on stderr: it is part of the refusal."""
    from ockit.models.figures import size_text

    words = {True: "fits", False: "does not fit", None: ""}
    rows = [
        (model.path, size_text(model.size) or "?", model.quantization or "", words[fits])
        for model, fits in several.rows
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        text = "  ".join(cell.ljust(size) for cell, size in zip(row, (*widths, 0), strict=True))
        call.console.notice(text.rstrip(), style=None)
