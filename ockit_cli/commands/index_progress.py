"""How far indexing is, as a person follows it: a bar on a terminal, a line a ten percent elsewhere."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType

from ockit.commands.invocation import Invocation
from ockit.commands.transfer import duration
from ockit.index.indexing.report import FileFailed, IndexEvent, IndexNotice, Progress

_WINDOW_S = 20.0  # the rate is that of the last seconds
_REDRAW_S = 0.1
_BAR = 20  # columns
_STAGES = {"walking": "looking for files", "loading": "loading the embedder", "saving": "saving"}


class IndexProgress:
    """A context in which `told` may be called with what `ockit.index.indexing` says."""

    def __init__(self, call: Invocation, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        environment = call.environment
        self._console = call.console
        self._name = name
        self._clock = clock
        self._live = environment.stderr_is_tty and environment.variables.get("TERM") != "dumb"
        self._ends = ExitStack()
        self._points: deque[tuple[float, Progress]] = deque()
        self._drawn = float("-inf")
        self._tenth = 0

    def __enter__(self) -> IndexProgress:
        self._status = self._ends.enter_context(self._console.status(f"{self._name}: looking for files ..."))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.close()

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
        self._points.append((now, event))
        while now - self._points[0][0] > _WINDOW_S and len(self._points) > 2:
            self._points.popleft()
        if self._live:
            if now - self._drawn >= _REDRAW_S or event.files == event.files_total:
                self._drawn = now
                self._status.update(self._line(event, bar=True))
        else:
            tenth = int(10 * _share(event))
            if tenth > self._tenth:
                self._tenth = tenth
                self._console.notice(self._line(event, bar=False), style=None)

    def _line(self, event: Progress, *, bar: bool) -> str:
        share = _share(event)
        filled = round(_BAR * share)
        parts = [f"{event.files:,} of {event.files_total:,} files", f"{event.chunks:,} chunks"]
        (first, before), (last, after) = self._points[0], self._points[-1]
        if last - first >= 0.5:
            parts.append(f"{(after.embedded - before.embedded) / (last - first):,.0f} chunks/s")
            done = _share(after) - _share(before)
            if done > 0 and share < 1:
                parts.append(f"{duration((1 - share) * (last - first) / done)} left")
        drawn = f"{'━' * filled}{'─' * (_BAR - filled)} " if bar else f"{int(100 * share)} %, "
        return f"{self._name}: {drawn}{', '.join(parts)}"


def _share(event: Progress) -> float:
    """How much is done, from 0 to 1: by bytes, and by files where all are empty."""
    if event.bytes_total:
        return min(1.0, event.bytes_done / event.bytes_total)
    return event.files / max(1, event.files_total)
