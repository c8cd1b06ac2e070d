"""Opens what can be searched, by name: an index with its store, vectors and embedder, or a live source.

Knows where indexes lie and which one a folder belongs to; ranks nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from ockit.engines.embedder_names import host_of, is_folder, leaves_this_machine, settled
from ockit.errors import InterruptedByUser, NotFound, OckitError, UsageError
from ockit.index.places import IndexPlace, all_indexes, place_of
from ockit.index.search.options import SearchOptions
from ockit.index.store.facts import IndexFacts
from ockit.protocols import Retrieved, Retriever

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ockit.environment import Directories, Environment
    from ockit.index.search.searcher import Searcher
    from ockit.protocols import Embedder
    from ockit.workers.worker import Worker


class LocalRetriever:
    """An index of this machine, open for searching. Not for two threads at once.

    Attributes:
        facts: what it is of, as it was when it was opened.
    """

    def __init__(self, place: IndexPlace, facts: IndexFacts, searcher: Searcher, held: ExitStack) -> None:
        self.facts = facts
        self._place = place
        self._searcher = searcher
        self._held = held

    @property
    def name(self) -> str:
        """What ``-i`` calls it."""
        return self._place.name

    @property
    def remote(self) -> bool:
        """Whether a question leaves this machine: its embedder may be a service."""
        return leaves_this_machine(self.facts.embedder.name)

    def retrieve(self, query: str, k: int) -> Retrieved:
        """At most `k` passages for a question. Raises OckitError."""
        return self.search(query, SearchOptions(k=k))

    def search(
        self, query: str, options: SearchOptions, *, vector: NDArray[np.float32] | None = None
    ) -> Retrieved:
        """As `Searcher.search`."""
        return self._searcher.search(query, options, vector=vector)

    def vectors(self, queries: Sequence[str]) -> NDArray[np.float32]:
        """As `Searcher.vectors`."""
        return self._searcher.vectors(queries)

    def close(self) -> None:
        """Close the store, and end the embedder's process where this one opened it."""
        self._held.close()


def open_retriever(
    name: str | None, environment: Environment, *, worker: Worker | None = None, cwd: Path | None = None
) -> Retriever:
    """The index or live source of a name.

    Args:
        name: None: the index of the folder one stands in, else the only one there is.
        worker: a process for the embedded embedder that was started ahead.
        cwd: where one stands; None: where the process does.

    Raises:
        NotFound: there is none of that name, or none at all.
        UsageError: no name is given and several could be meant; or the index was made by another ockit.
        StoreError: it is damaged.
    """
    if name is None:
        names = names_for(environment.directories, cwd or environment.cwd)
        if len(names) > 1:
            raise UsageError(
                f"there are {len(names)} indexes and none of them is of this folder",
                where=str(cwd or environment.cwd),
                hint=f"-i {names[0]}, or another of: {', '.join(names)}",
            )
        name = names[0]
    return _opened(name, environment, worker, {})


def open_retrievers(
    names: Sequence[str],
    environment: Environment,
    *,
    worker: Worker | None = None,
    failed: dict[str, OckitError] | None = None,
) -> list[Retriever]:
    """As `open_retriever` for each name; no name: the index of the folder one stands in, else all indexes of this
    machine. Those with one embedder share it, so they are to be closed together.

    Args:
        failed: takes those that cannot be opened, by name, with the reason; None: the first of them is raised.
    """
    found: list[Retriever] = []
    embedders: dict[str, Embedder] = {}
    try:
        for name in dict.fromkeys(names or names_for(environment.directories, environment.cwd)):
            try:
                found.append(_opened(name, environment, worker, embedders))
            except InterruptedByUser:
                raise
            except OckitError as error:
                if failed is None:
                    raise
                failed[name] = error
    except BaseException:
        for retriever in found:
            retriever.close()
        raise
    return found


def names_for(directories: Directories, cwd: Path) -> list[str]:
    """The indexes that are meant where none is named: that whose folder holds `cwd` (of nested ones the innermost),
    else all. What asks a service is never meant so, neither a live source nor an index whose embedder is one: they are
    asked by name. The folders of an index that was imported are another machine's.

    Raises:
        NotFound: there is no index yet, or none that is meant unnamed.
    """
    places = all_indexes(directories)
    if not places:
        raise NotFound("there is no index yet", hint="ockit index FOLDER makes one")
    depths: dict[str, int] = {}
    meant: list[str] = []
    here = cwd.resolve()
    for place in places:
        facts = _facts_beside(place)
        if facts is not None and host_of(facts.embedder.name) is not None:
            continue
        meant.append(place.name)
        for root in facts.roots if facts is not None and facts.kind == "files" and not facts.foreign else ():
            if here == Path(root) or here.is_relative_to(root):
                depths[place.name] = max(depths.get(place.name, 0), len(Path(root).parts))
    if not meant:
        raise NotFound(
            "there is no index that is searched without being named: the embedder of each is a service",
            hint=f"-i {places[0].name}",
        )
    deepest = max(depths.values(), default=0)
    return [name for name, depth in depths.items() if depth == deepest] or meant


def _opened(
    name: str, environment: Environment, worker: Worker | None, embedders: dict[str, Embedder]
) -> Retriever:
    from ockit.index.live.sources import live_names, open_live

    directories = environment.directories
    live = open_live(name, environment)
    if live is not None:
        return live
    place = place_of(directories, name)
    if not place.exists:
        from difflib import get_close_matches

        known = sorted({p.name for p in all_indexes(directories)}.union(live_names(directories)))
        near = get_close_matches(name, known, 1)
        ways = "ockit indexes list shows them" if known else "ockit index FOLDER makes one"
        raise NotFound(
            f"there is no index {name!r}", hint=f"did you mean {near[0]}? {ways}" if near else ways
        )
    return _local(place, environment, worker, embedders)


def _local(
    place: IndexPlace, environment: Environment, worker: Worker | None, embedders: dict[str, Embedder]
) -> LocalRetriever:
    from ockit.engines.embedders import open_embedder
    from ockit.index.chunks.version import CHUNKER_VERSION
    from ockit.index.search.searcher import Searcher
    from ockit.index.search.words import WORDS_VERSION
    from ockit.index.store.index_store import IndexStore
    from ockit.index.vectors.dense import DenseIndex

    with ExitStack() as stack:
        store = IndexStore.open(place)
        stack.callback(store.close)
        facts = store.facts
        facts.check(facts.embedder, CHUNKER_VERSION, WORDS_VERSION)
        if is_folder(facts.embedder.name) and facts.embedder.name != settled(facts.embedder.name, Path("/")):
            raise UsageError(  # whatever lies below the folder one stands in would be loaded
                f"the index {facts.name} names its embedder by no whole path: {facts.embedder.name}",
                hint=f"make it anew: {facts.rebuild} --embedder NAME",
            )
        dense = DenseIndex(store)
        stack.callback(dense.close)
        embedder = embedders.get(facts.embedder.name)
        if embedder is None:
            embedder = open_embedder(facts.embedder.name, environment, worker=worker)
            embedders[facts.embedder.name] = embedder
            stack.callback(embedder.close)
        return LocalRetriever(place, facts, Searcher(store, dense, embedder), stack.pop_all())


def _facts_beside(place: IndexPlace) -> IndexFacts | None:
    """The copy of an index's facts; from the store where there is none. None where neither can be read: such an index
    is of no folder, and says what is wrong with it when it is opened."""
    try:
        return IndexFacts.from_json(place.facts.read_bytes())
    except (OSError, ValueError):
        from ockit.index.store.index_store import IndexStore

        try:
            with IndexStore.open(place) as store:
                return store.facts
        except OckitError:
            return None
