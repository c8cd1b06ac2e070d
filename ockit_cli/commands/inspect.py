"""`ockit inspect`: what is in a model file. Knows how it is shown; `ockit.models.inspection` knows what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ockit.commands import model_options as opt
from ockit.commands.completion import complete_model
from ockit.commands.invocation import Invocation, invocation
from ockit.errors import ExitCode, NotFound, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from ockit.formats.gguf_header import GGUFHeader


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("inspect")(inspect)


def inspect(
    ctx: typer.Context,
    model: Annotated[
        str,
        typer.Argument(
            metavar="FILE|MODEL",
            help="A GGUF file, or the name of a model.",
            autocompletion=complete_model,
            show_default=False,
        ),
    ],
    tensors: Annotated[bool, typer.Option("--tensors", help="List every tensor too.")] = False,
    ctx_size: Annotated[
        int | None,
        typer.Option(
            "--ctx-size", min=1, max=1 << 28, metavar="N", help="Estimate the memory for N tokens of context."
        ),
    ] = None,
    plan: opt.Plan = False,
    gpu_memory: opt.GpuMemory = None,
    ram: opt.Ram = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> int:
    """Say what is in a model file, and whether it fits this machine.

    --plan needs no more of the file than its header, and says instead where each layer would lie in memory.
    """
    from ockit.models.inspection import inspection, tensor_rows
    from ockit.models.parts import read_model

    call = invocation(ctx)
    settings = call.settings_with(ctx_size=ctx_size, gpu_memory=gpu_memory, ram=ram)
    if not plan and (gpu_memory is not None or ram is not None):
        raise UsageError("-g and -r say where things would lie", hint=f"ockit inspect --plan {model}")
    if plan and tensors:
        raise UsageError("--plan and --tensors exclude each other", hint="leave one of them out")
    if plan:
        from ockit.commands.plan import print_plan

        return print_plan(call, settings, read_model(_path(call, model), whole=False), as_json=as_json)
    header = read_model(_path(call, model))
    found = inspection(header, ctx_size=settings.ctx_size)
    if as_json:
        extra = {"tensors": tensor_rows(header)} if tensors else {}
        call.console.json({"schema_version": 1, **found, **extra})
        return ExitCode.OK
    for label, text in _lines(found):
        call.console.line(f"{label + ':':<14}{text}")
    if found["tensor_types"]:
        call.console.line()
        _print_types(call, found["tensor_types"])
    if tensors:
        call.console.line()
        _print_tensors(call, header)
    if found["problem"]:
        call.console.warning(f"ockit cannot run this file: {found['problem']}")
    return ExitCode.OK


def _path(call: Invocation, model: str) -> Path:
    """The file that a model's name or a path means. A name wins over a file of that name without a suffix."""
    from ockit.models.registry import Registry

    try:
        return Registry(call.directories, cwd=call.environment.cwd).find(model).path
    except NotFound:
        path = call.environment.cwd / model
        if path.is_file():
            return path
        raise


def _lines(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Labels and texts; what the file does not say is left out."""
    from ockit.models.figures import count_text, size_text
    from ockit.text import one_line

    template = found["template"] or ("unknown" if found["template_text"] else "none")
    need = found["memory"]
    texts = {
        "name": found["name"],
        "path": found["path"],
        "size": size_text(found["file_size"]),
        "kind": found["kind"],
        "architecture": found["architecture"],
        "quantization": found["quantization"],
        "parameters": count_text(found["n_params"]) if found["n_params"] else None,
        "context": f"{found['n_ctx_train']} tokens" if found["n_ctx_train"] else None,
        "layers": _joined((found["n_layers"], "layers"), (found["width"], "wide")),
        "heads": _joined((found["heads"], "heads"), (found["heads_kv"], "for keys and values")),
        "experts": _joined((found["experts"], "experts"), (found["experts_used"], "used at a time")),
        "vocabulary": _joined((found["n_vocab"], "tokens"), (found["tokenizer"], "")),
        "special": ", ".join(f"{role} {row['text']!r}" for role, row in found["special_tokens"].items()),
        "template": template,
        "license": found["license"],
    }
    if need is not None:
        verdict = "fits" if need["fits"] else "does not fit"
        parts = (("weights", "weights"), ("cache", "kv_cache"), ("work", "compute"))
        shares = ", ".join(f"{word} {size_text(need[part])}" for word, part in parts)
        texts["memory"] = (
            f"{size_text(need['total'])} at {need['n_ctx']} tokens of context ({shares}), "
            f"{size_text(need['available'])} available: {verdict}"
        )
    return ((label, one_line(str(text))) for label, text in texts.items() if text)


def _joined(*figures: tuple[Any, str]) -> str:
    """``30 layers, 576 wide``; a list, one number a layer, as its least and greatest; 0 and None are left out."""
    told = []
    for value, unit in figures:
        shown = f"{min(value)} to {max(value)}" if isinstance(value, list) and value else value
        if shown:
            told.append(f"{shown} {unit}".strip())
    return ", ".join(told)


def _print_types(call: Invocation, rows: list[dict[str, Any]]) -> None:
    from ockit.models.figures import count_text, size_text

    call.console.table(
        ("TYPE", "TENSORS", "PARAMS", "SIZE"),
        [(row["type"], row["count"], count_text(row["n_params"]), size_text(row["size"])) for row in rows],
    )


def _print_tensors(call: Invocation, header: GGUFHeader) -> None:
    from ockit.models.figures import size_text

    call.console.table(
        ("TENSOR", "SHAPE", "TYPE", "SIZE"),
        [
            (tensor.name, " x ".join(map(str, tensor.shape)), tensor.kind.name, size_text(tensor.n_bytes))
            for tensor in header.tensors
        ],
    )
