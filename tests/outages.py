"""Ways for a home to become unwritable under a chat that runs, and writable again. Each works on the real disk."""

from __future__ import annotations

import os
import resource
import subprocess
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path

import pytest


def run(*command: str) -> bool:
    """Whether a system command did its work."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


class Outage(ABC):
    """One way.

    Args:
        home: the home, there already.
        pid: the chat.

    Attributes:
        history_too: whether the history surely cannot be written either.
    """

    history_too = True

    def __init__(self, home: Path, pid: int) -> None:
        self.home = home
        self.pid = pid
        self.data, self.state = home / "data", home / "state"

    @staticmethod
    @abstractmethod
    def prepare(home: Path) -> None:
        """Done before the chat starts. Skips the test where this system cannot do it."""

    @abstractmethod
    def begin(self) -> None:
        """Nothing can be saved any more."""

    @abstractmethod
    def end(self) -> None:
        """It can again."""

    @staticmethod
    def clear(home: Path) -> None:
        """Leave nothing mounted or immutable behind, whatever has happened."""
        run("chattr", "-R", "-i", str(home))
        while run("umount", "--lazy", str(home)):
            pass


class NoGrowth(Outage):
    """As on a full disk, no file may grow: a limit of the process, lifted later."""

    @staticmethod
    def prepare(home: Path) -> None:
        if not hasattr(resource, "prlimit"):
            pytest.skip("this system cannot limit another process")

    def begin(self) -> None:
        self._was = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (0, self._was[1]))

    def end(self) -> None:
        with suppress(ProcessLookupError):  # the chat was killed meanwhile
            resource.prlimit(self.pid, resource.RLIMIT_FSIZE, self._was)


class Directories(Outage):
    """Directories stand where the database and the history were."""

    @staticmethod
    def prepare(home: Path) -> None:
        """It can be done everywhere."""

    def begin(self) -> None:
        for path in (self.data / "ockit.db", self.state / "history"):
            if path.exists():
                path.rename(path.with_suffix(".aside"))
            path.mkdir(parents=True)

    def end(self) -> None:
        for path in (self.data / "ockit.db", self.state / "history"):
            path.rmdir()
            if (aside := path.with_suffix(".aside")).exists():
                aside.rename(path)


class Immutable(Outage):
    """Files and directories that even the superuser cannot change (``chattr +i``)."""

    @staticmethod
    def prepare(home: Path) -> None:
        home.mkdir(exist_ok=True)
        possible = run("chattr", "+i", str(home)) and run("chattr", "-i", str(home))
        if not possible:
            pytest.skip("files cannot be made immutable here")

    def begin(self) -> None:
        assert run("chattr", "-R", "+i", str(self.home))

    def end(self) -> None:
        assert run("chattr", "-R", "-i", str(self.home))


class WithoutPermission(Outage):
    """Directories that their owner may not write."""

    @staticmethod
    def prepare(home: Path) -> None:
        home.mkdir(exist_ok=True)
        home.chmod(0o500)
        possible = not os.access(home, os.W_OK)
        home.chmod(0o700)
        if not possible:
            pytest.skip("the superuser can write everywhere")

    def begin(self) -> None:
        for path in self._places():
            path.chmod(0o500 if path.is_dir() else 0o400)

    def end(self) -> None:
        for path in self._places():
            path.chmod(0o700 if path.is_dir() else 0o600)

    def _places(self) -> list[Path]:
        """The directories first: what lies in them can be listed all the time."""
        there = [path for path in (self.data, self.state) if path.exists()]
        return [*there, *(inner for path in there for inner in path.iterdir())]


class ReadOnlyMount(Outage):
    """The home is mounted once more over itself, read-only, as after an error of the disk."""

    @staticmethod
    def prepare(home: Path) -> None:
        home.mkdir(exist_ok=True)
        if not run("mount", "--bind", str(home), str(home)):
            pytest.skip("nothing can be mounted here")
        assert run("umount", str(home))

    def begin(self) -> None:
        assert run("mount", "--bind", str(self.home), str(self.home))
        assert run("mount", "-o", "remount,bind,ro", str(self.home))

    def end(self) -> None:
        assert run("umount", "--lazy", str(self.home))


class Full(Outage):
    """A small disk, and a file that fills its last page. A few words may still fit into the history's own."""

    history_too = False

    @staticmethod
    def prepare(home: Path) -> None:
        home.mkdir(exist_ok=True)
        if not run("mount", "-t", "tmpfs", "-o", "size=2m", "none", str(home)):
            pytest.skip("nothing can be mounted here")

    def begin(self) -> None:
        with open(self.home / "filler", "wb", buffering=0) as filler:
            size = 1 << 16
            while size:
                try:
                    filler.write(bytes(size))
                except OSError:
                    size //= 2

    def end(self) -> None:
        (self.home / "filler").unlink()


FEW = (NoGrowth, ReadOnlyMount)
REST = (Directories, Immutable, WithoutPermission, Full)
