"""The embedded embedder as a worker's service: frames in, frames out (see `ockit.workers.child`).

A frame with vectors has ``rows``, the numbers of the texts, and ``vectors``, little-endian float32 in base64.
"""

from __future__ import annotations

import base64
from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ockit.engines.embedding_engine import EmbeddingEngine
from ockit.engines.installed_embedder import installed_embedder
from ockit.engines.llama import binding
from ockit.errors import WorkerError
from ockit.formats.embedder_cache import usable
from ockit.formats.sentence_model import read_limits
from ockit.protocols import EmbedderInfo


class EmbeddingService:
    """Hosts the embedder that is installed with ockit."""

    def __init__(self) -> None:
        binding()  # read the libraries while the parent is still busy with its own start
        self._engine: EmbeddingEngine | None = None

    def handle(self, method: str, params: dict[str, Any]) -> Generator[dict[str, Any], None, Any]:
        """Run one call: ``load`` (``cache``: a directory) gives an `EmbedderInfo`, ``embed`` (``texts``) frames."""
        if method == "load":
            if self._engine is not None:
                self._engine.close()
            source = installed_embedder()
            pooling, max_tokens = read_limits(source.directory)
            with usable(source, Path(params["cache"])) as path:
                self._engine = EmbeddingEngine(path, pooling, max_tokens)
            dimension = self._engine.dimension
            return asdict(EmbedderInfo(source.name, source.identity, dimension, pooling, max_tokens))
        if self._engine is None:
            raise WorkerError(f"{method!r} was called before a model was loaded")
        if method == "embed":
            for rows, vectors in self._engine.embed(params["texts"]):
                yield {"rows": rows, "vectors": base64.b64encode(vectors).decode()}
            return {"cancelled": self._engine.cancelled}
        raise WorkerError(f"the embedder has no call {method!r}")

    def arm(self) -> None:
        """The next cancel means the call that has come in."""
        if self._engine is not None:
            self._engine.arm()

    def cancel(self) -> None:
        """Stop the running call."""
        if self._engine is not None:
            self._engine.cancel()
