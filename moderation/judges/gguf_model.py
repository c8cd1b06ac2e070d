"""A GGUF model in a worker of its own, to judge with. Its weights are mapped: where the chat runs the same file on the
processor, they lie in memory once."""

from __future__ import annotations

from dataclasses import dataclass

from ockit.engines.build import gpu_build
from ockit.engines.hosted import HostedEngine
from ockit.engines.options import LoadOptions
from ockit.environment import Environment
from ockit.formats.gguf_header import GGUFHeader
from ockit.formats.header_cache import HeaderCache
from ockit.models.digest import stamp
from ockit.models.memory import check_fits
from ockit.models.parts import parts_of
from ockit.models.registry import Registry


@dataclass(frozen=True)
class JudgeModel:
    """An engine that is ready to load, and what is known of its file.

    Attributes:
        identity: changes with the file.
    """

    engine: HostedEngine
    header: GGUFHeader
    name: str
    identity: str


def open_gguf(
    model: str, environment: Environment, *, ctx_size: int, gpu_layers: int | str, stall_seconds: float
) -> JudgeModel:
    """The model of a name or path (empty: the default one), checked. Starts nothing.

    Args:
        ctx_size: tokens of prompt and label.
        gpu_layers: a number or ``all``.

    Raises:
        NotFound, ModelFileError, StoreError: as its file is.
        DoesNotFit: there is no memory for it.
    """
    registry = Registry(environment.directories, cwd=environment.cwd)
    entry = registry.resolve(model or None)
    header = HeaderCache(environment.directories.cache / "headers").read_loadable(entry.path)
    n_ctx = min(ctx_size, header.n_ctx_train) if header.n_ctx_train else ctx_size
    if gpu_layers == 0 or not gpu_build():
        check_fits(header, n_ctx)
    engine = HostedEngine(
        environment.variables, environment.directories.cache / "threads.json", stall_seconds=stall_seconds
    )
    engine.choose(LoadOptions(path=str(entry.path), n_ctx=n_ctx, gpu_layers=gpu_layers))
    size, changed = stamp(parts_of(entry.path))
    return JudgeModel(engine, header, entry.name, f"{entry.path}|{size}|{changed}")
