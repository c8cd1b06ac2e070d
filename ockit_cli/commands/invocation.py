"""What every command is handed: the environment, the console, the settings. Knows no command."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import typer

from ockit.console import Console
from ockit.environment import Directories, Environment

if TYPE_CHECKING:
    from ockit.settings import Settings
    from ockit.workers.worker import Worker


@dataclass
class Invocation:
    """One run of the command line. ``worker`` is the model's process, begun early for the verbs that need one."""

    environment: Environment
    console: Console
    worker: Worker | None = None

    @property
    def directories(self) -> Directories:
        """Where ockit keeps its things."""
        return self.environment.directories

    @cached_property
    def settings(self) -> Settings:
        """The settings before any flag. Raises UsageError for a bad file or variable."""
        return self.settings_with()

    def settings_with(self, **flags: Any) -> Settings:
        """The settings under flags, by key; a flag that is None was not given. Raises UsageError."""
        from ockit.settings import load

        return load(self.directories, self.environment.variables, flags)


def invocation(ctx: typer.Context) -> Invocation:
    """The invocation a command runs in."""
    found = ctx.obj
    if not isinstance(found, Invocation):
        raise TypeError("ockit's commands run through ockit.app.run")
    return found
