"""The one place that writes to the screen: answers to stdout, everything else to stderr, all of it sanitized.

Knows streams, colour and columns; knows no command. What it prints depends on the stream alone: a terminal gets
aligned tables, colour and a status line, anything else gets plain text, tabs between columns and no status.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

from ockit.environment import Environment
from ockit.errors import OckitError, StoreError, UsageError
from ockit.text import (
    StreamSanitizer,
    folded,
    one_line,
    sanitize,
    sanitize_styled,
    shorten,
    width,
    without_styles,
)

_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_STATUS_DELAY_S = 0.3  # what is faster needs no word
_PLACE = "   at: "


class Console:
    """Writes to an environment's streams. One a process; `status` uses a timer thread, the rest does not.

    Args:
        columns: how wide a line may be, for streams that lead to a terminal on a detour; else `columns` finds out.
    """

    def __init__(self, environment: Environment, columns: Callable[[], int] | None = None) -> None:
        self._environment = environment
        self._given_columns = columns
        self._stream = StreamSanitizer()
        self._lock = threading.RLock()
        self._status = ""  # the line that stands on the terminal now
        self._at_line_start = True  # of stdout
        for stream in (environment.stdout, environment.stderr):
            reconfigure = getattr(stream, "reconfigure", None)
            if reconfigure is not None:  # an ASCII locale shows \u2026 instead of failing
                reconfigure(errors="backslashreplace")

    @property
    def columns(self) -> int:
        """How wide a line of stdout may be: as given, else COLUMNS, else the terminal, else 80."""
        return self._columns(self._environment.stdout)

    def write(self, text: str) -> None:
        """A piece of an answer, at once, to stdout; half a grapheme waits for its rest."""
        with self._lock:
            self._clear_status()
            self._out(self._stream.feed(text), flush=True)

    def line(self, text: str = "", *, style: str | None = None, hang: int | None = None) -> None:
        """A line (or several) to stdout; what `write` holds back comes first.

        Args:
            hang: prose for people: on a terminal it is broken at words, and what does not fit on the first line is
                indented by so many columns. None leaves the text as it is.
        """
        stdout = self._environment.stdout
        safe = sanitize(text)
        if hang is not None and stdout.isatty():
            safe = folded(safe, self.columns, hang)
        with self._lock:
            self._clear_status()
            held = self._stream.flush()
            self._out(held + self._painted(stdout, safe, style) + "\n")

    def styled(self, text: str) -> None:
        """Lines that bear SGR sequences to stdout, at once; without the sequences where it takes no colour."""
        safe = sanitize_styled(text)
        if not self._environment.colour(self._environment.stdout):
            safe = without_styles(safe)
        with self._lock:
            self._clear_status()
            self._out(self._stream.flush() + safe, flush=True)

    def json(self, obj: object) -> None:
        """An object as one line of ASCII JSON; dataclasses, paths, sets and enums may be in it."""
        import json

        text = json.dumps(obj, ensure_ascii=True, separators=(",", ":"), default=_plain, allow_nan=False)
        with self._lock:
            self._clear_status()
            held = self._stream.flush()
            # DEL is the one control character that JSON leaves as it is.
            self._out(held + text.replace("\x7f", "\\u007f") + "\n", flush=True)

    def table(
        self, columns: Sequence[str], rows: Sequence[Sequence[object]], *, optional: Sequence[int] = ()
    ) -> None:
        """Rows under a heading: aligned on a terminal, where a row is one line; tab-separated lines elsewhere.

        Args:
            rows: a cell that is None is empty.
            optional: columns that are left out, the first one first, where a terminal is too narrow.
        """
        if not self._environment.stdout_is_tty:
            for row in (columns, *rows):
                self.line("\t".join(_field(cell) for cell in row))
            return
        texts = [["" if cell is None else one_line(str(cell)) for cell in row] for row in rows]
        right = [
            bool(rows) and all(isinstance(row[i], int | float) for row in rows) for i in range(len(columns))
        ]
        available = self.columns
        sizes = _fitted(columns, texts, available, optional, right)
        for number, row in enumerate([list(columns), *texts]):
            cells = []
            for i, size in sizes.items():
                cut = shorten(row[i], size)
                gap = " " * (size - width(cut))
                cells.append(gap + cut if right[i] else cut + gap)
            line = shorten("  ".join(cells).rstrip(), available)
            self.line(line, style="bold" if number == 0 else None)

    def notice(self, text: str, *, style: str | None = "dim") -> None:
        """Something worth knowing that is not the answer, to stderr."""
        self._to_stderr([("", None, text)], style)

    def warning(self, text: str) -> None:
        """Something that will probably matter, to stderr."""
        self._to_stderr([("warning: ", "yellow", text)])

    def error(self, error: OckitError) -> None:
        """What happened, where, and what to type next, to stderr."""
        lines: list[tuple[str, str | None, str]] = [("error: ", "red", error.what)]
        if error.where:
            lines.append((_PLACE, "dim", one_line(error.where)))
        if error.hint:
            lines.append(("  try: ", "cyan", error.hint))
        self._to_stderr(lines)

    def confirm(self, question: str) -> bool:
        """A yes-or-no question on the terminal; anything but yes is no. Without a terminal: UsageError."""
        environment = self._environment
        if not (environment.stdin_is_tty and environment.stderr_is_tty):
            raise UsageError(
                f"this needs a yes, and there is no terminal to ask on: {question}", hint="--yes answers it"
            )
        answer = self.read_line(f"{question} [y/N] ")
        return (answer or "").strip().lower() in ("y", "yes")

    def read_line(self, prompt: str) -> str | None:
        """A line of stdin without its end, None once there is no more. Only a terminal shows the prompt."""
        environment = self._environment
        with self._lock:
            self._clear_status()
            self._out(self._stream.flush(), flush=True)
            if environment.stdin_is_tty:
                self._err(self._styled(environment.stderr, prompt, "bold"))
        line = environment.stdin.readline()
        self._at_line_start = True  # the person's own newline
        return line.decode("utf-8", "replace").rstrip("\r\n") if line else None

    @contextmanager
    def status(self, text: str) -> Iterator[Status]:
        """A line on the terminal while something takes long; gone afterwards, and never there for what is fast."""
        status = Status(self, text)
        timer = threading.Timer(_STATUS_DELAY_S, status.show)
        timer.daemon = True
        if self._environment.stderr_is_tty and self._environment.variables.get("TERM") != "dumb":
            timer.start()
        try:
            yield status
        finally:
            timer.cancel()
            status.close()

    def flush(self) -> None:
        """Everything on its way, what `write` holds back included."""
        with self._lock:
            self._clear_status()
            self._out(self._stream.flush(), flush=True)

    def _out(self, text: str, *, flush: bool = False) -> None:
        stdout = self._environment.stdout
        try:
            if text:
                stdout.write(text)
                self._at_line_start = text.endswith("\n")
            if flush:
                stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise unwritable(error) from error

    def _err(self, text: str) -> None:
        self._environment.stderr.write(text)
        self._environment.stderr.flush()

    def _columns(self, stream: TextIO) -> int:
        if self._given_columns is not None:
            return max(1, self._given_columns())
        given = self._environment.variables.get("COLUMNS", "")
        if given.isdecimal() and int(given) > 0:
            return int(given)
        try:
            found = os.get_terminal_size(stream.fileno()).columns
        except (OSError, ValueError):  # no terminal, or closed
            found = 0
        return found or 80  # a serial line does not know its width

    def _styled(self, stream: TextIO, text: str, style: str | None) -> str:
        return self._painted(stream, sanitize(text), style)

    def _painted(self, stream: TextIO, safe: str, style: str | None) -> str:
        if style is None or not safe or not self._environment.colour(stream):
            return safe
        return f"\x1b[{_STYLES[style]}m{safe}\x1b[0m"

    def _to_stderr(self, lines: Sequence[tuple[str, str | None, str]], style: str | None = None) -> None:
        stderr = self._environment.stderr
        told = []
        for label, colour, text in lines:
            safe = sanitize(text)
            if stderr.isatty() and label != _PLACE:  # a place is copied as a whole
                safe = folded(safe, self._columns(stderr), hang=len(label), used=len(label))
            told.append(self._painted(stderr, label, colour) + self._painted(stderr, safe, style))
        with self._lock:
            self._clear_status()
            if self._environment.stdout_is_tty and not self._at_line_start:
                self._out("\n")  # the person sees both streams: not behind half an answer
            self._out("", flush=True)  # where both go to one file, the order is that of the calls
            self._err("\n".join(told) + "\n")

    def _set_status(self, text: str) -> None:
        with self._lock:
            self._clear_status()
            if self._at_line_start:  # clearing the line must not take half an answer with it
                stderr = self._environment.stderr
                self._status = shorten(one_line(text), self._columns(stderr) - 1)
                self._err(self._styled(stderr, self._status, "dim"))

    def _clear_status(self) -> None:
        if self._status:
            self._status = ""
            self._err("\r\x1b[K")


def unwritable(error: OSError) -> StoreError:
    """What it means that a stream cannot be written."""
    return StoreError(f"cannot write the output: {error.strerror or error}", hint="look at where stdout goes")


class Status:
    """A status line that is being shown, or will be once it has lasted long enough."""

    def __init__(self, console: Console, text: str) -> None:
        self._console = console
        self._text = text
        self._visible = False
        self._closed = False

    def update(self, text: str) -> None:
        """Say something else from now on."""
        with self._console._lock:
            self._text = text
            if self._visible and not self._closed:
                self._console._set_status(text)

    def show(self) -> None:
        """Put it on the terminal, unless it is over already."""
        with self._console._lock:
            if not self._closed:
                self._visible = True
                self._console._set_status(self._text)

    def close(self) -> None:
        """Take it off the terminal."""
        with self._console._lock:
            self._closed = True
            if self._visible:
                self._console._clear_status()


def _plain(obj: object) -> Any:
    import dataclasses
    from enum import Enum
    from pathlib import PurePath

    if dataclasses.is_dataclass(obj) and not isinstance(obj, type):
        return dataclasses.asdict(obj)
    if isinstance(obj, Mapping):
        return dict(obj)
    if isinstance(obj, set | frozenset):
        return sorted(obj)
    if isinstance(obj, PurePath):
        return str(obj)
    if isinstance(obj, Enum):
        return obj.value
    raise TypeError(f"{type(obj).__name__} has no JSON form")


def _field(cell: object) -> str:
    """A cell as text for programs: a tab, a newline and the backslash itself are escaped."""
    text = "" if cell is None else str(cell)
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\r", "\\r").replace("\n", "\\n")


def _fitted(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    available: int,
    optional: Sequence[int],
    numbers: Sequence[bool],
) -> dict[int, int]:
    """The width of each column that is shown: as wide as the content where the line has room for that.

    Where it has not, the widest columns become narrower, down to 8; then optional ones go; then text becomes as
    narrow as 3, and at last everything as narrow as 1: half a number is worse than half a word.
    """
    sizes = {i: max(map(width, (head, *(row[i] for row in rows)))) for i, head in enumerate(columns)}

    def narrow(least: int, which: Collection[int]) -> None:
        excess = sum(sizes.values()) + 2 * (len(sizes) - 1) - available
        while excess > 0 and (widest := max(which, key=sizes.__getitem__, default=-1)) >= 0:
            if sizes[widest] <= least:
                break
            sizes[widest] -= 1
            excess -= 1

    def fits(least: int) -> bool:
        return sum(min(size, least) for size in sizes.values()) + 2 * (len(sizes) - 1) <= available

    for column in optional:
        if fits(8):
            break
        del sizes[column]
    narrow(8, sizes)
    narrow(3, [i for i in sizes if not numbers[i]])
    narrow(1, sizes)
    return sizes
