"""`ockit index --watch`: a run for each burst of changes, until Ctrl-C."""

from __future__ import annotations

import threading
from collections.abc import Callable
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
_LONGEST_PAUSE_S = 60.0  # between looks for a disk that is away


def watched(call: Invocation, plan: IndexPlan, place: IndexPlace, *, as_json: bool) -> ExitCode:
    """Index, then follow what changes. Ctrl-C ends it, which is no failure."""
    from ockit.index.indexing.run import index_folders
    from ockit.index.indexing.watching import changes_below
    from ockit.index.store.index_store import IndexStore
    from ockit.interrupts import interruptible

    stop = threading.Event()

    def asked_to_stop() -> bool:
        stop.set()
        return True

    def run(plan: IndexPlan) -> Report:
        with IndexProgress(call, place.name, stop) as progress:
            return index_folders(plan, place, call.environment, on_event=progress.told, stop=stop)

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
        while not stop.is_set():
            for _ in changes_below(folders, own, stop):
                found, away = _patiently(call, lambda: run(again), stop)
                if found is None:
                    break
                fresh = [one for one in found.failed if (one.path, one.reason) not in known]
                known = {(one.path, one.reason) for one in found.failed}
                if found.indexed or found.removed or found.moved or fresh:
                    shown(call, found, as_json=as_json, listed=fresh)
                if away:  # what is watched is not the folder that came back
                    break
    return ExitCode.OK


def _patiently(
    call: Invocation, run: Callable[[], Report], stop: threading.Event
) -> tuple[Report | None, bool]:
    """What a run reports, None where the person ended it before; and whether a disk was away meanwhile.

    Raises:
        OckitError: as the run; another process writes the index all the time.
    """
    from ockit.index.indexing.nothing import Emptied
    from ockit.index.store.writer_lock import BeingWritten

    told: set[str] = set()
    pause, left, away = _PAUSE_S, _PATIENCE, False
    while not stop.is_set():
        try:
            return run(), away
        except BeingWritten as error:  # which another ockit is, for a while
            if not left and not stop.is_set():
                raise
            waiting, left = error.what, left - 1
        except Emptied as error:  # no folder of the index is brought up to date until it is back
            waiting, away = f"{error.where}: {error.what}; {error.hint}", True
            pause = min(2 * pause, _LONGEST_PAUSE_S)
        if waiting not in told:
            told.add(waiting)
            call.console.warning(f"{waiting}; trying again")
        stop.wait(pause)
    return None, away
