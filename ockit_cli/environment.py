"""What the process was given: streams, terminal-ness, variables and directories. Injected, never global.

A test makes its own Environment and sees every byte; nothing else in ockit reads `sys.stdout` or
`os.environ`. Directories are those of platformdirs, or all under ``OCKIT_HOME`` where that is set.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, TextIO

from ockit.errors import NotFound


@dataclass
class Environment:
    """Streams, variables, working directory and the moment the process started (`time.perf_counter`).

    Attributes:
        cwd: where the person stands; a `DeletedFolder` where that is no more.
    """

    stdin: BinaryIO
    stdout: TextIO
    stderr: TextIO
    variables: Mapping[str, str]
    cwd: Path
    started: float = field(default_factory=time.perf_counter)

    @classmethod
    def of_process(cls, started: float | None = None) -> Environment:
        """The environment of this very process."""
        return cls(
            # a stream that the caller has closed is None
            stdin=sys.stdin.buffer if sys.stdin is not None else open(os.devnull, "rb"),
            stdout=sys.stdout if sys.stdout is not None else open(os.devnull, "w", encoding="utf-8"),
            stderr=sys.stderr if sys.stderr is not None else open(os.devnull, "w", encoding="utf-8"),
            variables=os.environ,
            cwd=_working_directory(),
            started=time.perf_counter() if started is None else started,
        )

    @cached_property
    def directories(self) -> Directories:
        """Where ockit keeps its things."""
        return Directories.of(self.variables)

    @property
    def stdin_is_tty(self) -> bool:
        """Whether a person can type."""
        return self.stdin.isatty()

    @property
    def stdout_is_tty(self) -> bool:
        """Whether answers go to a terminal."""
        return self.stdout.isatty()

    @property
    def stderr_is_tty(self) -> bool:
        """Whether notices go to a terminal."""
        return self.stderr.isatty()

    def colour(self, stream: TextIO) -> bool:
        """Whether a stream takes colour: NO_COLOR wins over FORCE_COLOR, that over the terminal's kind."""
        if self.variables.get("NO_COLOR"):
            return False
        if self.variables.get("FORCE_COLOR"):
            return True
        return stream.isatty() and self.variables.get("TERM", "") != "dumb"


class DeletedFolder(type(Path())):  # type: ignore[misc]  # the class of this system's paths
    """A working directory that was deleted under the process. Absolute paths can be put behind it; a relative one
    leads nowhere, and says so. As a string it is a path at which nothing is, and which lies in no folder."""

    def with_segments(self, *segments: str | os.PathLike[str]) -> Path:
        """What is derived from it, its parent for one, is a usual path (Python 3.12 asks this)."""
        return Path(*segments)

    def __truediv__(self, other: str | os.PathLike[str]) -> Path:
        """The other path, which must be absolute. Raises NotFound."""
        path = Path(other)
        if path.is_absolute():
            return path
        raise NotFound(
            "the folder you stand in has been deleted, so a relative path leads nowhere",
            where=str(path),
            hint="cd to another folder (cd ~), or name it by its absolute path",
        )

    def resolve(self, strict: bool = False) -> Path:
        """Itself: there is nothing to look up."""
        return self

    def is_relative_to(self, *other: str | os.PathLike[str]) -> bool:
        """It lies in no folder, be it ``/``."""
        return False


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        return DeletedFolder(f"{os.path.sep}(deleted)")


@dataclass(frozen=True)
class Directories:
    """Four directories. None is made before something is written into it."""

    config: Path
    data: Path
    state: Path
    cache: Path

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> Directories:
        """From ``OCKIT_HOME``, else from the platform's conventions."""
        home = variables.get("OCKIT_HOME")
        if home:
            root = Path(home).expanduser().absolute()
            return cls(root / "config", root / "data", root / "state", root / "cache")
        import platformdirs

        return cls(
            Path(platformdirs.user_config_dir("ockit", appauthor=False)),
            Path(platformdirs.user_data_dir("ockit", appauthor=False)),
            Path(platformdirs.user_state_dir("ockit", appauthor=False)),
            Path(platformdirs.user_cache_dir("ockit", appauthor=False)),
        )
