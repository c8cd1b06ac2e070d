"""One indexing run: compare, bring in what has changed, forget what is gone. Knows no screen and no command line."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from ockit.errors import InterruptedByUser, NotFound, OckitError, UsageError
from ockit.index.indexing.before import facts_before, files_of_folders
from ockit.index.indexing.comparing import Changes, compare, trusted
from ockit.index.indexing.nothing import emptied_since, nothing_to_read, refuse_emptied
from ockit.index.indexing.plan import IndexPlan, Roots, patterns, rooted_here, roots_of
from ockit.index.indexing.rebuilding import building, finish, put_in_place
from ockit.index.indexing.report import FileFailed, IndexNotice, OnEvent, Progress, Report
from ockit.index.walk.walker import Found, Walk

if TYPE_CHECKING:
    from ockit.environment import Environment
    from ockit.index.indexing.pipeline import Tally
    from ockit.index.places import IndexPlace
    from ockit.index.readers.reading import Unread
    from ockit.index.store.facts import IndexFacts
    from ockit.index.store.index_store import IndexStore
    from ockit.index.store.rows import FileRecord
    from ockit.protocols import Embedder


def index_folders(
    plan: IndexPlan,
    place: IndexPlace,
    environment: Environment,
    embedder: Embedder | None = None,
    on_event: OnEvent = lambda event: None,
    stop: threading.Event | None = None,
) -> Report:
    """Make an index, or bring one up to date.

    Args:
        embedder: what to embed with; it stays open. None: the one that the plan or the index names, which is only
            started where something has to be embedded, and closed.
        on_event: told how it goes, from the calling thread.
        stop: set by whoever wants an early end: within a moment the run ends, with `Report.stopped`; the next one goes
            on from there.

    Raises:
        NotFound: no such path, no such index, or a folder that was indexed is gone. `nothing.Emptied`: its disk is.
        UsageError: the index was made with another embedder, or by another version, is no index of files, or was
            imported and it is not said where its folders are here.
        StoreError: another process indexes it, the disk is full, the index is damaged.
        OckitError: the embedder fails.
    """
    with ExitStack() as ends:
        run = _Run(plan, place, environment, embedder, on_event, stop or threading.Event(), ends)
        return run.go()


class _Run:
    def __init__(
        self,
        plan: IndexPlan,
        place: IndexPlace,
        environment: Environment,
        embedder: Embedder | None,
        on_event: OnEvent,
        stop: threading.Event,
        ends: ExitStack,
    ) -> None:
        self._plan, self._place, self._environment = plan, place, environment
        self._given, self._tell, self._stop, self._ends = embedder, on_event, stop, ends
        self._begun = time.monotonic()
        self._report = Report(place.name, dry_run=plan.dry_run)
        self._embedder: Embedder | None = embedder
        self._name: str | None = None  # of the embedder
        self._facts: IndexFacts
        self._had: Counter[str] = Counter()  # files of each folder in the index that is made anew
        self._inodes: tuple[tuple[int, int], ...] = ()  # of the folders at the last run
        self._changed = False
        self._new = False  # whether this run has made the index

    def go(self) -> Report:
        if not self._plan.dry_run:
            finish(self._place)
        before = facts_before(self._plan, self._place, self._tell)
        roots, include, exclude = self._wanted(before)
        if not roots.folders:
            raise UsageError("there is nothing to index", hint="ockit index FOLDER")
        if before is not None and self._plan.rebuild:
            self._had = files_of_folders(self._place)
        elif before is not None and not before.foreign:
            self._inodes = before.inodes
        if self._plan.dry_run:
            return self._dry(before, roots, include, exclude)
        store = self._opened(before, roots, include, exclude)
        try:
            self._bring_up_to_date(store, roots, include, exclude)
        except BaseException as error:
            try:
                self._forgotten_if_empty(store)
            except OckitError as more:  # it hides not what went wrong first
                error.add_note(f"the index that was begun could not be removed: {more}")
            raise
        if self._report.stopped:
            self._forgotten_if_empty(store)
        elif self._new and not store.counts().files:
            self._tell(IndexNotice(nothing_to_read(self._report)))
        self._report.seconds = time.monotonic() - self._begun
        return self._report

    def _forgotten_if_empty(self, store: IndexStore) -> None:
        """Remove an index that is new and holds nothing."""
        from ockit.index.store.portable import remove_index

        if not self._new:
            return
        counts = store.counts()
        if not counts.files and not counts.vectors:
            self._ends.close()  # the store's lock too
            remove_index(self._place)
            self._report.forgotten = True

    def _bring_up_to_date(
        self, store: IndexStore, roots: Roots, include: tuple[str, ...], exclude: tuple[str, ...]
    ) -> None:
        changes = self._compared(store.files(), roots, include, exclude)
        described = replace(
            self._facts,
            roots=roots.folders,
            named=roots.named,
            include=include,
            exclude=exclude,
            foreign=False,
            inodes=roots.inodes() if changes is not None else (),
        )
        if changes is not None and described != self._facts:
            # before any file is: whatever becomes of this run, a file's number stands for its root, and for no other
            store.set_facts(described)
            self._facts, self._changed = described, True
        whole = changes is not None and self._stored(store, changes, roots)
        self._report.stopped = not whole
        if whole:
            self._report.stopped = not self._finished(store)

    def _wanted(self, before: IndexFacts | None) -> tuple[Roots, tuple[str, ...], tuple[str, ...]]:
        plan, asked = self._plan, roots_of(self._plan.paths)
        known = Roots(before.roots, before.named) if before is not None else Roots(())
        if plan.rebuild and plan.paths:
            roots = asked
        elif before is not None and before.foreign:
            roots = rooted_here(self._place.name, known, asked)
        else:
            roots = known.with_more(asked)
        include = plan.include if plan.include is not None else before.include if before is not None else ()
        exclude = plan.exclude if plan.exclude is not None else before.exclude if before is not None else ()
        return roots, patterns("--include", include), patterns("--exclude", exclude)

    def _opened(
        self, before: IndexFacts | None, roots: Roots, include: tuple[str, ...], exclude: tuple[str, ...]
    ) -> IndexStore:
        """The store to write into: the index's own, or with --rebuild one that will take its place."""
        from ockit.index.chunks import CHUNKER_VERSION
        from ockit.index.search.words import WORDS_VERSION
        from ockit.index.store.facts import IndexFacts
        from ockit.index.store.index_store import IndexStore
        from ockit.index.store.writer_lock import writing

        plan, place = self._plan, self._place
        self._name = plan.embedder or (before.embedder.name if before is not None else None)
        if before is not None and not plan.rebuild:
            store = self._ends.enter_context(IndexStore.open(place, readonly=False))
            self._facts = store.facts
            self._facts.check(self._facts.embedder, CHUNKER_VERSION, WORDS_VERSION)
            if (
                self._given is not None
                or (plan.embedder or self._facts.embedder.name) != self._facts.embedder.name
            ):
                self._facts.check(self._loaded().load(), CHUNKER_VERSION, WORDS_VERSION)
            return store
        self._tell(Progress("loading"))
        now = time.time()
        self._facts = IndexFacts(
            name=place.name,
            roots=roots.folders,
            named=roots.named,
            include=include,
            exclude=exclude,
            embedder=self._loaded().load(),
            chunker=CHUNKER_VERSION,
            words=WORDS_VERSION,
            kind="files",
            inodes=roots.inodes(),
            created=before.created if before is not None else now,
            updated=now,
        )
        if not plan.rebuild or not place.directory.exists():
            self._new = True
            return self._ends.enter_context(IndexStore.create(place, self._facts))
        self._ends.enter_context(writing(place))
        return self._ends.enter_context(building(place, self._facts))

    def _compared(
        self,
        known: dict[tuple[int, str], FileRecord],
        roots: Roots,
        include: tuple[str, ...],
        exclude: tuple[str, ...],
    ) -> Changes | None:
        """The changes; None where somebody stopped it. Raises NotFound where a root is gone or empty of a sudden."""
        self._tell(Progress("walking"))
        own = self._environment.directories
        walk = Walk(
            roots.folders,
            named=roots.named,
            include=include,
            exclude=exclude,
            own=[os.path.realpath(place) for place in (own.data, own.cache, own.state, own.config)],
            stopped=self._stop.is_set,
        )
        found = list(walk)
        if self._stop.is_set():
            return None
        changes = compare(found, known, roots.folders, walk.unlisted)
        for one in walk.unlisted:
            full = os.path.join(roots.folders[one.root], one.path).rstrip("/") or "/"
            if not one.path:
                raise NotFound(
                    f"a folder of the index {self._place.name} cannot be read ({one.what}); nothing was changed",
                    where=full,
                    hint=f"bring it back, or index the others anew: ockit index --rebuild --name {self._place.name} "
                    "FOLDER...",
                )
            reason = "denied" if one.denied else "unreadable"
            self._fail(FileFailed(full, reason, f"it cannot be looked at: {one.what}"))
        refuse_emptied(changes, roots, self._place.name, self._inodes)
        for notice in emptied_since(self._had, found, roots):
            self._tell(IndexNotice(notice))
        for reason, n in walk.skipped.items():
            self._report.skip(reason, n)
        for record in changes.unchanged:
            self._known(record, roots)
        return changes

    def _known(self, record: FileRecord, roots: Roots) -> None:
        """Count a file that has not changed since it was looked into."""
        if record.state == "ok":
            self._report.unchanged += 1
        elif record.state == "skipped":
            self._report.skip(record.reason)
        else:
            full = os.path.join(roots.folders[record.root], record.path)
            self._report.failed.append(
                FileFailed(
                    full, record.reason, f"{record.reason}, as before; it is tried again once it changes"
                )
            )

    def _stored(self, store: IndexStore, changes: Changes, roots: Roots) -> bool:
        """Bring the changes into the store. Whether all of them are."""
        from ockit.index.indexing.pipeline import Pipeline, weight
        from ockit.index.readers.child_process import ReaderChild

        report, tell = self._report, self._tell
        self._changed |= bool(changes.gone or changes.moved)
        if changes.gone:
            report.removed += store.remove([record.place for record in changes.gone])
        for record, file in changes.moved:
            moved = replace(
                record,
                root=file.root,
                path=file.path,
                size=file.size,
                mtime_ns=file.mtime_ns,
                ino=file.ino,
                ctime_ns=trusted(file, file.mtime_ns),
            )
            store.move(record.place, moved)
            report.moved += 1
            report.unchanged += 1
        if not changes.unread:
            return True
        total, size = len(changes.unread), sum(weight(file.size) for file, _ in changes.unread)

        def progress(tally: Tally) -> None:
            tell(
                Progress(
                    "indexing",
                    tally.files,
                    total,
                    tally.ready,
                    tally.waiting,
                    tally.bytes_read,
                    size,
                    tally.file,
                )
            )

        with ReaderChild(self._environment.variables) as reader:
            reader.start()
            pipeline = Pipeline(
                store,
                roots.folders,
                reader,
                self._checked,
                self._stop,
                on_stored=lambda what, file, record, why: self._count(what, file, record, why, roots),
                on_progress=progress,
            )
            try:
                return pipeline.run(changes.unread)
            finally:
                report.chunks, report.embedded = pipeline.tally.chunks, pipeline.tally.embedded
                report.left = total - pipeline.tally.files

    def _count(self, what: str, file: Found, record: FileRecord, why: Unread | None, roots: Roots) -> None:
        report = self._report
        if what == "indexed":
            report.indexed += 1
            self._changed = True
        elif what == "same":
            report.unchanged += 1
        elif what == "skipped":
            report.skip(record.reason)
        elif what == "failed" and why is not None:
            self._fail(FileFailed(os.path.join(roots.folders[file.root], file.path), why.reason, why.what))
        self._changed |= what in ("failed", "gone")

    def _fail(self, failed: FileFailed) -> None:
        self._report.failed.append(failed)
        self._tell(failed)

    def _loaded(self) -> Embedder:
        if self._embedder is None:
            from ockit.engines.embedders import open_embedder

            opened = open_embedder(self._name, self._environment)
            self._ends.callback(opened.close)
            self._embedder = opened
        return self._embedder

    def _checked(self) -> Embedder:
        """The embedder, which must be the one the index was made with."""
        embedder = self._loaded()
        self._facts.check(embedder.load(), self._facts.chunker, self._facts.words)
        return embedder

    def _finished(self, store: IndexStore) -> bool:
        """Note when, sweep, write the cache that searching maps, and let a new store take over.
        Whether nobody stopped it; what is on the disk is right in any case."""
        from ockit.index.vectors.dense import DenseIndex

        if self._changed:
            store.set_facts(replace(self._facts, updated=time.time()))
        if store.unswept:  # also what a run left that did not come so far
            self._tell(Progress("saving"))
            store.sweep_vectors()
        dense = DenseIndex(store)
        try:
            dense.refresh(self._go_on)
            for notice in dense.notices:
                self._tell(IndexNotice(notice))
        except InterruptedByUser:
            return False
        finally:
            dense.close()
        if store.place != self._place:
            store.close()
            put_in_place(store.place, self._place)
        return True

    def _go_on(self, *_: int) -> None:
        if self._stop.is_set():
            raise InterruptedByUser("the FAISS file was not made")

    def _dry(
        self, before: IndexFacts | None, roots: Roots, include: tuple[str, ...], exclude: tuple[str, ...]
    ) -> Report:
        """What a run would find; nothing is read but folders, and what may have moved."""
        from ockit.index.store.index_store import IndexStore

        self._name = self._plan.embedder or (before.embedder.name if before is not None else None)
        self._loaded()  # there must be one; it is not started
        known: dict[tuple[int, str], FileRecord] = {}
        if before is not None and not self._plan.rebuild:
            with IndexStore.open(self._place) as store:
                known = store.files()
        changes = self._compared(known, roots, include, exclude)
        report = self._report
        if changes is not None:
            report.indexed, report.moved = len(changes.unread), len(changes.moved)
            report.unchanged += report.moved
            report.removed = len(changes.gone)
        report.stopped = changes is None
        report.seconds = time.monotonic() - self._begun
        return report
