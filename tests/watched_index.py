"""``ockit index FOLDER --watch`` in a process of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def watching(run_ockit: Any, folder: str, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The process, both its streams read as text; it is killed at the end."""
    with subprocess.Popen(
        [*run_ockit.command(), "index", folder, "--watch", *options],
        env=run_ockit.variables(),
        cwd=run_ockit.cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()
