"""Text to the clipboard: by a program of the desktop, else by OSC 52, the sequence that asks the terminal to do it.

Knows the programs and the sequence (xterm's ctlseqs, "Operating System Commands", Ps = 52); does not know whether the
terminal obeys, for it does not answer. tmux passes the sequence on where it says ``set -g set-clipboard on``; no
wrapping is needed. GNU screen does not pass it on.
"""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ockit.errors import UsageError
from ockit.repl.programs import found

LARGEST_BASE64 = 74_000
"""Bytes of base64 in one sequence; the shortest limit of the terminals in use is a little above."""
_TIMEOUT_S = 2.0
_DEAF = ("", "dumb", "linux")  # terminals that show the sequence, or drop it


def osc52(text: str) -> str:
    """The sequence that sets the clipboard. Raises UsageError where the text is too large for one."""
    encoded = base64.b64encode(_encoded(text)).decode("ascii")
    if len(encoded) > LARGEST_BASE64:
        raise UsageError(
            f"the text has {len(_encoded(text)):,} bytes, and terminals take {LARGEST_BASE64 // 4 * 3:,} at most",
            hint="install wl-copy, xclip or xsel, or write it to a file with /export",
        )
    return f"\x1b]52;c;{encoded}\x07"


def copy(text: str, variables: Mapping[str, str], emit: Callable[[str], None]) -> str:
    """Put a text into the clipboard; gives in words how it went.

    `variables` are the process's; `emit` writes to the terminal as it stands, unsanitized. Each program has two
    seconds. Raises UsageError where there is neither a program that works nor a terminal that may do it.
    """
    failed = []
    for program, arguments in _programs(variables):
        trouble = _fed(program, arguments, text, variables)
        if not trouble:
            return f"copied {_size(text)} with {program.name}"
        failed.append(f"{program.name} {trouble}")
    because = f" ({'; '.join(failed)})" if failed else ""
    if variables.get("TERM", "") in _DEAF:
        raise UsageError(
            f"there is no way to the clipboard here{because}",
            hint="install wl-copy, xclip or xsel, or write it to a file with /export",
        )
    emit(osc52(text))
    tmux = "; in tmux this needs: set -g set-clipboard on" if variables.get("TMUX") else ""
    return f"sent {_size(text)} to the terminal's clipboard{because}; not every terminal takes it{tmux}"


def _programs(variables: Mapping[str, str]) -> Iterator[tuple[Path, tuple[str, ...]]]:
    known: tuple[tuple[str, tuple[str, ...], bool], ...] = (
        ("wl-copy", (), bool(variables.get("WAYLAND_DISPLAY"))),
        ("xclip", ("-selection", "clipboard"), bool(variables.get("DISPLAY"))),
        ("xsel", ("--clipboard", "--input"), bool(variables.get("DISPLAY"))),
        ("pbcopy", (), sys.platform == "darwin"),
    )
    for name, arguments, usable in known:
        path = found(name, variables) if usable else None
        if path is not None:
            yield path, arguments


def _fed(program: Path, arguments: tuple[str, ...], text: str, variables: Mapping[str, str]) -> str:
    """Run a program with the text on its input; empty where it took it, else what went wrong."""
    try:
        done = subprocess.run(
            [str(program), *arguments],
            input=_encoded(text),
            # a child of it stays behind to serve the clipboard, and would hold a pipe open
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=dict(variables),
            timeout=_TIMEOUT_S,
            start_new_session=True,  # Ctrl-C is for the chat
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"did not answer within {_TIMEOUT_S:g} s"
    except OSError as error:
        return f"cannot be run: {error.strerror or error}"
    return f"ended with code {done.returncode}" if done.returncode else ""


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _size(text: str) -> str:
    return f"{len(text):,} character{'s' * (len(text) != 1)}"
