"""``ockit chat``: a conversation on the terminal."""

from __future__ import annotations

import typer

from ockit.assistant.opening import open_model
from ockit.assistant.turn import Assistant
from ockit.commands import model_options as opt
from ockit.commands.invocation import invocation
from ockit.repl.plain import PlainChat
from ockit.sessions.store import Store


def register(app: typer.Typer) -> None:
    """Add ``chat``."""
    app.command()(chat)


def chat(
    ctx: typer.Context,
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
    no_log: opt.NoLog = None,
) -> None:
    """Talk with a model, turn by turn.

    /help lists the commands inside. Every question is saved before it is answered (not with --no-log).
    """
    run = invocation(ctx)
    settings, parameters = opt.settings_of(ctx)
    store = Store.of(run.directories) if settings.log else None
    assistant = Assistant(run.environment, store, stall_seconds=settings.stall_seconds, worker=run.worker)
    assistant.engine.warm_up()
    try:
        opened = open_model(settings, run.directories, run.environment.cwd, settings.model)
        assistant.use(opened, condition=settings.condition)
        assistant.restart(settings.system)
        assistant.load_in_background()
        sampling = opt.sampling_of(settings, parameters, opened.sampling, stop=stop, grammar=None)
        loop = PlainChat(run.environment, run.console, assistant, sampling)
        run.console.notice(f"{opened.entry.label} · /help lists the commands, Ctrl-D leaves")
        for notice in opened.notices:
            run.console.notice(notice)
        loop.run()
    finally:
        assistant.close()
        if store is not None:
            store.close()
