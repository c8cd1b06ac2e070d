"""An index in words, as `ockit indexes show` prints it. Programs take its --json, which has more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ockit.index.store.facts import IndexFacts
    from ockit.index.store.rows import Counts, FileRecord


def description(
    facts: IndexFacts,
    counts: Counts,
    searched: Mapping[str, object],
    records: Iterable[FileRecord],
    size: int,
) -> Iterator[str]:
    """Lines; the first one is the name.

    Args:
        searched: as `DenseIndex.describe` gives it.
        size: bytes of everything in the index's directory.
    """
    from ockit.index.indexing.plan import Roots
    from ockit.models.figures import size_text
    from ockit.sessions.export import moment

    yield facts.name
    for place in Roots(facts.roots, facts.named).paths:
        yield f"of: {place}"
    if facts.foreign:
        yield "imported: these are paths of another machine"
    if facts.kind != "files":
        yield f"kind: {facts.kind}"
    for option, globs in (("include", facts.include), ("exclude", facts.exclude)):
        if globs:
            yield f"{option}: {', '.join(globs)}"
    yield f"files: {counts.files:,}"
    if counts.failed:
        yield f"failed: {counts.failed:,}; ockit indexes show {facts.name} --failed lists them"
    if counts.skipped:
        reasons = Counter(record.reason for record in records if record.state == "skipped")
        why = ", ".join(f"{reason}: {count:,}" for reason, count in reasons.most_common())
        by_name = f"by their names: ockit index --name {facts.name} --dry-run"
        yield f"left out by what is in them: {counts.skipped:,} ({why}); {by_name}"
    yield f"chunks: {counts.chunks:,}"
    yield f"vectors: {_vectors(searched)}"
    yield f"size: {size_text(size) or '0 B'}"
    yield f"embedder: {facts.embedder.name}, {facts.embedder.dimension} dimensions"
    yield f"created: {moment(facts.created)}"
    yield f"updated: {moment(facts.updated)}"


def _vectors(searched: Mapping[str, object]) -> str:
    rows, behind = int(str(searched["rows"])), int(str(searched["behind"]))
    if searched["kind"] == "rows":
        return f"{behind:,} in the database, searched exactly"
    how = "searched exactly" if searched["kind"] == "flat" else "the nearest lists of it searched"
    return f"{rows:,} in a FAISS file, {how}" + (f"; {behind:,} besides, in the database" if behind else "")
