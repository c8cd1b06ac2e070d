"""``--index-dir``: a folder's index, made or brought up to date before the first question."""

from __future__ import annotations

import shlex
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from ockit.errors import InterruptedByUser, NotFound, UsageError
from ockit.interrupts import interruptible

if TYPE_CHECKING:
    from ockit.commands.invocation import Invocation


def indexed(run: Invocation, folder: Path) -> str:
    """Index what has changed in a folder, as `ockit index` does; gives the index's name. Where another ockit is at it,
    what the index holds has to do.

    Raises:
        NotFound, UsageError: there is no such folder.
        KeyboardInterrupt: it was stopped; what was indexed so far stays, and the next run goes on with it.
        OckitError: whatever indexing raises.
    """
    from ockit.commands.index import agreed, closing_line
    from ockit.commands.index_progress import IndexProgress
    from ockit.index.indexing.plan import IndexPlan, default_name
    from ockit.index.indexing.run import index_folders
    from ockit.index.places import place_of
    from ockit.index.store.writer_lock import BeingWritten

    path = run.environment.cwd / folder.expanduser()
    if not path.is_dir():
        if path.exists():
            raise UsageError("this is no folder", where=str(folder), hint="--index-dir FOLDER")
        raise NotFound("there is no such folder", where=str(folder), hint="--index-dir FOLDER")
    name = default_name(run.directories, (path,))
    stop = threading.Event()

    def ask() -> bool:
        stop.set()
        return True

    plan, place = IndexPlan((path,)), place_of(run.directories, name)
    try:
        if not agreed(run, plan, place):
            raise InterruptedByUser("nothing was indexed", hint="--index-dir FOLDER, with fewer files in it")
    except UsageError as error:  # nobody can be asked
        raise UsageError(
            f"--index-dir {folder} is very much to index, and there is no terminal to ask on",
            where=str(path),
            hint=f"if it is meant: ockit index --yes {shlex.quote(str(path))}",
        ) from error
    try:
        with interruptible(ask), IndexProgress(run, name, stop) as progress:
            report = index_folders(plan, place, run.environment, on_event=progress.told, stop=stop)
    except BeingWritten as error:
        if not place.exists:  # the other has only begun to make it
            raise
        run.console.notice(f"{error.what}; answers come from what it holds so far")
        return name
    if report.stopped:
        raise KeyboardInterrupt
    run.console.notice(closing_line(report))
    if report.failed:
        run.console.notice(f"ockit indexes show {name} --failed lists what could not be read")
    return name
