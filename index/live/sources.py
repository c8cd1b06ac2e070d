"""The live sources a person has added, found by name. Asks none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ockit.errors import UsageError
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


def refuse_source(name: str, directories: Directories) -> None:
    """Return where no live source has that name: an index of it could never be asked. Raises UsageError."""
    known = load(directories, name)
    if known is None:
        return
    hint = f"choose another name, or ockit indexes rm {name}"
    if known.kind == "feed":
        hint = f"ockit indexes refresh {name} fetches it again; ockit indexes rm {name} removes it"
    raise UsageError(f"there is a live source {name} already: {known.url}", hint=hint)
