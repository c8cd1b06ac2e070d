"""What a back end raises whose own time limit is over. Knows no back end."""

from __future__ import annotations

from ockit.errors import WorkerError


class CheckTimeout(WorkerError):
    """A check took longer than it may; the verdict's status says ``timeout``."""
