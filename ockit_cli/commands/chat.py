"""``ockit chat``: a conversation on the terminal, on a pipe, or from a script."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from ockit.assistant.checking import checking
from ockit.assistant.grounding import Grounding
from ockit.assistant.turn import Assistant
from ockit.commands import index_options
from ockit.commands import model_options as opt
from ockit.commands.invocation import Invocation, invocation
from ockit.console import Console
from ockit.errors import NotFound, UsageError
from ockit.files import private_dir
from ockit.repl.face import Face
from ockit.repl.talk import Talk
from ockit.sessions.store import FILE_NAME, Store
from ockit.settings import Settings

Continue = Annotated[bool, typer.Option("--continue", "-c", help="Go on with the chat that was used last.")]
SessionId = Annotated[
    str | None, typer.Option("--session", metavar="ID", help="Go on with this chat; see ockit sessions list.")
]
Files = Annotated[
    list[Path] | None,
    typer.Option(
        "--file", "-f", metavar="FILE", help="Put a file in front of the first question (repeatable)."
    ),
]
Script = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Take the inputs from a file and print a transcript that is repeatable."
    ),
]


LAST = "last"
"""The name of the chat that was used last."""


def register(app: typer.Typer) -> None:
    """Add ``chat``."""
    app.command()(chat)


def chat(
    ctx: typer.Context,
    model: opt.Model = None,
    resume: Continue = False,
    session: SessionId = None,
    file: Files = None,
    index: index_options.Index = None,
    index_dir: index_options.IndexDir = None,
    passages: index_options.Passages = None,
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
    script: Script = None,
    no_log: opt.NoLog = None,
    moderation: opt.Moderation = None,
) -> int:
    """Talk with a model, turn by turn.

    /help lists the commands inside. Every question is saved before it is answered (not with --no-log).
    """
    run = invocation(ctx)
    settings, parameters = opt.settings_of(ctx)
    if plan:
        from ockit.commands.plan import show_plan

        return show_plan(run, settings, settings.model)
    if resume and session is not None:
        raise UsageError("--continue and --session name two chats", hint="leave one of them out")
    if stop:
        parameters["stop"] = tuple(stop)
    if (resume or session is not None) and not settings.log:
        raise UsageError("--no-log saves nothing, so no saved chat can go on", hint="leave --no-log out")
    grounding = index_options.grounding_of(run, settings, index_dir)
    asked = _Asked(LAST if resume else session, tuple(file or ()), grounding)
    if script is not None:
        return _scripted(run, settings, parameters, asked, script)
    if _full(run):
        return _on_screen(run, settings, parameters, asked)
    return _in_lines(run, settings, parameters, asked)


class _Asked:
    """Which chat is to go on, what is attached to its next question, and which documents are looked into."""

    def __init__(self, session: str | None, files: tuple[Path, ...], grounding: Grounding) -> None:
        self.session = session
        self.files = files
        self.grounding = grounding

    def begin(self, talk: Talk) -> None:
        """Open the model and the chat."""
        saved = None
        if self.session is not None:
            if self.session == LAST and not talk.store.list(1):
                raise NotFound("no chat has been kept yet", hint="ockit chat  begins one")
            saved = talk.store.get(self.session)
        opened = talk.begin(talk.settings.model)
        if not talk.face.steady:
            talk.console.notice(f"{opened.entry.label} · /help lists the commands, Ctrl-D leaves")
        for notice in opened.notices:
            talk.console.notice(notice)
        if self.grounding.names:
            talk.console.notice(f"answers come from {', '.join(self.grounding.names)} (/index changes that)")
        for path in self.files:
            document = talk.attach(path, regular=False)  # also what a shell's <(...) gives
            talk.console.notice(f"{document.name} goes in front of the first question")
        if saved is not None:
            talk.resume(saved)


def _full(run: Invocation) -> bool:
    """Whether the chat may draw: on a terminal that can, for a person who has not asked for plain lines."""
    environment = run.environment
    variables = environment.variables
    if not (environment.stdin_is_tty and environment.stdout_is_tty):
        return False
    return variables.get("TERM", "dumb") not in ("dumb", "") and not variables.get("ACCESSIBLE")


def _on_screen(run: Invocation, settings: Settings, parameters: dict[str, Any], asked: _Asked) -> int:
    from ockit.repl.screen import Screen

    screen = Screen(run.environment, settings)
    talk = _talk(run, screen.console, settings, parameters, screen, asked)
    try:
        code = screen.run(talk, lambda: asked.begin(talk))
        talk.assistant.settle()
        return code
    finally:
        _close(talk)


def _in_lines(run: Invocation, settings: Settings, parameters: dict[str, Any], asked: _Asked) -> int:
    from ockit.repl.plain import PlainFace

    face = PlainFace(run.environment, run.console)
    talk = _talk(run, run.console, settings, parameters, face, asked)
    try:
        asked.begin(talk)
        face.run(talk)
        talk.assistant.settle()
        return 0
    finally:
        _close(talk)


def _scripted(
    run: Invocation, settings: Settings, parameters: dict[str, Any], asked: _Asked, script: Path
) -> int:
    from ockit.repl.script import SEED, ScriptFace, inputs, on_paper

    texts = inputs(run.environment.cwd / script)
    if settings.seed is None:
        parameters.setdefault("seed", SEED)
    console = Console(on_paper(run.environment))
    face = ScriptFace(console)
    with _own_store(run, settings, asked) as store:
        talk = _talk(run, console, settings, parameters, face, asked, store)
        try:
            asked.begin(talk)
            failed = face.run(talk, texts)
            return int(failed.exit_code) if failed is not None else 0
        finally:
            console.flush()
            _close(talk)


@contextmanager
def _own_store(run: Invocation, settings: Settings, asked: _Asked) -> Iterator[Store | None]:
    """A store that is gone afterwards, so that a script lists and finds the same chats at every run; the person's own
    (None) where a saved chat is to go on, or none is kept in any case."""
    if asked.session is not None or not settings.log:
        yield None
        return
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="script-", dir=private_dir(run.directories.cache)) as place:
        yield Store(Path(place) / FILE_NAME)


def _talk(
    run: Invocation,
    console: Console,
    settings: Settings,
    parameters: dict[str, Any],
    face: Face,
    asked: _Asked,
    store: Store | None = None,
) -> Talk:
    """A talk whose model's process has begun to start, and whose indexes begin to open; its chats are in `store`, or in
    the person's own."""
    if store is None:
        store = Store.of(run.directories)
    assistant = Assistant(
        run.environment,
        store if settings.log else None,
        stall_seconds=settings.stall_seconds,
        worker=run.worker,
        unsaved_ok=run.environment.stdin_is_tty,
        grounding=asked.grounding,
        checking=checking(run.environment, settings),
    )
    assistant.engine.warm_up()
    asked.grounding.warm()
    return Talk(run.environment, console, assistant, store, settings, parameters, face)


def _close(talk: Talk) -> None:
    talk.assistant.close()
    talk.store.close()
