"""Embedders by the names that a person gives them (``--embedder``). Knows which there are, not how they work."""

from __future__ import annotations

from collections.abc import Mapping

from ockit.engines.build import gpu_build
from ockit.engines.hosted_embedder import HostedEmbedder
from ockit.environment import Environment
from ockit.errors import UsageError
from ockit.workers.limits import whole_memory
from ockit.workers.worker import Worker

EMBEDDED = "all-minilm-l6-v2"
"""The embedder that is installed with ockit and used where none is named."""

_SERVICE = "ockit.engines.embedding_service:EmbeddingService"
CACHE = "embedders"
"""Folder of the cache directory in which embedders are kept as llama.cpp runs them."""


def new_embedding_worker(variables: Mapping[str, str]) -> Worker:
    """A worker for the embedder that is installed with ockit, not started: starting it early saves a search the time
    in which it reads its libraries."""
    return Worker(_SERVICE, variables, memory_limit=None if gpu_build() else whole_memory())


def open_embedder(
    name: str | None,
    environment: Environment,
    *,
    stall_seconds: float = 120.0,
    worker: Worker | None = None,
) -> HostedEmbedder:
    """The embedder of a name; nothing is started or read yet.

    Args:
        name: None or ``all-minilm-l6-v2``.
        stall_seconds: silence after which its process counts as hung.
        worker: a process that `new_embedding_worker` has made; only used for the embedder it is for.

    Raises:
        UsageError: the name can be no embedder's.
    """
    if name is None or name.lower() == EMBEDDED:
        hosted = worker if worker is not None else new_embedding_worker(environment.variables)
        cache = environment.directories.cache / CACHE
        return HostedEmbedder(hosted, {"cache": str(cache)}, stall_seconds=stall_seconds)
    raise UsageError(f"there is no embedder {name!r}", hint=f"--embedder {EMBEDDED}")
