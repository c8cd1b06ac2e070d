"""How far a download is, as a person follows it: one line on a terminal, a line a ten percent elsewhere."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType

from ockit.commands.invocation import Invocation
from ockit.models.figures import size_text

_WINDOW_S = 8.0  # speed is that of the last seconds: a connection's first one says little
_REDRAW_S = 0.1


class Transfer:
    """A context in which `told` may be called as an `ockit.models.hub_download.Progress`.

    Attributes:
        kept: in words, what is on the disk.
    """

    def __init__(self, call: Invocation, name: str, clock: Callable[[], float]) -> None:
        self.kept = "nothing has been fetched"
        self._console = call.console
        self._name = name
        self._clock = clock
        environment = call.environment
        self._live = environment.stderr_is_tty and environment.variables.get("TERM") != "dumb"
        self._ends = ExitStack()
        self._points: deque[tuple[float, int]] = deque()
        self._drawn = float("-inf")
        self._tenth = 0

    def __enter__(self) -> Transfer:
        self._status = self._ends.enter_context(self._console.status(f"{self._name} ..."))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.close()

    def told(self, what: str, done: int, total: int) -> None:
        """Note where the download stands and show it, now and then."""
        now = self._clock()
        if what == "fetching":
            self.kept = f"{size_text(done)} of {size_text(total)} are here"
            self._points.append((now, done))
            while now - self._points[0][0] > _WINDOW_S and len(self._points) > 2:
                self._points.popleft()
        else:
            self._points.clear()
        if self._live:
            if now - self._drawn >= _REDRAW_S or done == total:
                self._drawn = now
                self._status.update(self._line(what, done, total))
        elif what == "fetching" and total:
            tenth = 10 * done // total
            if tenth > self._tenth:
                self._tenth = tenth
                self._console.notice(self._line(what, done, total), style=None)

    def _line(self, what: str, done: int, total: int) -> str:
        percent = f"{100 * done // max(total, 1)} % of {size_text(total)}"
        if what == "waiting":
            return f"{self._name}: {percent}, the connection broke: trying again"
        if what == "checking":
            return f"{self._name}: reading what is here, {percent}"
        (first, before), (last, after) = self._points[0], self._points[-1]
        if last - first < 0.5 or after <= before:
            return f"{self._name}: {percent}"
        speed = (after - before) / (last - first)
        return f"{self._name}: {percent}, {speed / 1e6:.1f} MB/s, {duration((total - done) / speed)} left"


def duration(seconds: float) -> str:
    """``0:07``, ``12:30``, ``3:05:00``."""
    minutes, rest = divmod(round(min(seconds, 359_999)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
