"""The keys of the chat beyond prompt_toolkit's own emacs and vi keys.

Knows keys and the input line; what they set off is the screen's.
"""

from __future__ import annotations

from typing import Protocol

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition, has_completions, has_focus, vi_mode
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys

from ockit.repl.fence import is_open


class Screen(Protocol):
    """What the keys set off."""

    buffer: Buffer
    early: bool

    def submit(self) -> None:
        """Send what stands in the input line."""

    def interrupt(self) -> None:
        """Ctrl-C."""

    def leave(self) -> None:
        """Ctrl-D on an empty line."""

    def paste(self, data: str) -> None:
        """Take in what was pasted."""

    def edit(self) -> None:
        """Open the editor on the input line."""

    def clear(self) -> None:
        """Empty the screen."""

    def suspend(self) -> None:
        """Give the terminal back to the shell."""


def keys(screen: Screen) -> KeyBindings:
    """The bindings; they come before prompt_toolkit's own."""
    bindings = KeyBindings()
    at_prompt = has_focus(screen.buffer)
    empty = Condition(lambda: not screen.buffer.text)

    @bindings.add("enter", filter=at_prompt)
    def _enter(event: KeyPressEvent) -> None:
        if is_open(screen.buffer.text):
            screen.buffer.insert_text("\n")
        else:
            screen.submit()

    # vi's users press Escape and then Enter to send
    @bindings.add("escape", "enter", filter=at_prompt & ~vi_mode)
    @bindings.add("c-j", filter=at_prompt)
    def _newline(event: KeyPressEvent) -> None:
        if screen.early:  # typed before the keys were ours: the terminal made a line end of the Enter
            _enter(event)
        else:
            screen.buffer.insert_text("\n")

    @bindings.add("escape", filter=at_prompt & has_completions & ~vi_mode, eager=True)
    def _close_menu(event: KeyPressEvent) -> None:
        screen.buffer.cancel_completion()

    @bindings.add("c-c", filter=at_prompt)
    @bindings.add("<sigint>")
    def _interrupt(event: KeyPressEvent) -> None:
        screen.interrupt()

    @bindings.add("c-d", filter=at_prompt & empty)
    def _leave(event: KeyPressEvent) -> None:
        screen.leave()

    @bindings.add("c-l")
    def _clear(event: KeyPressEvent) -> None:
        screen.clear()

    @bindings.add("c-x", "c-e", filter=at_prompt)
    def _edit(event: KeyPressEvent) -> None:
        screen.edit()

    @bindings.add("c-z")
    def _suspend(event: KeyPressEvent) -> None:
        screen.suspend()

    @bindings.add(Keys.BracketedPaste, filter=at_prompt)
    def _paste(event: KeyPressEvent) -> None:
        screen.paste(event.data)

    return bindings
