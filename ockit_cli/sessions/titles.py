"""What a chat is called before anybody names it. No model is asked."""

from __future__ import annotations

TITLE_LENGTH = 60
"""Characters of a title at most."""


def title_of(question: str) -> str | None:
    """A name for a session: the first line of its first question that says something, cut at a word."""
    line = next((" ".join(line.split()) for line in question.splitlines() if line.strip()), "")
    if len(line) <= TITLE_LENGTH:
        return line or None
    short = line[: TITLE_LENGTH - 1]
    if line[TITLE_LENGTH - 1] != " " and " " in short:
        short = short.rpartition(" ")[0]
    return f"{short.rstrip()}…"
