"""The live sources a person has added, found by name. Asks none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ockit.index.live.source_file import FILE, SourceFile, load

if TYPE_CHECKING:
    from ockit.environment import Directories, Environment
    from ockit.protocols import Retriever


def open_live(name: str, environment: Environment) -> Retriever | None:
    """The search service of that name; None where `name` is none (a feed is an index like any other).

    Raises StoreError for a source's file that cannot be used, UsageError for a name that can be none.
    """
    source = load(environment.directories, name)
    if source is None or source.kind != "http":
        return None
    from ockit.index.live.http_source import HttpSource

    return HttpSource(name, source, environment.variables)


def describe(name: str, directories: Directories) -> SourceFile | None:
    """What was added under that name, None where it is no live source. Raises as `open_live`."""
    return load(directories, name)


def live_names(directories: Directories) -> list[str]:
    """The names of all live sources, services and feeds."""
    return sorted(found.parent.name for found in (directories.data / "indexes").glob(f"*/{FILE}"))
