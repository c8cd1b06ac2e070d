"""Talking to the drawn chat as a person does: type, wait until it rests, look at the screen."""

from __future__ import annotations

from terminal import Terminal

RUNNING = "●"


def bar(screen: Terminal) -> str:
    """The bottom bar: the last line that is not blank."""
    return next((row for row in reversed(screen.rows) if row.strip()), "")


def rests(screen: Terminal) -> bool:
    """The cursor stands in a prompt, the bar stands below it, and nothing runs."""
    y, _ = screen.cursor
    above = screen.rows[: y + 1]
    below = bar(screen)
    return any(row.startswith(">") for row in above) and below.startswith(" ") and RUNNING not in below


def started(screen: Terminal) -> None:
    """The chat is open and waits."""
    screen.until(lambda s: rests(s) and "smollm2" in bar(s), "the prompt")


def send(screen: Terminal, text: str) -> None:
    """Type a text and send it; it runs when this returns (or is over already)."""
    before = screen.raw.count(RUNNING.encode())
    screen.send(text + "\r")
    screen.until(lambda s: s.raw.count(RUNNING.encode()) > before, f"the start of {text!r}")


def enter(screen: Terminal, text: str, timeout: float = 60.0) -> str:
    """Send a text and wait for its end; gives the screen."""
    send(screen, text)
    screen.until(rests, f"the end of {text!r}", timeout)
    return screen.screen


def leave(screen: Terminal) -> None:
    """Ctrl-D; the chat ends well."""
    screen.send("\x04")
    assert screen.end() == 0
    assert b"Traceback" not in screen.raw
