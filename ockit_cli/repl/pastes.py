"""What is pasted: made clean, and shown in the input line as a short placeholder where it is long.

Knows text only. A placeholder stands for its text as long as the `Pastes` that made it lives; in the next chat it is
text like any other.
"""

from __future__ import annotations

import re

MOST_LINES = 20
MOST_CHARACTERS = 2_000

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
    """The long pastes of one chat."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._placeholders: dict[str, str] = {}

    def shrink(self, data: str) -> str:
        """What to put into the input line: `data` itself, or the placeholder of a long one.

        Long is more than 20 lines or 2,000 characters. The same text has the same placeholder.
        """
        lines = data.count("\n") + (not data.endswith("\n"))
        if lines <= MOST_LINES and len(data) <= MOST_CHARACTERS:
            return data
        known = self._placeholders.get(data)
        if known is not None:
            return known
        size = f"{lines:,} lines" if lines > 1 else f"{len(data):,} characters"
        placeholder = f"[pasted {len(self._texts) + 1}: {size}]"
        self._texts[placeholder] = data
        self._placeholders[data] = placeholder
        return placeholder

    def expand(self, text: str) -> str:
        """The text with every placeholder of this chat replaced by what was pasted; others stay as they are."""
        return _PLACEHOLDER.sub(lambda found: self._texts.get(found[0], found[0]), text)

    def clear(self) -> None:
        """Forget every paste; the numbers begin again."""
        self._texts.clear()
        self._placeholders.clear()
