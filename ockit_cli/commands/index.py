"""`ockit index`: folders into an index, or an index brought up to date. `ockit.index.indexing` does it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ockit.commands.invocation import Invocation, invocation
from ockit.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from ockit.index.indexing.plan import IndexPlan
    from ockit.index.indexing.report import FileFailed, Report
    from ockit.index.places import IndexPlace

_LISTED = 10


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(index)


def index(
    ctx: typer.Context,
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH...",
            help="Folders or files; they are added to what the index holds. None: what it holds already.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name", metavar="NAME", help="What to call it; else it is named after the first folder."
        ),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on until Ctrl-C, following what changes.")
    ] = False,
    rebuild: Annotated[
        bool,
        typer.Option(
            "--rebuild", help="Read and embed everything anew; PATHs take the place of the old ones."
        ),
    ] = False,
    include: Annotated[
        list[str] | None,
        typer.Option(
            "--include",
            metavar="GLOB",
            help="Only files like this, as in .gitignore; may be given again. '': all.",
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude",
            metavar="GLOB",
            help="No files like this, as in .gitignore; may be given again. '': none.",
        ),
    ] = None,
    embedder: Annotated[
        str | None,
        typer.Option(
            "--embedder",
            metavar="NAME",
            help="all-minilm-l6-v2 (the one that is installed), a sentence-transformers model by folder or name, "
            "or openai:URL#MODEL.",
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask, be it the whole home directory or machine.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout for each run.")] = False,
) -> ExitCode:
    """Index folders, so that search, ask and chat find what is in them."""
    from ockit.index.indexing.plan import IndexPlan, default_name
    from ockit.index.live.sources import refuse_source
    from ockit.index.places import place_of

    call = invocation(ctx)
    if not paths and name is None:
        raise UsageError(
            "there is nothing to index: no PATH, and no --name of an index that is there",
            hint="ockit index FOLDER",
        )
    if watch and dry_run:
        raise UsageError("--watch and --dry-run exclude each other", hint="leave one of them out")
    plan = IndexPlan(
        tuple(call.environment.cwd / Path(path).expanduser() for path in paths or ()),
        tuple(include) if include else None,
        tuple(exclude) if exclude else None,
        embedder,
        rebuild,
        dry_run,
    )
    if name is None:
        name = default_name(call.directories, plan.paths)
    place = place_of(call.directories, name)
    if not place.exists:
        refuse_source(name, call.directories)
    if not yes and not agreed(call, plan, place):
        call.console.notice("nothing was indexed")
        return ExitCode.FAILURE
    if watch:
        from ockit.commands.index_watch import watched

        return watched(call, plan, place, as_json=as_json)
    return run_once(call, plan, place, as_json=as_json)


def agreed(call: Invocation, plan: IndexPlan, place: IndexPlace) -> bool:
    """Whether the person wants this, which is asked where it is very much. Raises UsageError: nobody can be asked."""
    from ockit.index.indexing.plan import breadth, roots_of

    home = call.environment.variables.get("HOME")
    wide = breadth(roots_of(plan.paths), Path(home) if home else None, place)
    if wide is None:
        return True
    better = "a folder of documents is found faster and answers better"
    if plan.dry_run:
        call.console.warning(f"this is {wide}; {better}")
        return True
    return call.console.confirm(f"Index {wide}? ({better})")


def run_once(call: Invocation, plan: IndexPlan, place: IndexPlace, *, as_json: bool) -> ExitCode:
    """One run, shown, and what its end means for the exit code."""
    from ockit.commands.index_progress import IndexProgress
    from ockit.index.indexing.run import index_folders
    from ockit.interrupts import interruptible

    stop = threading.Event()

    def asked_to_stop() -> bool:
        stop.set()
        return True

    with interruptible(asked_to_stop), IndexProgress(call, place.name, stop) as progress:
        report = index_folders(plan, place, call.environment, on_event=progress.told, stop=stop)
    shown(call, report, as_json=as_json)
    if report.stopped:
        call.console.notice(stopped_line(report), style=None)
        return ExitCode.INTERRUPTED
    if not report.dry_run and not as_json and report.indexed + report.unchanged:
        call.console.notice(f"ask it: ockit search QUESTION -i {report.name}, ockit chat -i {report.name}")
    return ExitCode.PARTLY_DONE if report.failed else ExitCode.OK


def shown(
    call: Invocation, report: Report, *, as_json: bool, listed: Sequence[FileFailed] | None = None
) -> None:
    """The closing line, and the files that failed: all of them, or those that are `listed`."""
    if as_json:
        call.console.json(report_json(report))
        return
    told = report.failed if listed is None else listed
    for failed in told[:_LISTED]:
        call.console.warning(_told(failed))
    if len(told) > _LISTED:
        more = f"{len(told) - _LISTED} more failed"
        listing = f": ockit indexes show {report.name} --failed lists them" if not report.dry_run else ""
        call.console.warning(more + listing)
    call.console.line(closing_line(report))


def closing_line(report: Report) -> str:
    """What was done, in one line."""
    why = ", ".join(f"{reason}: {n}" for reason, n in sorted(report.skipped.items(), key=lambda one: -one[1]))
    unchanged = f"unchanged {report.unchanged}" + (f" (moved: {report.moved})" if report.moved else "")
    parts = [f"{'would index' if report.dry_run else 'indexed'} {report.indexed}", unchanged]
    if report.removed:
        parts.append(f"removed {report.removed}")
    parts.append(f"skipped {sum(report.skipped.values())}" + (f" ({why})" if why else ""))
    parts.append(f"failed {len(report.failed)}")
    if report.left:
        parts.append(f"left {report.left}")
    return f"{report.name}: {' / '.join(parts)}"


def stopped_line(report: Report) -> str:
    """What an early end means for what was done."""
    if report.dry_run:
        return "stopped; nothing was changed"
    if report.forgotten:
        return "stopped; nothing was done yet"
    return "stopped; what was done is kept, and the same command goes on from there"


def report_json(report: Report) -> dict[str, object]:
    """A run for programs."""
    return {
        "schema_version": 1,
        "name": report.name,
        "dry_run": report.dry_run,
        "stopped": report.stopped,
        "indexed": report.indexed,
        "unchanged": report.unchanged,
        "moved": report.moved,
        "removed": report.removed,
        "left": report.left,
        "skipped": dict(sorted(report.skipped.items())),
        "failed": [{"path": one.path, "reason": one.reason, "message": one.what} for one in report.failed],
        "chunks": report.chunks,
        "embedded": report.embedded,
        "seconds": round(report.seconds, 3),
    }


def _told(failed: FileFailed) -> str:
    from ockit.text import one_line

    return f"{one_line(failed.path)}: {failed.what}"
