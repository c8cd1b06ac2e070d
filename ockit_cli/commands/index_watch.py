"""`ockit index --watch`: a run for each burst of changes, until Ctrl-C."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from ockit.commands.index import shown
from ockit.commands.index_progress import IndexProgress
from ockit.commands.invocation import Invocation
from ockit.errors import ExitCode

if TYPE_CHECKING:
    from ockit.index.indexing.plan import IndexPlan
    from ockit.index.indexing.report import Report
    from ockit.index.places import IndexPlace

_PAUSE_S = 5.0
_PATIENCE = 60  # pauses; in all, five minutes


def watched(call: Invocation, plan: IndexPlan, place: IndexPlace, *, as_json: bool) -> ExitCode:
    """Index, then follow what changes. Ctrl-C ends it, which is no failure."""
    from ockit.index.indexing.run import index_folders
    from ockit.index.indexing.watching import changes_below
    from ockit.index.store.index_store import IndexStore
    from ockit.index.store.writer_lock import BeingWritten
    from ockit.interrupts import interruptible

    stop = threading.Event()

    def asked_to_stop() -> bool:
        stop.set()
        return True

    def run(plan: IndexPlan, patience: int = 0) -> Report:
        try:
            with IndexProgress(call, place.name, stop) as progress:
                return index_folders(plan, place, call.environment, on_event=progress.told, stop=stop)
        except BeingWritten as error:  # which another ockit is, for a while
            if not patience:
                raise
            call.console.warning(f"{error.what}; trying again")
            stop.wait(_PAUSE_S)
            return run(plan, patience - 1)

    own = [str(one) for one in (call.directories.data, call.directories.cache, call.directories.state)]
    with interruptible(asked_to_stop):
        report = run(plan)
        shown(call, report, as_json=as_json)
        known = {(one.path, one.reason) for one in report.failed}
        again = replace(plan, paths=(), include=None, exclude=None, embedder=None, rebuild=False)
        if not stop.is_set():
            with IndexStore.open(place) as store:
                folders = store.facts.roots
            word = "folder" if len(folders) == 1 else "folders"
            call.console.notice(f"watching {len(folders)} {word}; Ctrl-C ends it", style=None)
            for _ in changes_below(folders, own, stop):
                report = run(again, _PATIENCE)
                fresh = [one for one in report.failed if (one.path, one.reason) not in known]
                known = {(one.path, one.reason) for one in report.failed}
                if report.indexed or report.removed or report.moved or fresh:
                    shown(call, report, as_json=as_json, listed=fresh)
    return ExitCode.OK
