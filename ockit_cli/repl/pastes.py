"""What is pasted: made clean, and shown in the input line as a short placeholder where it is long.

Knows text only. A placeholder stands for its text as long as the `Pastes` that made it lives; in the next chat it is
text like any other.
"""

from __future__ import annotations

import re

MOST_LINES = 20
MOST_CHARACTERS = 2_000
MOST_HELD = 64 << 20
"""Characters that the pastes of a chat may have together; the oldest are forgotten."""

# C0 but tab and newline, DEL, C1, and the surrogates that stand for bytes which were no UTF-8
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]+")
_PLACEHOLDER = re.compile(r"\[pasted \d+: [\d,]+ (?:lines|characters)\]")


def clean(data: str) -> tuple[str, int]:
    """Text without control characters, and how many were taken out.

    Line ends become newlines and are not counted; tabs stay. What was no UTF-8 (lone surrogates) goes too.
    """
    text = data.replace("\r\n", "\n").replace("\r", "\n")
    kept = _CONTROL.sub("", text)
    return kept, len(text) - len(kept)


class Pastes:
    """The long pastes of one chat: the last of them, 64 Mi characters together, and always the very last."""

    def __init__(self, most: int = MOST_HELD) -> None:
        self._most = most
        self._texts: dict[str, str] = {}  # the oldest first
        self._placeholders: dict[str, str] = {}
        self._held = 0  # characters
        self._made = 0
        self._gone: set[str] = set()

    def shrink(self, data: str) -> str:
        """What to put into the input line: `data` itself, or the placeholder of a long one.

        Long is more than 20 lines or 2,000 characters. The same text has the same placeholder.
        """
        lines = data.count("\n") + (not data.endswith("\n"))
        if lines <= MOST_LINES and len(data) <= MOST_CHARACTERS:
            return data
        placeholder = self._placeholders.get(data)
        if placeholder is not None:
            self._texts[placeholder] = self._texts.pop(placeholder)  # the newest now
            return placeholder
        size = f"{lines:,} lines" if lines > 1 else f"{len(data):,} characters"
        self._made += 1
        placeholder = f"[pasted {self._made}: {size}]"
        self._texts[placeholder] = data
        self._placeholders[data] = placeholder
        self._held += len(data)
        while self._held > self._most and len(self._texts) > 1:
            self._forget(next(iter(self._texts)))
        return placeholder

    def expand(self, text: str) -> str:
        """The text with every placeholder of this chat replaced by what was pasted; others stay as they are."""
        return _PLACEHOLDER.sub(lambda found: self._texts.get(found[0], found[0]), text)

    def forgotten(self, text: str) -> list[str]:
        """The placeholders in a text whose pastes are no longer held: it is not to be sent, for `expand` leaves them
        as they are, and nobody would see that the question lacks what was pasted."""
        return [found[0] for found in _PLACEHOLDER.finditer(text) if found[0] in self._gone]

    def _forget(self, placeholder: str) -> None:
        data = self._texts.pop(placeholder)
        del self._placeholders[data]
        self._held -= len(data)
        self._gone.add(placeholder)
