"""``--plan``: where every layer of a model, its cache and its work memory would lie. Loads no model.

Knows how a device map is shown; `ockit.models.device_map` makes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ockit.commands.invocation import Invocation
from ockit.errors import ExitCode

if TYPE_CHECKING:
    from ockit.formats.gguf_header import GGUFHeader
    from ockit.models.device_map import DeviceMap, Row
    from ockit.settings import Settings

SCHEMA_VERSION = 1


def show_plan(run: Invocation, settings: Settings, name: str | None, *, as_json: bool = False) -> int:
    """Print the plan for a model by its name, an alias or a path, headed as ockit calls it; gives the exit code.

    Raises:
        NotFound, ModelFileError: there is no such model, or its file is damaged.
        DoesNotFit: as for `print_plan`.
    """
    from ockit.models.parts import read_model
    from ockit.models.registry import Registry

    entry = Registry(run.directories, cwd=run.environment.cwd).resolve(name)
    return print_plan(run, settings, read_model(entry.path), title=entry.label, as_json=as_json)


def print_plan(
    run: Invocation,
    settings: Settings,
    header: GGUFHeader,
    *,
    title: str | None = None,
    as_json: bool = False,
) -> int:
    """Print the plan for a header; gives the exit code. `title` is its head; None takes the file's own name.

    Without ``gpu_memory`` the cards that llama.cpp sees are taken, with what is free on them.

    Raises:
        ModelFileError: the header describes no model that can be loaded.
        DoesNotFit: something lies nowhere; the plan has been printed all the same.
    """
    from ockit.budgets import GIB
    from ockit.formats.loadable import check_loadable
    from ockit.models.device_map import budgets_of, place, require_fits
    from ockit.models.free_memory import available
    from ockit.models.memory import context_of

    check_loadable(header, whole=False)
    title = title or header.name
    budgets = budgets_of(settings)
    most = None
    if budgets is None:
        budgets = _seen(run, settings)
        most = settings.gpu_layers if isinstance(settings.gpu_layers, int) else None
    origin = settings.origin("ram") if settings.ram is not None else None
    ram = int(settings.ram * GIB) if settings.ram is not None else available()
    found = place(header, context_of(header, settings.ctx_size), budgets, ram=ram, most=most)
    if as_json:
        about = {"schema_version": SCHEMA_VERSION, "path": str(header.path), "name": title}
        run.console.json(about | found.facts())
    else:
        _print(run, title, found)
    require_fits(header, found, ram, origin=origin)
    return ExitCode.OK


def _seen(run: Invocation, settings: Settings) -> Mapping[int, int]:
    """What may be taken on each card that llama.cpp sees; none where it was built for none or is to use none."""
    from ockit.engines.build import gpu_build

    if settings.gpu_layers == 0 or not gpu_build():
        return {}
    from ockit.engines.gpu import HEADROOM
    from ockit.engines.hosted import HostedEngine

    if settings.tensor_split:
        run.console.notice("the plan fills card after card; tensor_split is not looked at")
    engine = HostedEngine(run.environment.variables, run.directories.cache / "threads.json")
    try:
        devices = engine.system()["devices"]
    finally:
        engine.close()
    return {number: int(device["free"] * (1 - HEADROOM)) for number, device in enumerate(devices)}


def _print(run: Invocation, title: str, found: DeviceMap) -> None:
    from ockit.models.figures import size_text

    console = run.console
    console.line(f"{title}: {found.n_layers} layers, {found.n_ctx} tokens of context")
    console.line()
    rows = [
        (
            _part(row),
            _device(row.gpu),
            *(size_text(n) if n else "" for n in (row.weights, row.kv_cache, row.work)),
        )
        for row in found.rows
    ]
    console.table(("PART", "DEVICE", "WEIGHTS", "CACHE", "WORK"), rows)
    console.line()
    totals = [
        (_device(gpu), size_text(found.total(gpu)), size_text(found.budget(gpu)), _verdict(found, gpu))
        for gpu in found.devices
    ]
    console.table(("DEVICE", "TOTAL", "MAY TAKE", ""), totals)
    console.line()
    shares = ",".join(map(str, found.tensor_split)) or "none"
    console.line(f"for llama.cpp: n_gpu_layers {found.n_gpu_layers}, tensor_split {shares}")


def _part(row: Row) -> str:
    if row.layers is None:
        return row.part
    first, last = row.layers
    return f"layers {first}-{last}" if first != last else f"layer {first}"


def _device(gpu: int | None) -> str:
    return "main memory" if gpu is None else f"GPU {gpu}"


def _verdict(found: DeviceMap, gpu: int | None) -> str:
    limit = found.budget(gpu)
    return "fits" if limit is None or found.total(gpu) <= limit else "does not fit"
