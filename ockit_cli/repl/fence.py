"""Texts of several lines between two marks of three quotes, however they are entered."""

from __future__ import annotations

from collections.abc import Iterator

FENCE = '"""'


def opens(line: str) -> bool:
    """Whether a line begins a block."""
    return line.strip().startswith(FENCE)


def block(opening: str, more: Iterator[str]) -> tuple[str, bool]:
    """The text of the block that the line `opening` begins, and whether it was closed before `more` lines ended."""
    line = opening.strip().removeprefix(FENCE)
    lines = [line] if line else []
    while not line.rstrip().endswith(FENCE):
        following = next(more, None)
        if following is None:
            return "\n".join(lines), False
        line = following
        lines.append(line)
    lines[-1] = lines[-1].rstrip().removesuffix(FENCE)
    return "\n".join(lines), True


def is_open(text: str) -> bool:
    """Whether a text that is being typed is a block that is not closed yet."""
    first, *rest = text.lstrip().split("\n")
    return opens(first) and not block(first, iter(rest))[1]


def unfenced(text: str) -> str:
    """A typed text without the marks around it."""
    first, *rest = text.strip().split("\n")
    return said(block(first, iter(rest))[0]) if opens(first) else text


def said(text: str) -> str:
    """The text of a block as it is entered: it is said to the model, also where it begins with a slash."""
    text = text.strip()
    return f"/{text}" if text.startswith("/") else text
