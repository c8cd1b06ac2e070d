"""Embedders and rerankers by the names that a person gives them (``--embedder``, ``--rerank``). Knows which there are,
not how they work."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ockit.engines.build import gpu_build
from ockit.engines.embedder_names import EMBEDDED, ENDPOINT, settled
from ockit.engines.hosted_embedder import HostedEmbedder
from ockit.engines.hosted_reranker import HostedReranker
from ockit.engines.model_directory import find_model
from ockit.environment import Environment
from ockit.workers.limits import whole_memory
from ockit.workers.worker import Worker

if TYPE_CHECKING:
    from ockit.engines.embedding_endpoint import EndpointEmbedder

CACHE = "embedders"
"""Folder of the cache directory in which embedders are kept as llama.cpp runs them."""

_EMBEDDED = "ockit.engines.embedding_service:EmbeddingService"
_SENTENCE = "ockit.engines.sentence_service:SentenceService"
_RERANK = "ockit.engines.sentence_service:RerankService"
_DRIVERS = ("/dev/nvidiactl", "/dev/kfd")


def new_embedding_worker(variables: Mapping[str, str]) -> Worker:
    """A worker for the embedder that is installed with ockit, not started: starting it early saves a search the time
    in which it reads its libraries."""
    return Worker(_EMBEDDED, variables, memory_limit=None if gpu_build() else whole_memory())


def open_embedder(
    name: str | None,
    environment: Environment,
    *,
    stall_seconds: float = 120.0,
    worker: Worker | None = None,
) -> HostedEmbedder | EndpointEmbedder:
    """The embedder of a name; nothing is started yet.

    Args:
        name: None or ``all-minilm-l6-v2``; a directory of a sentence-transformers model (``./NAME``, ``~/NAME`` or
            an absolute path), or the name of one in the hub's cache; ``openai:URL#MODEL``
            (`ockit.engines.embedding_endpoint`).
        stall_seconds: silence after which its process counts as hung.
        worker: a process that `new_embedding_worker` has made; only used for the embedder it is for.

    Raises:
        UsageError: the name can be no embedder's.
        NotFound: no model of that name is on this machine.
        ModelFileError: the model is damaged, or could run code as it is loaded.
    """
    variables = environment.variables
    if name is None or name.lower() == EMBEDDED:
        hosted = worker if worker is not None else new_embedding_worker(variables)
        cache = environment.directories.cache / CACHE
        return HostedEmbedder(hosted, {"cache": str(cache)}, stall_seconds=stall_seconds)
    if name.startswith(ENDPOINT):
        from ockit.engines.embedding_endpoint import EndpointEmbedder  # 30 ms of urllib

        return EndpointEmbedder(name, variables)
    path = find_model(name, variables, environment.cwd)
    load = {"name": settled(name, environment.cwd), "path": str(path)}
    return HostedEmbedder(_torch_worker(_SENTENCE, variables), load, stall_seconds=stall_seconds)


def open_reranker(name: str, environment: Environment, *, stall_seconds: float = 120.0) -> HostedReranker:
    """The cross-encoder of a directory or of a name in the hub's cache; nothing is started yet.

    Raises:
        UsageError, NotFound, ModelFileError: as `open_embedder`.
    """
    path = find_model(name, environment.variables, environment.cwd)
    worker = _torch_worker(_RERANK, environment.variables)
    worker.stall_seconds = stall_seconds
    return HostedReranker(worker, path)


def _torch_worker(service: str, variables: Mapping[str, str]) -> Worker:
    """Its memory has a ceiling, but not where there is a GPU: a driver maps what it likes."""
    gpu = any(Path(driver).exists() for driver in _DRIVERS)
    return Worker(service, variables, memory_limit=None if gpu else whole_memory())
