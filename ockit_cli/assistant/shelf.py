"""The indexes and live sources of a person, by the names that ``-i`` and ``/index`` take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ockit.assistant.grounding import PASSAGES, Grounding
from ockit.errors import NotFound, OckitError

if TYPE_CHECKING:
    from ockit.environment import Directories, Environment
    from ockit.protocols import Retriever
    from ockit.workers.worker import Worker


def names_of(directories: Directories) -> list[str]:
    """The names of everything there is, sorted. Opens nothing."""
    from ockit.index.live.sources import live_names
    from ockit.index.places import all_indexes

    return sorted({place.name for place in all_indexes(directories)} | set(live_names(directories)))


def known(directories: Directories, names: Sequence[str]) -> tuple[str, ...]:
    """The names, each once. Raises NotFound for one that is none, with the nearest that is."""
    from difflib import get_close_matches

    there = names_of(directories) if names else []
    for name in names:
        if name not in there:
            near = get_close_matches(name, there, 1)
            ways = "ockit indexes list shows them" if there else "ockit index FOLDER makes one"
            raise NotFound(
                f"there is no index {name!r}", hint=f"did you mean {near[0]}? {ways}" if near else ways
            )
    return tuple(dict.fromkeys(names))


def grounding(environment: Environment, names: Sequence[str] = (), *, k: int = PASSAGES) -> Grounding:
    """What looks into the indexes of these names, or of others later. Raises NotFound as `known` does.

    Indexes of the installed embedder share one process for it. One that is closed ends it, and the next question of
    another starts it again.
    """
    shared: list[Worker] = []  # one at most, made in the retrievers' thread

    def open_named(name: str) -> Retriever:
        from ockit.engines.embedder_names import host_of
        from ockit.engines.embedders import new_embedding_worker
        from ockit.index.opening import LocalRetriever, open_retriever

        if not shared:
            shared.append(new_embedding_worker(environment.variables))
        found = open_retriever(name, environment, worker=shared[0])
        if isinstance(found, LocalRetriever) and host_of(found.facts.embedder.name) is None:
            try:
                found.retrieve(name, 1)  # so that the first question need not wait for the embedder to load
            except OckitError:
                found.close()
                raise
        return found

    return Grounding(open_named, known(environment.directories, names), k=k)
