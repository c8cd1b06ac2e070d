"""How far indexing is, as a person follows it: a bar on a terminal, a line a ten percent elsewhere."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType

from ockit.commands.invocation import Invocation
from ockit.commands.transfer import duration
from ockit.index.indexing.report import FileFailed, IndexEvent, IndexNotice, Progress
from ockit.text import one_line

_WINDOW_S = 20.0  # the rate is that of the last seconds
_REDRAW_S = 0.1
_LOOK_S = 0.2
_BAR = 20  # columns
_STILL_S = 4.0  # a bar that has not moved for so long says what it waits for
_STAGES = {"walking": "looking for files", "loading": "loading the embedder", "saving": "saving"}


class IndexProgress:
    """A context in which `told` may be called with what `ockit.index.indexing` says.

    Args:
        stop: set once the person wants an end; what that takes is then said.
    """

    def __init__(
        self,
        call: Invocation,
        name: str,
        stop: threading.Event,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        environment = call.environment
        self._console = call.console
        self._name = name
        self._clock = clock
        self._live = environment.stderr_is_tty and environment.variables.get("TERM") != "dumb"
        self._ends = ExitStack()
        self._points: deque[tuple[float, Progress]] = deque()
        self._drawn = float("-inf")
        self._tenth = 0
        self._share = 0.0
        self._moved = clock()
        self._stop, self._over = stop, threading.Event()

    def __enter__(self) -> IndexProgress:
        self._status = self._ends.enter_context(self._console.status(f"{self._name}: looking for files ..."))
        # a thread: the one that indexes may be deep in something when the person wants an end
        threading.Thread(target=self._say_stopping, name="stopping", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._ends.close()

    def _say_stopping(self) -> None:
        while not self._over.is_set():
            if self._stop.wait(_LOOK_S):
                if not self._over.wait(_LOOK_S):  # what ends at once needs no word
                    self._console.notice("stopping; Ctrl-C again ends it at once", style=None)
                return

    def told(self, event: IndexEvent) -> None:
        """Note what is said and show it, now and then."""
        if isinstance(event, IndexNotice):
            self._console.notice(event.text)
        elif isinstance(event, FileFailed):
            pass  # listed at the end, where it is not scrolled away
        elif event.stage != "indexing":
            self._status.update(f"{self._name}: {_STAGES[event.stage]} ...")
        else:
            self._measured(event)

    def _measured(self, event: Progress) -> None:
        now = self._clock()
        if (
            not self._points
            or event.chunks > self._points[-1][1].chunks
            or event.files > self._points[-1][1].files
        ):
            self._moved = now
        self._share = max(self._share, event.share)  # what is left is an estimate, but a bar does not go back
        self._points.append((now, event))
        while now - self._points[0][0] > _WINDOW_S and len(self._points) > 2:
            self._points.popleft()
        if self._live:
            if now - self._drawn >= _REDRAW_S or event.files == event.files_total:
                self._drawn = now
                self._status.update(self._line(event, bar=True))
        else:
            tenth = int(10 * self._share)
            if tenth > self._tenth:
                self._tenth = tenth
                self._console.notice(self._line(event, bar=False), style=None)

    def _line(self, event: Progress, *, bar: bool) -> str:
        share = self._share
        filled = round(_BAR * share)
        parts = [f"{event.files:,} of {event.files_total:,} files", f"{event.chunks:,} chunks"]
        (first, before), (last, after) = self._points[0], self._points[-1]
        if last - first >= 0.5:
            rate = (after.chunks - before.chunks) / (last - first)
            parts.append(f"{rate:,.0f} chunks/s")
            if rate > 0 and event.chunks_left >= 1:
                parts.append(f"{duration(event.chunks_left / rate)} left")
        if bar and event.file and last - self._moved >= _STILL_S:
            parts.append(f"at {one_line(event.file)}")
        drawn = f"{'━' * filled}{'─' * (_BAR - filled)} " if bar else f"{int(100 * share)} %, "
        return f"{self._name}: {drawn}{', '.join(parts)}"
