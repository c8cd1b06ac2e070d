"""The command line as a whole: which commands there are, how a run ends, what an error becomes.

Knows the commands by name only. Their modules are imported when they are called, because a start that imports all
of them costs more than most commands do; the one-line summaries of ``ockit --help`` therefore stand here, and a
test holds them equal to what the commands say of themselves.
"""

from __future__ import annotations

import errno
import os
import sys
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from ockit.commands.invocation import Invocation
from ockit.console import Console, unwritable
from ockit.environment import Environment
from ockit.errors import ExitCode, OckitError, UsageError
from ockit.version import __version__

if TYPE_CHECKING:
    from ockit.workers.worker import Worker

COMMANDS = {
    "ask": "Ask one question and print the answer.",
    "chat": "Talk with a model, turn by turn.",
    "index": "Index folders, so that search, ask and chat find what is in them.",
    "search": "Find passages of indexed documents.",
    "indexes": "List, show, remove, export, import and measure indexes; add live sources.",
    "moderate": "Judge a text: its level from 0 (casual) to 4 (needs intervention), and what the policy would do.",
    "moderation": "Policy, topics and own classifiers of moderation; measure how well it judges.",
    "sessions": "List, search, show, export and remove saved conversations.",
    "models": "List, show, add, fetch and name models; choose the default one.",
    "inspect": "Say what is in a model file, and whether it fits this machine.",
    "config": "Show and change the settings, each with where it comes from.",
    "dirs": "Show the directories ockit keeps its files in.",
    "doctor": "Check this machine: processor, memory, graphics card, models, speed.",
    "bench": "Measure models: loading, prefill, decode, memory.",
}


class Commands(TyperGroup):
    """The group of all commands; each one's module is imported when it is first asked for."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """The names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        """The command of that name, or None."""
        if cmd_name not in COMMANDS:
            return None
        if cmd_name not in self.commands:
            self.commands[cmd_name] = _load(cmd_name)
        return self.commands[cmd_name]

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:  # type: ignore[override]
        """The command that the first argument names. Raises UsageError with the nearest name."""
        name = args[0]
        command = self.get_command(ctx, name)
        if command is None:
            near = get_close_matches(name, COMMANDS, 1)
            raise UsageError(
                f"there is no command {name!r}",
                hint=f"ockit {near[0]}" if near else "ockit --help lists the commands",
            )
        return name, command, args[1:]

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """The list of the help, from the table of summaries: nothing is imported for it."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _load(name: str) -> Any:
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.callback()(lambda: None)  # with a callback typer makes a group even of a single command
    import_module(f"ockit.commands.{name}").register(app)
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return group.commands[name]


def _root() -> Any:
    app = typer.Typer(
        cls=Commands,
        rich_markup_mode=None,  # what rich would take for markup may be a person's text
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog="ockit alone, on a terminal, is ockit chat. COMMAND --help says more of a command.",
    )

    @app.callback()
    def ockit(
        ctx: typer.Context,
        version: bool = typer.Option(
            False, "--version", help="Print the version and exit.", is_eager=True, callback=_print_version
        ),
    ) -> None:
        """A terminal-first local assistant: chat with quantized models, offline, on a CPU or one GPU."""

    return typer.main.get_command(app)


def _print_version(ctx: typer.Context, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        ctx.obj.console.line(f"ockit {__version__}")
        raise typer.Exit


def run(argv: list[str], environment: Environment, worker: Worker | None = None) -> int:
    """Run one command line (without the program's name) and give its exit code. Never raises an Exception.

    Args:
        worker: the model's process, where it was started ahead of everything else; it is ended here.
    """
    console = Console(environment)
    with ExitStack() as ends:
        if worker is not None:
            ends.callback(worker.stop)
        return _shown(argv, Invocation(environment, console, worker))


def _shown(argv: list[str], invocation: Invocation) -> int:
    """Run with standard output and error being the environment's, whatever becomes of these."""
    environment, console = invocation.environment, invocation.console
    with redirect_stdout(environment.stdout), redirect_stderr(environment.stderr):  # typer prints by itself
        try:
            return _told(argv, invocation)
        except BrokenPipeError:  # the reader has what it wanted (``ockit ... | head``): no failure
            _discard_output(environment)
            return int(ExitCode.OK)
        except OckitError as error:  # the output itself fails: a full disk behind it
            _discard_output(environment)
            console.error(error)
            return int(error.exit_code)


def _told(argv: list[str], invocation: Invocation) -> int:
    """Run, and turn whatever goes wrong into one message and an exit code."""
    console = invocation.console
    try:
        code = _dispatched(argv, invocation)
        console.flush()
        return code
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)
    except OckitError as error:
        told = error
    except Exception as error:  # a bug of ours still ends as one message
        if isinstance(error, OSError) and error.errno == errno.ENOSPC and error.filename is None:
            raise unwritable(error) from error  # the help that typer writes by itself
        from ockit.crashes import internal

        told = internal(error, invocation.directories)
    console.flush()
    if invocation.environment.variables.get("OCKIT_DEBUG"):
        from ockit.crashes import trace

        console.notice(trace(told.__cause__ if type(told) is OckitError and told.__cause__ else told))
    console.error(told)
    return int(told.exit_code)


def _dispatched(argv: list[str], invocation: Invocation) -> int:
    environment = invocation.environment
    root = _root()
    if "_OCKIT_COMPLETE" in environment.variables:  # a shell asks what could come next
        return _completed(root, argv)
    if not argv:
        if not (environment.stdin_is_tty and environment.stdout_is_tty):
            with root.make_context("ockit", [], obj=invocation) as ctx:
                invocation.console.notice(ctx.get_help(), style=None)
            return int(ExitCode.USAGE)
        argv = ["chat"]
    return _command(root, argv, invocation)


def _command(root: Any, argv: list[str], invocation: Invocation) -> int:
    try:
        with root.make_context("ockit", argv, obj=invocation) as ctx:
            result = root.invoke(ctx)
    except typer.Exit as ending:
        return ending.exit_code
    except typer.Abort:
        return int(ExitCode.INTERRUPTED)
    except SystemExit as ending:  # how typer ends --show-completion
        return ending.code if isinstance(ending.code, int) else int(ExitCode.FAILURE)
    except _typer_errors() as error:
        ctx = getattr(error, "ctx", None)
        if ctx is not None and error.message == ctx.get_help():  # a group without a verb
            invocation.console.notice(error.message, style=None)
            return int(ExitCode.USAGE)
        raise _explained(error) from error
    return result if isinstance(result, int) else int(ExitCode.OK)


def _completed(root: Any, argv: list[str]) -> int:
    try:
        root.main(args=argv, prog_name="ockit", complete_var="_OCKIT_COMPLETE", standalone_mode=False)
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else int(ExitCode.OK)
    return int(ExitCode.OK)


def _typer_errors() -> Any:
    """The base of what typer raises for a wrong command line; its place differs between typer's versions."""
    return [kind for kind in typer.BadParameter.__mro__ if "format_message" in vars(kind)][-1]


def _explained(error: Any) -> UsageError:
    """A usage error of typer as one of ours, with the nearest name as the hint."""
    ctx = getattr(error, "ctx", None)
    command = ctx.command_path if ctx is not None else "ockit"
    near = sorted(getattr(error, "possibilities", None) or ())
    what = error.message if near else error.format_message()
    what, _, named = what.partition(" Did you mean ")
    if named:
        near = [named.strip("'?")]
    hint = f"{command} {' or '.join(near)}" if near else f"{command} --help"
    return UsageError(what[:1].lower() + what[1:].rstrip("."), hint=hint)


def _discard_output(environment: Environment) -> None:
    """Let stdout go nowhere: Python flushes it once more at its end, and that must not fail again."""
    if environment.stdout is sys.__stdout__:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, environment.stdout.fileno())
        os.close(null)
