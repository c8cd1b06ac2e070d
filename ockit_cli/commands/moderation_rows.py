"""What the commands that read labelled rows share: bad rows told, labels given levels, progress."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ockit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ockit.commands.invocation import Invocation
    from ockit.console import Console
    from ockit.moderation.training.rows import BadRow

TOLD = 10
"""Bad rows that are named one by one."""
_REDRAW_S = 0.1

LabelledFile = Annotated[
    Path,
    typer.Argument(
        metavar="DATA.jsonl",
        help='Lines of {"text": TEXT, "level": 0-4} or {"text": TEXT, "label": NAME}; "categories" too, if any.',
        show_default=False,
    ),
]

Mapped = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="LABEL=LEVEL",
        help="The level 0 to 4 of a label of your own, such as spam=3 (repeatable).",
    ),
]


def tell_bad(console: Console, bad: Sequence[BadRow]) -> None:
    """Name the rows that cannot be used, the first ones each with its line."""
    for one in bad[:TOLD]:
        console.warning(f"{one.where}: {one.what}")
    if len(bad) > TOLD:
        last = bad[-1].where
        console.warning(f"{len(bad) - TOLD:,} more rows cannot be used, the last in {last}")


def levels_of(mapped: Sequence[str]) -> dict[str, int]:
    """``LABEL=LEVEL`` as a table. Raises UsageError."""
    from ockit.moderation.training.levels import level_named

    found: dict[str, int] = {}
    for pair in mapped:
        label, equals, text = pair.rpartition("=")
        level = int(text) if text in ("0", "1", "2", "3", "4") else level_named(text)
        if not equals or not label.strip() or level is None:
            raise UsageError(
                f"--map is {pair!r}, but must be LABEL=LEVEL with a level from 0 to 4", hint="--map spam=3"
            )
        found[label.strip()] = level
    return found


@contextmanager
def progress(call: Invocation, name: str) -> Iterator[Callable[[str, int, int], None]]:
    """What may be told what is done, how many of it and of how many: a status line on a terminal, a line for each
    quarter of what is long elsewhere."""
    console = call.console
    begun, drawn, told = time.monotonic(), float("-inf"), {"": 0}
    with console.status(f"{name} ...") as status:

        def tell(what: str, done: int, total: int) -> None:
            nonlocal drawn
            now = time.monotonic()
            if now - drawn >= _REDRAW_S or done == total:
                drawn = now
                rate = done / max(now - begun, 1e-6)
                left = f", {(total - done) / rate:.0f} s left" if 0 < done < total and now - begun > 1 else ""
                status.update(f"{name}: {done:,} of {total:,} {what}{left}")
            quarter = 4 * done // max(total, 1)
            if not call.environment.stderr_is_tty and total >= 1000 and quarter > told.get(what, 0):
                told[what] = quarter
                console.notice(f"{name}: {done:,} of {total:,} {what}", style=None)

        yield tell
