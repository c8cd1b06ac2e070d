"""`ockit models suggest`: models worth fetching that this machine can hold, out of `ockit.models.suggestions`."""

from __future__ import annotations

from typing import Annotated

import typer

from ockit.commands.invocation import invocation
from ockit.commands.model_verbs import AsJson


def suggest(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Those that do not fit too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Name openly licensed models that fit this machine's memory, the largest first. Asks no network."""
    from ockit.models.figures import size_text
    from ockit.models.free_memory import available
    from ockit.models.rough_memory import CONTEXT
    from ockit.models.suggestions import AS_OF, for_memory

    call = invocation(ctx)
    free = available()
    fitting, others = for_memory(free)
    rows = [*fitting, *(others if everything else ())]
    if as_json:
        shown = [
            {
                "title": row.title,
                "parameters": row.parameters,
                "repo": row.repo,
                "file": row.file,
                "size": row.size,
                "needs": row.needs,
                "fits": row in fitting,
                "license": row.license,
                "sha256": row.sha256,
                "note": row.note or None,
                "pull": row.command,
            }
            for row in rows
        ]
        call.console.json(
            {
                "schema_version": 1,
                "as_of": AS_OF,
                "available": free,
                "context": CONTEXT,
                "models": shown,
            }
        )
        return
    if call.environment.stdout_is_tty:  # a command that is cut cannot be copied: it has a line of its own
        for row in rows:
            facts = [row.parameters, f"{size_text(row.size)} to fetch", f"needs {size_text(row.needs)}"]
            fits = [] if row in fitting else ["does not fit"]
            call.console.line(row.title, style="bold")
            call.console.line("  " + ", ".join([*facts, *fits, row.license, *filter(None, [row.note])]))
            call.console.line(f"  {row.command}", style="cyan")
    else:
        call.console.table(
            ("MODEL", "PARAMS", "SIZE", "NEEDS", "FITS", "LICENSE", "NOTE", "PULL"),
            [
                (
                    row.title,
                    row.parameters,
                    size_text(row.size),
                    size_text(row.needs),
                    "yes" if row in fitting else "no",
                    row.license,
                    row.note,
                    row.command,
                )
                for row in rows
            ],
        )
    call.console.notice(f"as of {AS_OF}; {size_text(free)} of memory are available")
    call.console.notice(f"what a model needs is estimated: its file, a cache for {CONTEXT} tokens, 256 MiB")
    if others and not everything:
        call.console.notice(f"{len(others)} more do not fit: ockit models suggest --all")
