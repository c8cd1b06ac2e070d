"""A feed in an index: fetched, compared with what is stored, and brought up to date.

Each entry is a document whose path is its link. What is unchanged is neither read nor embedded again; what the feed no
longer lists stays, up to `KEPT`. The server is asked whether anything has changed (ETag, Last-Modified). A refresh that
is killed leaves whole entries, and the next one goes on, because what is remembered of the fetch is written last.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from ockit.documents import Chunk
from ockit.errors import NotFound
from ockit.index.indexing.rebuilding import finish
from ockit.index.live import feed_documents, feed_state, source_file
from ockit.index.live.feed_documents import Named
from ockit.index.live.feed_entries import Feed, read_feed
from ockit.index.live.feed_state import FeedState
from ockit.index.live.intake import opened_store, take_in
from ockit.index.live.source_file import SourceFile
from ockit.index.places import IndexPlace, place_of
from ockit.index.readers.reading import Unread
from ockit.index.store.rows import FileRecord
from ockit.web.fetching import Answer, Bounds, fetch

if TYPE_CHECKING:
    from ockit.environment import Environment
    from ockit.index.store.index_store import IndexStore
    from ockit.protocols import Embedder

KEPT = 2000
"""Entries that an index of a feed holds at most. Beyond, those that have left the feed go, the oldest first; those that
the feed lists now always stay."""

LARGEST_FEED = 32 << 20
_BATCH = 32
_ACCEPTED = "application/rss+xml, application/atom+xml, application/rdf+xml, application/xml;q=0.9, */*;q=0.5"


@dataclass(frozen=True)
class Refreshed:
    """What a refresh did, in entries.

    Attributes:
        modified: False where the server said that nothing has changed since the last time.
        title: what the feed calls itself.
        added: new ones.
        changed: those whose text or title changed.
        moved: those whose link alone changed.
        unchanged: those that are as they were.
        gone: those that have left the feed and are kept.
        dropped: those that were removed, because there were more than `KEPT`.
        failed: those whose text cannot be read: path and reason.
        embedded: texts that were embedded.
        notices: what else the person should know, in sentences.
    """

    modified: bool = True
    title: str = ""
    added: int = 0
    changed: int = 0
    moved: int = 0
    unchanged: int = 0
    gone: int = 0
    dropped: int = 0
    failed: tuple[tuple[str, str], ...] = ()
    embedded: int = 0
    notices: tuple[str, ...] = ()


def refresh_feed(
    name: str,
    environment: Environment,
    *,
    source: SourceFile | None = None,
    rebuild: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Refreshed:
    """Bring the feed's index up to date; makes it where it is not there yet.

    Args:
        name: what it is called.
        environment: variables and directories.
        source: the feed, for one that is being added: its file is written once the feed has been read.
        rebuild: make the index anew, of what the feed lists now; until that has ended, it answers as it was.
        progress: told what is being done, in a few words.

    Raises:
        NotFound: there is no such feed.
        HubError: it cannot be fetched, or is no feed.
        StoreError, WorkerError, UsageError: the index or the embedder cannot be used.
    """
    tell = progress or (lambda text: None)
    place = place_of(environment.directories, name)
    known = source or source_file.load(environment.directories, name)
    if known is None or known.kind != "feed":
        raise NotFound(f"there is no feed {name!r}", hint="ockit indexes list shows what there is")
    finish(place)
    fresh = rebuild or not place.exists
    state = FeedState() if fresh else feed_state.load(place.directory, known.url)
    tell(f"asking {name} ...")
    answer = fetch(
        known.url,
        environment.variables,
        bounds=Bounds(seconds=known.timeout, size=LARGEST_FEED),
        headers={"Accept": _ACCEPTED, **state.questions()},
        source=name,
    )
    if answer.status == 304:
        return Refreshed(modified=False)
    feed = _feed_of(answer, name)
    if source is not None:
        source_file.save(environment.directories, name, source)
    from ockit.engines.embedders import open_embedder

    embedder = open_embedder(known.embedder or None, environment)
    try:
        with opened_store(place, "feed", (known.url,), embedder, fresh=fresh) as store:
            run = _Run(store, place, environment, embedder, tell)
            done, state = run.over(feed, state, answer, known.url)
        state.save(place.directory)
    finally:
        embedder.close()
    return done


def _feed_of(answer: Answer, name: str) -> Feed:
    charset = answer.headers.get("content-type", "").lower().partition("charset=")[2].partition(";")[0]
    return read_feed(answer.body, answer.url, charset.strip(" \"'"), name)


class _Run:
    """One refresh, once the feed is here and the index is open."""

    def __init__(
        self,
        store: IndexStore,
        place: IndexPlace,
        environment: Environment,
        embedder: Embedder,
        tell: Callable[[str], None],
    ) -> None:
        self._store = store
        self._place = place
        self._environment = environment
        self._embedder = embedder
        self._tell = tell
        self._now = time.time()

    def over(self, feed: Feed, state: FeedState, answer: Answer, url: str) -> tuple[Refreshed, FeedState]:
        """Everything a refresh does, in its order; and what is to be remembered of it."""
        entries = feed_documents.named(feed.entries)
        moved = self._move(entries, state)
        stored = {path: record for (_, path), record in self._store.files().items()}
        new = [one for one in entries if one.path not in stored]
        differing = [one for one in entries if one.path in stored and stored[one.path].digest != one.digest]
        embedded, failed = self._take_in([*new, *differing])
        listed = {one.path for one in entries}
        dropped = self._drop(listed)
        self._store.sweep_vectors()
        self._store.set_facts(replace(self._store.facts, updated=self._now))
        from ockit.index.vectors.dense import DenseIndex

        dense = DenseIndex(self._store)
        try:
            dense.refresh()
        finally:
            dense.close()
        held = {path for _, path in self._store.files()}
        paths = {**state.paths, **{one.key: one.path for one in entries}}
        seen = FeedState(
            url,
            feed_state.mark(answer.headers.get("etag", "")),
            feed_state.mark(answer.headers.get("last-modified", "")),
            {key: path for key, path in paths.items() if path in held},
        )
        wrong = {path for path, _ in failed}
        done = Refreshed(
            title=feed.title,
            added=sum(one.path not in wrong for one in new),
            changed=sum(one.path not in wrong for one in differing),
            moved=moved,
            unchanged=len(entries) - len(new) - len(differing) - moved,
            gone=len(held - listed),
            dropped=dropped,
            failed=tuple(failed),
            embedded=embedded,
            notices=feed.notices,
        )
        return done, seen

    def _move(self, entries: list[Named], state: FeedState) -> int:
        """Entries with a new link keep their pieces; what they said under the old one goes."""
        stored = self._store.files()
        taken = {one.path for one in entries}
        moved = 0
        for one in entries:
            old = state.paths.get(one.key)
            if old is None or old == one.path or (0, old) not in stored or old in taken:
                continue
            if stored[0, old].digest == one.digest and (0, one.path) not in stored:
                self._store.move((0, old), replace(one.record(self._now), n_chunks=stored[0, old].n_chunks))
                moved += 1
            else:
                self._store.remove([(0, old)])
        return moved

    def _take_in(self, entries: list[Named]) -> tuple[int, list[tuple[str, str]]]:
        """Read, embed and store entries; how many texts were embedded, and which entries failed and why."""
        failed: list[tuple[str, str]] = []
        embedded = done = 0
        outcomes = feed_documents.read(entries, self._place.directory, self._environment.variables)
        while batch := list(islice(outcomes, _BATCH)):
            documents: list[tuple[FileRecord, tuple[Chunk, ...]]] = []
            for one, outcome in batch:
                if isinstance(outcome, Unread):
                    failed.append((one.path, outcome.what))
                else:
                    documents.append((one.record(self._now), outcome))
            embedded += take_in(self._store, documents, self._embedder)
            done += len(batch)
            self._tell(f"{done} of {len(entries)} entries ...")
        return embedded, failed

    def _drop(self, listed: set[str]) -> int:
        """Remove the oldest of those that have left the feed, where there are too many."""
        stored = self._store.files()
        left = sorted((record.mtime_ns, path) for (_, path), record in stored.items() if path not in listed)
        surplus = left[: max(0, min(len(left), len(stored) - KEPT))]
        return self._store.remove([(0, path) for _, path in surplus]) if surplus else 0
