"""What a search is told besides the question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ockit.protocols import Reranker

Mode = Literal["both", "bm25", "dense"]
MODES: tuple[Mode, ...] = ("both", "bm25", "dense")
WINDOW_THRESHOLD = 0.5
"""Cosine of two neighbours that are about the same, where none is named."""


@dataclass(frozen=True)
class SearchOptions:
    """Options of one search.

    Attributes:
        k: passages at most.
        window: neighbours on either side by which a hit is widened, as long as their vectors agree with its own; None:
            every passage is widened to its usual size.
        window_threshold: cosine from which on two vectors agree.
        paths: patterns of paths (as in a shell; ``**`` crosses folders) of which one must fit, below the indexed
            folder, or as the file is opened: absolute, or from `cwd`; none: all.
        cwd: the absolute path of the folder from which `paths` may be seen; empty: they are below the indexed one.
        types: kinds of document (`Document.kind`) or extensions, of which one must fit; none: all.
        since: only files changed at this time (seconds since 1970) or later.
        mode: words and vectors, or one of them.
        floor: whether a question that nothing answers gets no passages.
        reranker: reads the best passages once more with the question, and orders them.
    """

    k: int = 5
    window: int | None = None
    window_threshold: float = WINDOW_THRESHOLD
    paths: tuple[str, ...] = ()
    cwd: str = ""
    types: tuple[str, ...] = ()
    since: float | None = None
    mode: Mode = "both"
    floor: bool = True
    reranker: Reranker | None = None
