"""Which layers of a model lie on which graphics card, and which in main memory: OpenChatKit's device map.

Works from what the parts need and what each device may hold; loads nothing and asks no card. llama.cpp is told a
device map by two values, and this module follows its rule (``llama_model_base::load_tensors``): the parts are the
layers and, behind the last of them, the output; the last ``n_gpu_layers`` parts are offloaded, to the cards in
their order, each a contiguous run as long as its share of ``tensor_split``. With the counts themselves as shares
the runs come out exactly. The input embedding never leaves main memory, and a layer's cache lies with its layer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ockit.budgets import GIB, parse_budgets
from ockit.errors import DoesNotFit, UsageError
from ockit.formats.gguf_header import GGUFHeader
from ockit.models.figures import size_text
from ockit.models.memory import SMALLEST_CONTEXT, largest_for
from ockit.models.needs import LayerNeed, Needs, needs, whole
from ockit.settings import Settings


@dataclass(frozen=True)
class Row:
    """One run of parts on one device; bytes.

    Attributes:
        part: ``embedding``, ``layers``, ``output`` or ``work`` (the scratch memory).
        gpu: the card's number; None is main memory.
        layers: the first and the last layer of a run of layers.
    """

    part: str
    gpu: int | None
    weights: int = 0
    kv_cache: int = 0
    work: int = 0
    layers: tuple[int, int] | None = None

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.kv_cache + self.work


@dataclass(frozen=True)
class DeviceMap:
    """Where everything lies.

    Attributes:
        n_ctx: context in tokens.
        n_layers: of the model, the output not counted.
        rows: every part once, in the order of the model, the work memory of a device behind its parts.
        budgets: bytes that each card may hold, by its number.
        ram: bytes that main memory may hold; None is no limit.
        tensor_split: how many parts lie on each card from 0 on, the output being one: llama.cpp's shares. Empty
            where nothing is offloaded.
        copies_matrices: whether llama.cpp may bring matrices from main memory to card 0 to read a prompt: there is
            room for the largest.
    """

    n_ctx: int
    n_layers: int
    rows: tuple[Row, ...]
    budgets: Mapping[int, int]
    ram: int | None
    tensor_split: tuple[int, ...]
    copies_matrices: bool

    @property
    def n_gpu_layers(self) -> int:
        """llama.cpp's number of offloaded parts; one more than the model has layers is all of them."""
        return sum(self.tensor_split)

    @property
    def devices(self) -> tuple[int | None, ...]:
        """Main memory (None), then the cards that have a budget."""
        return (None, *self.budgets)

    def total(self, gpu: int | None) -> int:
        """Bytes on a device."""
        return sum(row.total for row in self.rows if row.gpu == gpu)

    def budget(self, gpu: int | None) -> int | None:
        """Bytes a device may hold; None is no limit."""
        return self.ram if gpu is None else self.budgets[gpu]

    @property
    def fits(self) -> bool:
        """Whether main memory holds what the cards do not; they are never given more than they may hold."""
        return self.ram is None or self.total(None) <= self.ram

    def facts(self) -> dict[str, Any]:
        """A JSON-ready object; sizes in bytes, ``gpu`` null for main memory."""
        return {
            "n_ctx": self.n_ctx,
            "n_layers": self.n_layers,
            "rows": [
                {
                    "part": row.part,
                    "layers": list(row.layers) if row.layers is not None else None,
                    "gpu": row.gpu,
                    "weights": row.weights,
                    "kv_cache": row.kv_cache,
                    "work": row.work,
                }
                for row in self.rows
            ],
            "devices": [
                {"gpu": gpu, "total": self.total(gpu), "budget": self.budget(gpu)} for gpu in self.devices
            ],
            "n_gpu_layers": self.n_gpu_layers,
            "tensor_split": list(self.tensor_split),
            "fits": self.fits,
        }


def budgets_of(settings: Settings) -> Mapping[int, int] | None:
    """Bytes that each card may hold by the settings; None where they do not say.

    ``gpu_memory`` decides what ``gpu_layers`` and ``tensor_split`` would: of these, a flag wins over a file and a
    variable.

    Raises:
        UsageError: both are given in the same way.
    """
    if settings.gpu_memory is None:
        return None
    told = settings.origin("gpu_memory")
    for key in ("gpu_layers", "tensor_split"):
        other = settings.origin(key)
        if other == "default" or (told.startswith("--") and not other.startswith("--")):
            continue
        if other.startswith("--") and not told.startswith("--"):
            return None
        raise UsageError(
            f"gpu_memory ({told}) and {key} ({other}) exclude each other: the memory decides the layers",
            hint="leave one of them out",
        )
    return parse_budgets(settings.gpu_memory)


def place(
    header: GGUFHeader,
    n_ctx: int,
    gpus: Mapping[int, int],
    *,
    ram: int | None = None,
    most: int | None = None,
) -> DeviceMap:
    """The map that puts as many layers on cards as their budgets hold, lower-numbered cards first.

    Args:
        header: of a file that passed `ockit.formats.loadable.check_loadable`.
        n_ctx: context in tokens.
        gpus: bytes that ockit may take on each card, by number: weights, cache and scratch memory together.
        ram: bytes of main memory; they bound nothing here, `DeviceMap.fits` compares.
        most: parts to offload at most (the setting ``gpu_layers``); None is all.

    Raises:
        ModelFileError: see `ockit.models.needs.needs`.
    """
    need = needs(header, n_ctx)
    n_layers = len(need.layers)
    n_parts = n_layers + 1
    counts: list[int] = []
    first = n_parts
    for start in range(0 if most is None else max(0, n_parts - most), n_parts):
        found = _filled(need, start, gpus)
        if found is not None:
            counts, first = found, start
            break
    return DeviceMap(
        n_ctx=n_ctx,
        n_layers=n_layers,
        rows=tuple(_rows(need, first, counts)),
        budgets=dict(sorted(gpus.items())),
        ram=ram,
        tensor_split=tuple(counts),
        copies_matrices=bool(counts and counts[0]),
    )


def require_fits(header: GGUFHeader, found: DeviceMap, ram: int, *, origin: str | None = None) -> None:
    """Return if main memory holds what a map leaves to it.

    Args:
        header: the model's.
        found: its map.
        ram: bytes of main memory it may take.
        origin: what the person knows that figure by, such as ``--ram``; None is what is free now.

    Raises:
        DoesNotFit: it does not; the hint names the largest context that would fit.
    """
    taken = found.total(None)
    if taken <= ram:
        return
    small, budgets = whole(header), found.budgets
    context = largest_for(found.n_ctx, lambda n: place(small, n, budgets).total(None) <= ram)
    ways = [f"take a smaller quantization of the model (this file is {header.quantization})"]
    if context >= SMALLEST_CONTEXT:
        ways.insert(0, f"ask for a smaller context: --ctx-size {context}")
    if budgets and found.n_gpu_layers <= found.n_layers:
        ways.append("allow more on the graphics cards: -g")
    if origin is None:
        ways += ["close other programs", "switch this check off: ockit config set memory_check off"]
    else:
        ways.append(f"allow more main memory: -r {math.ceil(taken * 10 / GIB) / 10:.1f}")
    left = "what the graphics cards do not hold" if budgets else "the model"
    said = f"{origin} allows {size_text(ram)}" if origin is not None else f"{size_text(ram)} are available"
    raise DoesNotFit(
        f"{left} takes {size_text(taken)} of main memory at {found.n_ctx} tokens of context, but {said}",
        where=str(header.path),
        hint="; or ".join(ways),
    )


def _filled(need: Needs, start: int, gpus: Mapping[int, int]) -> list[int] | None:
    """How many parts each card from 0 on takes if all from `start` on are offloaded; None where they do not fit.

    A card takes as much as it holds before the next one takes anything, which reaches as far as any way can.
    """
    sizes = [layer.total for layer in need.layers[start:]] + [need.output + need.output_copy]
    counts = [0] * (max(gpus, default=-1) + 1)
    at = 0
    for gpu in sorted(gpus):
        left = gpus[gpu] - _fixed(need, start, gpu)
        while at < len(sizes) and sizes[at] <= left:
            left -= sizes[at]
            counts[gpu] += 1
            at += 1
    return counts if at == len(sizes) else None


def _fixed(need: Needs, start: int, gpu: int) -> int:
    """Scratch memory of a card that holds anything. `start` is the first part that is offloaded."""
    return need.scratch + (need.largest_matrix if start > 0 and gpu == 0 else 0)


def _rows(need: Needs, start: int, counts: Sequence[int]) -> list[Row]:
    rows = [Row("embedding", None, weights=need.embedding)]
    rows += _run(need, None, 0, start)
    rows.append(Row("work", None, work=need.compute))
    at = start
    for gpu, count in enumerate(counts):
        if count:
            rows += _run(need, gpu, at, at + count)
            rows.append(Row("work", gpu, work=_fixed(need, start, gpu)))
            at += count
    return rows


def _run(need: Needs, gpu: int | None, start: int, end: int) -> list[Row]:
    """The rows of the parts from `start` to before `end` on a device."""
    n_layers = len(need.layers)
    layers: Sequence[LayerNeed] = need.layers[start:end]
    rows = []
    if layers:
        weights, cache = sum(layer.weights for layer in layers), sum(layer.kv_cache for layer in layers)
        rows.append(Row("layers", gpu, weights, cache, layers=(start, min(end, n_layers) - 1)))
    if start <= n_layers < end:
        rows.append(Row("output", gpu, need.output + (need.output_copy if gpu is not None else 0)))
    return rows
