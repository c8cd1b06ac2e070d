"""``ockit bench``: what models cost on this machine. How it is measured stands in `trial`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from ockit.assistant.opening import OpenModel, open_model
from ockit.commands import model_options as opt
from ockit.commands.completion import complete_model
from ockit.commands.invocation import Invocation, invocation
from ockit.commands.trial import Trials, run_trials
from ockit.engines.threads import cpu_name, usable_cores
from ockit.errors import ExitCode, OckitError, UsageError
from ockit.settings import Settings

COLUMNS = (
    "MODEL", "SIZE", "LOAD s", "CACHED s", "FIRST s", "PREFILL tok/s", "DECODE tok/s", "MEMORY", "THREADS", "GPU",
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("bench")(bench)


def bench(
    ctx: typer.Context,
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL]...",
            help="Names, aliases or GGUF files; the default model where none is given.",
            autocompletion=complete_model,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    prompt_tokens: Annotated[int, typer.Option(min=1, help="Tokens to read.")] = 512,
    decode_tokens: Annotated[int, typer.Option(min=2, help="Tokens to write.")] = 64,
    repeat: Annotated[int, typer.Option(min=1, help="Measure so often, each in a new process.")] = 3,
    option: opt.Options = None,
    ctx_size: opt.CtxSize = None,
    threads: opt.Threads = None,
    gpu_layers: opt.GpuLayers = None,
    tensor_split: opt.TensorSplit = None,
    main_gpu: opt.MainGpu = None,
) -> int:
    """Measure models: loading, prefill, decode, memory.

    LOAD is a new process until the model is ready, its file read from the disk; CACHED the same with the file in
    the page cache; FIRST the time from a prompt to the first text; MEMORY the most the process held. Medians.
    """
    run = invocation(ctx)
    settings, parameters = opt.settings_of(ctx)
    if parameters:
        raise UsageError(
            f"bench does not choose tokens: {', '.join(parameters)} has no use here",
            hint="ockit config show lists the settings that --option takes",
        )
    opened = _opened(run, settings, models or [])
    for model in opened:
        if model.options.n_ctx < prompt_tokens + decode_tokens:
            raise UsageError(
                f"{prompt_tokens} + {decode_tokens} tokens do not fit {model.entry.label}'s context of "
                f"{model.options.n_ctx}",
                hint=f"--ctx-size {prompt_tokens + decode_tokens}",
            )
    done, failures = _measured(run, settings, opened, prompt_tokens, decode_tokens, repeat)
    if json:
        machine = {"cpu": cpu_name(), "usable_cores": usable_cores()}
        asked = {"prompt_tokens": prompt_tokens, "decode_tokens": decode_tokens, "repeat": repeat}
        rows = [trials.to_json() for trials in done]
        run.console.json(
            {"schema_version": 1, "machine": machine, **asked, "models": rows, "failures": failures}
        )
    elif done:
        run.console.table(COLUMNS, [_row(trials) for trials in done])
    if not failures:
        return ExitCode.OK
    return ExitCode.PARTLY_DONE if done else ExitCode.FAILURE


def _opened(run: Invocation, settings: Settings, names: Sequence[str]) -> list[OpenModel]:
    """All models, found and checked before the first is measured: a wrong name must not cost minutes."""
    wanted: Sequence[str | None] = list(dict.fromkeys(names)) or [settings.model]
    return [open_model(settings, run.directories, run.environment.cwd, name) for name in wanted]


def _measured(
    run: Invocation, settings: Settings, opened: Sequence[OpenModel], read: int, written: int, repeat: int
) -> tuple[list[Trials], list[dict[str, Any]]]:
    """The trials of the models that could be measured, and what was wrong with the others."""
    done: list[Trials] = []
    failures: list[dict[str, Any]] = []
    with run.console.status("measuring") as status:
        for model in opened:
            try:
                done.append(
                    run_trials(run.environment, settings, model, read, written, repeat, status.update)
                )
            except OckitError as error:
                run.console.error(error)
                failures.append({"model": model.entry.name, "error": error.what, "hint": error.hint})
    return done, failures


def _row(trials: Trials) -> tuple[object, ...]:
    from ockit.models.figures import size_text

    return (
        trials.model.entry.label,
        size_text(trials.size),
        round(trials.load_s[0], 2),
        None if trials.cached_load is None else round(trials.cached_load, 2),
        round(trials.median("first_token_s"), 3),
        round(trials.median("prefill_rate"), 1),
        round(trials.median("decode_rate"), 1),
        size_text(trials.peak_memory),
        f"{trials.info.threads_decode}/{trials.info.threads_prefill}",
        trials.info.gpu_layers,
    )
