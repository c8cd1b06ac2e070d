"""From a model's name to an engine that can load it: file checked, memory checked, template chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ockit.budgets import GIB
from ockit.engines.build import gpu_build
from ockit.engines.options import LoadOptions
from ockit.environment import Directories
from ockit.errors import UsageError
from ockit.formats.gguf_header import GGUFHeader
from ockit.formats.header_cache import HeaderCache
from ockit.models.device_map import budgets_of, place, require_fits
from ockit.models.entry import ModelEntry
from ockit.models.free_memory import available
from ockit.models.memory import check_fits, context_of
from ockit.models.needs import needs
from ockit.models.registry import Registry
from ockit.prompts.jinja import JinjaTemplate
from ockit.prompts.recognise import recognise
from ockit.prompts.template import Template
from ockit.prompts.templates import named, names
from ockit.settings import Settings

SPECIAL_TYPES = (3, 4)
"""``tokenizer.ggml.token_type`` of control and user-defined tokens."""


@dataclass(frozen=True)
class OpenModel:
    """A model that is ready to be loaded.

    Attributes:
        entry: what the registry knows of it.
        options: how the engine is to load it.
        template: how its prompts look: a named format, or its own Jinja template where that was asked for.
        notices: what the person should know of these choices.
    """

    entry: ModelEntry
    options: LoadOptions
    template: Template | JinjaTemplate
    notices: tuple[str, ...] = ()

    @property
    def sampling(self) -> Mapping[str, Any]:
        """The model's own sampling defaults."""
        return self.entry.sampling


def open_model(settings: Settings, directories: Directories, cwd: Path, name: str | None) -> OpenModel:
    """Find a model, check its file and this machine's memory, and choose its template. Loads nothing.

    Raises:
        NotFound: no such model or template.
        ModelFileError: the file is damaged, or holds no weights.
        DoesNotFit: it needs more memory than there is, or than it may take.
        UsageError: settings that exclude each other.
    """
    registry = Registry(directories, cwd=cwd)
    entry = registry.resolve(name)
    header = HeaderCache(directories.cache / "headers").read_loadable(entry.path)
    n_ctx = context_of(header, settings.ctx_size)
    on_gpu = settings.gpu_layers != 0 and gpu_build()
    placing = _placing(settings, header, n_ctx, on_gpu)
    template, note = _choose_template(settings.template or entry.template, header)
    notices = [*registry.notices, *note]
    if header.n_ctx_train and n_ctx > header.n_ctx_train:
        notices.append(
            f"a context of {n_ctx} tokens is more than the {header.n_ctx_train} the model was trained for"
        )
    threads, threads_prefill = settings.threads, settings.threads_prefill
    if threads or threads_prefill:
        from ockit.engines.threads import usable_cores

        cores = usable_cores()
        if max(threads, threads_prefill) > cores:
            notices.append(f"this process may use {cores} cores, so {cores} threads are used and no more")
        threads, threads_prefill = min(threads, cores), min(threads_prefill, cores)
    options = LoadOptions(
        path=str(entry.path),
        n_ctx=n_ctx,
        threads=threads,
        threads_prefill=threads_prefill,
        main_gpu=settings.main_gpu,
        flash_attention=settings.flash_attention,
        **placing,
    )
    return OpenModel(entry, options, template, tuple(notices))


def _placing(settings: Settings, header: GGUFHeader, n_ctx: int, on_gpu: bool) -> dict[str, Any]:
    """The load options that say what lies where, memory checked."""
    budgets = budgets_of(settings)
    ram = int(settings.ram * GIB) if settings.ram is not None else None
    chosen = {"gpu_layers": settings.gpu_layers, "tensor_split": settings.tensor_split}
    if budgets is None and on_gpu:  # the worker sees the cards and does the rest
        return chosen | _needs(header, n_ctx) | {"ram_bytes": ram or 0}
    found = place(header, n_ctx, budgets or {})
    if ram is not None:
        require_fits(header, found, ram, origin=settings.origin("ram"))
    if budgets is None:
        if settings.memory_check:
            check_fits(header, n_ctx)
        return chosen
    if settings.memory_check:
        require_fits(header, found, available())
    return {
        "gpu_layers": found.n_gpu_layers,
        "tensor_split": tuple(float(count) for count in found.tensor_split),
        "n_gpus": len(found.tensor_split),
        "op_offload": found.copies_matrices,
    }


def _needs(header: GGUFHeader, n_ctx: int) -> dict[str, int]:
    """What a layer and the rest take, in bytes, so that the worker can tell how many layers fit on a GPU."""
    need = needs(header, n_ctx)
    n_layers = max(1, len(need.layers))
    return {
        "n_layers": n_layers,
        "layer_bytes": sum(layer.total for layer in need.layers) // n_layers,
        "output_bytes": need.output + need.output_copy,
        "fixed_bytes": need.scratch + need.largest_matrix,
        "main_bytes": need.embedding + need.compute,
    }


def _choose_template(
    chosen: str | None, header: GGUFHeader
) -> tuple[Template | JinjaTemplate, tuple[str, ...]]:
    """(template, notices): the chosen one, else the one recognised in the model, else chatml."""
    own = header.chat_template
    if chosen == "jinja":
        return _own_template(header), ()
    if chosen is not None:
        return named(chosen), ()
    recognised = recognise(own)
    if recognised is not None and recognised.writes_eos:
        recognised = recognise(own, eos=_spelling(header, "eos_token_id"))
    if recognised is not None:
        return recognised, ()
    said = "has no chat template" if own is None else "has a chat template that ockit does not know"
    ways = "--template NAME chooses another" + ("" if own is None else ", --template jinja runs its own")
    return named("chatml"), (f"this model {said}; chatml is used ({ways})",)


def _own_template(header: GGUFHeader) -> JinjaTemplate:
    """The model's own Jinja template, with the spelling of its special tokens.

    Raises:
        UsageError: it has none.
    """
    if header.chat_template is None:
        raise UsageError("this model has no chat template of its own", hint=f"--template {names()[0]}")
    tokens = header.strings("tokenizer.ggml.tokens")
    types = header.numbers("tokenizer.ggml.token_type")
    special = (token for token, kind in zip(tokens, types, strict=False) if kind in SPECIAL_TYPES)
    markers = tuple(token.decode("utf-8", "replace") for token in special)
    bos, eos = (_spelling(header, key) or "" for key in ("bos_token_id", "eos_token_id"))
    return JinjaTemplate(header.chat_template, markers, bos, eos)


def _spelling(header: GGUFHeader, key: str) -> str | None:
    """The text of a special token, by its key; None where the model names none."""
    token = header.integer(f"tokenizer.ggml.{key}")
    tokens = header.strings("tokenizer.ggml.tokens")
    return tokens[token].decode("utf-8", "replace") if token is not None and token < len(tokens) else None
