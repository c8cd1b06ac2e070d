"""The runnable blocks of the guides: ``console`` blocks are transcripts, ``sh`` blocks are commands to type."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


@dataclass
class Command:
    """One command of a transcript and what it printed, both streams, as a person sees them."""

    line: int
    text: str
    output: str = ""


@dataclass
class Block:
    """A fenced block: where it starts, its language, its text; for a transcript its commands."""

    path: Path
    line: int
    language: str
    text: str
    commands: list[Command] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.path.name}:{self.line}"


def blocks(path: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    page = path.read_text(encoding="utf-8")
    for found in FENCE.finditer(page):
        block = Block(path, page.count("\n", 0, found.start()) + 1, found[1], found[2])
        if block.language == "console":
            block.commands = list(_commands(block))
        yield block


def _commands(block: Block) -> Iterator[Command]:
    current: Command | None = None
    for number, line in enumerate(block.text.splitlines(keepends=True), block.line + 1):
        if line.startswith("$ "):
            if current is not None:
                yield current
            current = Command(number, line[2:].strip())
        elif current is None:
            raise ValueError(f"{block.path.name}:{number}: a transcript begins with a line '$ COMMAND'")
        elif line.startswith("> ") and current.text.endswith("\\"):
            current.text += "\n" + line[2:].rstrip("\n")
        else:
            current.output += line
    if current is not None:
        yield current
