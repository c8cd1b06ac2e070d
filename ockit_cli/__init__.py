"""ockit: a terminal-first local assistant."""

from ockit.version import __version__

__all__ = ["__version__"]
