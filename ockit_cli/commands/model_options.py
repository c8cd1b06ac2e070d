"""The options that every verb which runs a model takes, and what they mean together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from ockit.commands.completion import complete_model, complete_template
from ockit.commands.invocation import invocation
from ockit.errors import UsageError
from ockit.messages import Sampling
from ockit.settings import KEYS, Settings, sampling

Model = Annotated[
    str | None,
    typer.Option(
        "--model", "-m", help="The model: a name, an alias or a GGUF file.", autocompletion=complete_model
    ),
]
System = Annotated[str | None, typer.Option("--system", "-s", help="The system text.")]
Template = Annotated[
    str | None,
    typer.Option(
        help="The chat template by name; jinja runs the model's own, sandboxed.",
        autocompletion=complete_template,
    ),
]
Condition = Annotated[str | None, typer.Option(help="The condition of an OpenChat template, such as Code.")]
Temperature = Annotated[
    float | None, typer.Option("--temp", help="How freely words are chosen; 0 is greedy.")
]
TopP = Annotated[float | None, typer.Option(help="Choose among the likeliest tokens with this total share.")]
TopK = Annotated[int | None, typer.Option(help="Choose among the k likeliest tokens; 0 is all.")]
MinP = Annotated[float | None, typer.Option(help="Drop tokens below this share of the likeliest one.")]
RepeatPenalty = Annotated[float | None, typer.Option(help="Make repeated tokens less likely; 1 is off.")]
Seed = Annotated[int | None, typer.Option(help="The seed, for an answer that can be repeated.")]
MaxTokens = Annotated[int | None, typer.Option(help="The longest answer, in tokens.")]
Stop = Annotated[list[str] | None, typer.Option(help="End the answer before this text (repeatable).")]
Options = Annotated[
    list[str] | None,
    typer.Option("--option", "-o", help="KEY=VALUE of any setting or sampling parameter (repeatable)."),
]
CtxSize = Annotated[int | None, typer.Option(help="Tokens of context; 0 is the model's own up to 8192.")]
Threads = Annotated[int | None, typer.Option(help="Threads; 0 is what was measured best.")]
GpuLayers = Annotated[str | None, typer.Option(help="Layers on the GPU: auto, all or a number.")]
TensorSplit = Annotated[str | None, typer.Option(help="Shares of several GPUs, such as 3,1.")]
GpuMemory = Annotated[
    str | None,
    typer.Option(
        "--gpu-memory", "-g", metavar="GPU:GIB,...", help="GiB each GPU may be given, such as 0:10,1:12."
    ),
]
Ram = Annotated[
    float | None, typer.Option("--ram", "-r", metavar="GIB", help="GiB of main memory the model may take.")
]
Plan = Annotated[
    bool, typer.Option("--plan", help="Print where everything would lie in memory, and load nothing.")
]
MainGpu = Annotated[int | None, typer.Option(help="The GPU that holds what is not split.")]
Moderation = Annotated[
    bool | None,
    typer.Option("--moderation/--no-moderation", help="Check what goes in and comes out, or do not (on)."),
]
NoLog = Annotated[bool | None, typer.Option("--no-log", help="Do not save this conversation.")]


_SETTING_OF = {"temp": "temperature"}


def split_options(pairs: Sequence[str] | None) -> tuple[dict[str, str], dict[str, str]]:
    """``KEY=VALUE`` texts as (settings, sampling parameters that are no settings). Raises UsageError."""
    settings: dict[str, str] = {}
    parameters: dict[str, str] = {}
    for pair in pairs or ():
        key, equals, value = pair.partition("=")
        key = key.strip().replace("-", "_")
        if not equals or not key:
            raise UsageError(f"--option takes KEY=VALUE, not {pair!r}", hint="--option dry_multiplier=0.8")
        (settings if key in KEYS else parameters)[key] = value.strip()
    return settings, parameters


def settings_of(ctx: typer.Context) -> tuple[Settings, dict[str, Any]]:
    """The settings under this command's flags and ``--option`` pairs, and the sampling parameters left over.

    A command's parameter is the setting of the same name (`_SETTING_OF` has the exceptions); one that may be repeated
    and is not there is empty. A flag wins over the same key in ``--option``. Raises UsageError.
    """
    from_pairs, parameters = split_options(ctx.params.get("option"))
    named = {_SETTING_OF.get(name, name): value for name, value in ctx.params.items()}
    flags: dict[str, Any] = {
        key: value for key, value in named.items() if key in KEYS and value not in (None, [], ())
    }
    if ctx.params.get("no_log"):
        flags["log"] = False
    settings = invocation(ctx).settings_with(**from_pairs | flags)
    if not ctx.params.get("plan"):
        _require_gpu_build(settings)
    return settings, parameters


def _require_gpu_build(settings: Settings) -> None:
    """Return if this llama.cpp can do what ``gpu_memory`` asks. Raises UsageError with the line that builds one."""
    from ockit.engines.build import gpu_build

    if settings.gpu_memory is None or gpu_build():
        return
    from ockit.models.device_map import budgets_of

    if budgets_of(settings) is None:  # a flag for the layers wins
        return
    from ockit.commands.install_checks import package_version
    from ockit.commands.machine_checks import GPU_BUILDS, cards_present, reinstall_line

    maker = next((maker for maker, _ in cards_present()), "NVIDIA")
    line = reinstall_line(package_version("llama-cpp-python") or "", GPU_BUILDS[maker])
    raise UsageError(
        f"{settings.origin('gpu_memory')} is {settings.gpu_memory!r}, but llama.cpp was built without support for GPUs",
        hint=f"--plan works all the same; this builds it anew: {line}",
    )


def sampling_of(
    settings: Settings,
    parameters: dict[str, Any],
    model: Any,
    *,
    stop: Sequence[str] | None,
    grammar: str | None,
) -> Sampling:
    """How to sample: the model's defaults under the settings under the parameters."""
    overrides: dict[str, Any] = dict(parameters)
    if stop:
        overrides["stop"] = tuple(stop)
    if grammar is not None:
        overrides["grammar"] = grammar
    return sampling(settings, overrides, model=model)
