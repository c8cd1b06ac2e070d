"""What an index is of and what it was made with. Where that changes, its vectors and words are no longer comparable.

Knows no database; the store keeps the facts as JSON, and a copy beside itself.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ockit.errors import UsageError
from ockit.index.store.rows import sum_of
from ockit.protocols import EmbedderInfo

IndexKind = Literal["files", "feed", "sentences"]
KINDS: tuple[IndexKind, ...] = ("files", "feed", "sentences")


@dataclass(frozen=True)
class IndexFacts:
    """The facts of one index.

    Attributes:
        name: what ``-i`` calls it.
        roots: absolute paths of the folders; the number of a root is its place here.
        include: patterns of files that alone are taken; none: all.
        exclude: patterns of files that are left out.
        embedder: what made the vectors.
        chunker: version of the code that cut the documents.
        words: version of the code that made words for the full-text index.
        kind: what is indexed.
        created: Unix seconds.
        updated: Unix seconds of the last run that ended.
        named: files that were named one by one, as (number of the root, path); such a root is not walked otherwise.
        foreign: it was imported, and its roots are paths of another machine: nothing is read below them.
        inodes: device and inode of each root at the last run; none where nobody knows. Where a disk is not mounted,
            another folder stands in its place.
    """

    name: str
    roots: tuple[str, ...]
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    embedder: EmbedderInfo
    chunker: int
    words: int
    kind: IndexKind
    created: float
    updated: float
    named: tuple[tuple[int, str], ...] = ()
    foreign: bool = False
    inodes: tuple[tuple[int, int], ...] = ()

    def check(self, embedder: EmbedderInfo, chunker: int, words: int) -> None:
        """Return where vectors of `embedder` and words of these versions may be compared with those stored.

        Raises:
            UsageError: what differs, and what to type.
        """
        differing = [
            f"{name} is {_shown(getattr(self.embedder, name))}, now {_shown(getattr(embedder, name))}"
            for name in asdict(self.embedder)
            if getattr(self.embedder, name) != getattr(embedder, name)
        ]
        if differing:
            raise UsageError(
                f"the index {self.name} was made with another embedder: its {'; its '.join(differing)}",
                hint=f"use --embedder {self.embedder.name}, or make the index anew: {self.rebuild}",
            )
        for what, stored, current in (("chunks", self.chunker, chunker), ("words", self.words, words)):
            if stored != current:
                raise UsageError(
                    f"the index {self.name} has {what} of version {stored}, this ockit makes version {current}",
                    hint=f"make the index anew: {self.rebuild}",
                )

    @property
    def rebuild(self) -> str:
        """The command that makes this index anew."""
        if self.kind == "feed":
            return f"ockit indexes refresh {self.name} --rebuild"
        if self.kind == "sentences":
            return f"ockit indexes import-sentences FILE --name {self.name} --rebuild"
        return rebuild_command(self.name)

    def to_json(self) -> str:
        """As `from_json` reads it."""
        return json.dumps(asdict(self), ensure_ascii=True)  # a path's surrogates stay escapes

    def to_rows(self) -> list[tuple[str, object]]:
        """As the store keeps them: names and values of its table ``meta``."""
        text = self.to_json()
        return [("facts", text), ("facts_sum", sum_of((text,)))]

    @classmethod
    def from_json(cls, text: str | bytes) -> IndexFacts:
        """The facts in a JSON text.

        Raises:
            ValueError: there are none in it.
        """
        try:
            found: dict[str, Any] = json.loads(text)
            embedder = EmbedderInfo(**found.pop("embedder"))
            for name in ("roots", "include", "exclude"):
                found[name] = tuple(map(_string, found[name]))
            found["named"] = tuple((_integer(root), _string(path)) for root, path in found["named"])
            found["inodes"] = tuple(
                (_integer(device), _integer(inode)) for device, inode in found.get("inodes", ())
            )
            facts = cls(embedder=embedder, **found)
        except (TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ValueError(f"no facts of an index: {error}") from error
        for number in (facts.chunker, facts.words, embedder.dimension, embedder.max_tokens):
            _integer(number)
        for word in (facts.name, embedder.name, embedder.identity, embedder.pooling):
            _string(word)
        if not all(0 <= root < len(facts.roots) for root, _ in facts.named):
            raise ValueError("no facts of an index: a file that was named has no folder")
        if not isinstance(facts.foreign, bool):
            raise ValueError(f"no facts of an index: foreign is {facts.foreign!r}")
        if facts.kind not in KINDS or not 0 < embedder.dimension <= 65536:
            raise ValueError(f"no facts of an index: {facts.kind!r}, dimension {embedder.dimension}")
        if not all(isinstance(when, int | float) for when in (facts.created, facts.updated)):
            raise ValueError("no facts of an index: a time is no number")
        return facts


def rebuild_command(name: str) -> str:
    """What to type to make the index of files of this name anew."""
    return f"ockit index --rebuild --name {name}"


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"no facts of an index: {value!r} should be a text")
    return value


def _integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"no facts of an index: {value!r} should be a number")
    return value


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
