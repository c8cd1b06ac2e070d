"""From what a person typed to an absolute path: ``~``, relative paths, and what counts as a path at all."""

from __future__ import annotations

import os
from pathlib import Path

from ockit.errors import NotFound


def looks_like_path(text: str) -> bool:
    """Whether a text that is no model's name means a file: it has a separator, ends in .gguf or begins with ~."""
    separators = [separator for separator in (os.sep, os.altsep) if separator]
    return (
        any(separator in text for separator in separators)
        or text.lower().endswith(".gguf")
        or text.startswith("~")
    )


def absolute(text: str | Path, cwd: Path | None = None) -> Path:
    """The absolute path that is meant. Links keep their names: a cache's link is named well, its target is not.

    Raises:
        NotFound: the home of ``~user`` is unknown, or the text cannot be a path.
    """
    if "\0" in str(text):
        raise NotFound(f"no such file: {str(text)!r} holds a zero byte", hint="ockit models list")
    try:
        path = (cwd or Path.cwd()) / Path(text).expanduser()
    except RuntimeError as error:
        raise NotFound(f"the home directory of {text} is unknown", hint="write the path in full") from error
    if ".." not in path.parts:
        return path
    try:
        return path.parent.resolve() / path.name
    except (OSError, RuntimeError):  # a loop of links; opening the file says so
        return path


def same_file(first: Path, second: Path) -> bool:
    """Whether two paths lead to one file; False where one of them leads nowhere."""
    try:
        return first == second or os.path.samefile(first, second)
    except (OSError, ValueError):
        return False
