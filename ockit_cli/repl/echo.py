"""The terminal while an answer is printed: what is typed ahead waits for the next prompt, and is not shown before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ockit.environment import Environment


@contextmanager
def typing_unseen(environment: Environment) -> Iterator[None]:
    """Within the block, the terminal does not echo. Ctrl-C and what is typed still arrive."""
    try:
        import termios
    except ImportError:  # Windows echoes only what is read
        yield
        return
    if not environment.stdin_is_tty:
        yield
        return
    descriptor = environment.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    unseen = list(before)
    unseen[3] &= ~termios.ECHO
    termios.tcsetattr(descriptor, termios.TCSADRAIN, unseen)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
