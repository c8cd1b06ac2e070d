"""Where a person's classifiers lie, and which names they may have. Knows nothing of what is in the files."""

from __future__ import annotations

import re
from pathlib import Path

from ockit.environment import Directories
from ockit.errors import NotFound, UsageError

ENDING = ".safetensors"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")


def directory(directories: Directories) -> Path:
    """The directory they all lie in, whether it is there or not."""
    return directories.data / "moderation" / "classifiers"


def path_of(directories: Directories, name: str) -> Path:
    """The file of a name, there or not. Raises UsageError for what is no name."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name[:80]!r} is no name for a classifier: it takes letters, digits, '.', '_' and '-', at most 64, "
            "and begins with a letter, a digit or '_'",
            hint="a name such as support-desk",
        )
    return directory(directories) / f"{name}{ENDING}"


def names(directories: Directories) -> list[str]:
    """The classifiers that there are, by name."""
    return sorted(path.name.removesuffix(ENDING) for path in directory(directories).glob(f"[!.]*{ENDING}"))


def existing(directories: Directories, name: str) -> Path:
    """The file of a classifier that is there. Raises NotFound, which names those that are; UsageError."""
    path = path_of(directories, name)
    if not path.is_file():
        there = names(directories)
        raise NotFound(
            f"there is no classifier {name!r}",
            where=str(path),
            hint=f"there are: {', '.join(there)}"
            if there
            else f"ockit moderation train data.jsonl --name {name}",
        )
    return path
