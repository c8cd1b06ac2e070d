"""``ockit ask``: one question, one answer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ockit.commands import index_options
from ockit.commands import model_options as opt
from ockit.commands.answering import Answer, Form
from ockit.commands.attachments import gather
from ockit.commands.invocation import invocation
from ockit.errors import UsageError
from ockit.interrupts import interruptible


def register(app: typer.Typer) -> None:
    """Add ``ask``."""
    app.command()(ask)


def ask(
    ctx: typer.Context,
    prompt: Annotated[
        list[str] | None, typer.Argument(help="The question; several words need no quotes.")
    ] = None,
    file: Annotated[
        list[Path] | None, typer.Option("--file", "-f", help="A text file as context (repeatable).")
    ] = None,
    index: index_options.Index = None,
    index_dir: index_options.IndexDir = None,
    passages: index_options.Passages = None,
    model: opt.Model = None,
    system: opt.System = None,
    template: opt.Template = None,
    condition: opt.Condition = None,
    temp: opt.Temperature = None,
    top_p: opt.TopP = None,
    top_k: opt.TopK = None,
    min_p: opt.MinP = None,
    repeat_penalty: opt.RepeatPenalty = None,
    seed: opt.Seed = None,
    max_tokens: opt.MaxTokens = None,
    stop: opt.Stop = None,
    option: opt.Options = None,
    ctx_size: opt.CtxSize = None,
    threads: opt.Threads = None,
    gpu_layers: opt.GpuLayers = None,
    tensor_split: opt.TensorSplit = None,
    main_gpu: opt.MainGpu = None,
    gpu_memory: opt.GpuMemory = None,
    ram: opt.Ram = None,
    plan: opt.Plan = False,
    no_stream: Annotated[
        bool, typer.Option("--no-stream", help="Print the answer when it is complete.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Print every event as a line of JSON.")] = False,
    schema: Annotated[Path | None, typer.Option(help="A JSON schema the answer must fit.")] = None,
    grammar: Annotated[Path | None, typer.Option(help="A GBNF grammar the answer must fit.")] = None,
    extract: Annotated[
        bool, typer.Option("--extract", help="Print only the first fenced code block.")
    ] = False,
    no_log: opt.NoLog = None,
    moderation: opt.Moderation = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Answer what moderation would ask about first.")
    ] = False,
    truncate: Annotated[
        bool, typer.Option("--truncate", help="Cut attached text to fit instead of failing.")
    ] = False,
) -> int:
    """Ask one question and print the answer.

    Piped text and files given with -f go into the prompt as context. With -i the answer comes from an index, and
    its sources stand below it; the exit code is 7 where that index could not be searched. The answer goes to
    stdout, everything else to stderr. A question that moderation refuses is not answered: the exit code is 5.
    """
    run = invocation(ctx)
    if json and jsonl:
        raise UsageError("--json and --jsonl exclude each other", hint="leave one of them out")
    if schema is not None and grammar is not None:
        raise UsageError("--schema and --grammar exclude each other", hint="leave one of them out")
    settings, parameters = opt.settings_of(ctx)
    if plan:
        from ockit.commands.plan import show_plan

        return show_plan(run, settings, settings.model, as_json=json or jsonl)
    grounding = index_options.grounding_of(run, settings, index_dir)
    named = grounding.names if index else grounding.names[-1:] if index_dir is not None else ()
    form = Form(json=json, jsonl=jsonl, stream=not no_stream, extract=extract, named=named, yes=yes)
    with Answer(run, settings, form, grounding) as answer, interruptible(answer.assistant.stop):
        answer.begin()
        question = gather(" ".join(prompt or ()), file or [], run.environment, run.console, truncate=truncate)
        answer.open(settings.model)
        answer.constrain(schema, grammar)
        sampling = opt.sampling_of(
            settings, parameters, answer.model.sampling, stop=stop, grammar=answer.grammar
        )
        return answer.give(question, sampling, truncate=truncate)
