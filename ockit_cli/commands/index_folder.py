"""``--index-dir``: a folder's index made or refreshed before the first question, with a line on how far it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ockit.errors import NotFound, UsageError
from ockit.interrupts import interruptible

if TYPE_CHECKING:
    from ockit.commands.invocation import Invocation
    from ockit.index.indexing.report import IndexEvent


def indexed(run: Invocation, folder: Path) -> str:
    """Index what has changed in a folder; gives the index's name.

    Raises:
        NotFound, UsageError: there is no such folder.
        KeyboardInterrupt: it was stopped; what was indexed so far stays, and the next run goes on with it.
        OckitError: whatever indexing raises.
    """
    import threading

    from ockit.index.indexing.plan import IndexPlan, default_name
    from ockit.index.indexing.report import FileFailed, IndexNotice, Progress
    from ockit.index.indexing.run import index_folders
    from ockit.index.places import place_of

    console, path = run.console, run.environment.cwd / folder
    if not path.is_dir():
        if path.exists():
            raise UsageError("this is no folder", where=str(folder), hint="--index-dir FOLDER")
        raise NotFound("there is no such folder", where=str(folder), hint="--index-dir FOLDER")
    name = default_name(run.directories, (path,))
    stop = threading.Event()

    def ask() -> bool:
        was = stop.is_set()
        stop.set()
        return not was

    with console.status(f"indexing {folder}") as status, interruptible(ask):

        def tell(event: IndexEvent) -> None:
            if isinstance(event, Progress):
                of = f"{event.files} of {event.files_total} files" if event.files_total else event.stage
                status.update(f"indexing {folder}: {of}, {event.chunks} chunks")
            elif isinstance(event, FileFailed):
                console.warning(f"not indexed: {event.path}: {event.what}")
            elif isinstance(event, IndexNotice):
                console.notice(event.text)

        report = index_folders(
            IndexPlan((path,)), place_of(run.directories, name), run.environment, on_event=tell, stop=stop
        )
    if report.stopped:
        raise KeyboardInterrupt
    console.notice(
        f"index {name}: {report.indexed} files indexed, {report.unchanged} unchanged"
        + (f", {len(report.failed)} failed" if report.failed else "")
    )
    return name
