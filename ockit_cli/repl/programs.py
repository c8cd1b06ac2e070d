"""Programs of the system, found by name. Nothing is ever run because it lies in the current directory."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def found(name: str, variables: Mapping[str, str]) -> Path | None:
    """The program of that name in the absolute directories of ``PATH``; None where there is none.

    Empty and relative entries of ``PATH`` mean the current directory, and are passed over.
    """
    if not name or "/" in name:
        return None
    for entry in variables.get("PATH", os.defpath).split(os.pathsep):
        path = Path(entry, name)
        if path.is_absolute() and os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return None
