"""``ockit moderate``: what moderation says of a text, and what the policy would make of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar, cast

import typer

from ockit.commands.invocation import Invocation, invocation
from ockit.commands.moderation_verdict import show, verdict_json
from ockit.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from ockit.messages import Judged
    from ockit.moderation.guarding import Guard

ROLES = ("user", "assistant", "retrieved")
_AT_ONCE = 32
_CHARACTERS_AT_ONCE = 200_000
_SLOW = ("fewshot", "guard", "hf")  # kinds of back ends that take a second for a text

T = TypeVar("T")

PolicyFile = Annotated[
    Path | None,
    typer.Option("--policy", metavar="FILE", help="Another policy than your moderation.toml."),
]
RoleName = Annotated[
    str,
    typer.Option(
        "--role",
        metavar="user|assistant|retrieved",
        help="Whose text it is: a question (the policy's input), an answer (output), or a passage that was found "
        "(retrieved).",
    ),
]


def register(app: typer.Typer) -> None:
    """Add ``moderate``."""
    app.command()(moderate)


def moderate(
    ctx: typer.Context,
    text: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT...", help="The text; several words need no quotes; - is stdin."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", metavar="FILE", help="Judge the text of a file.")
    ] = None,
    role: RoleName = "user",
    policy: PolicyFile = None,
    batch: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help='Texts from a file, {"text": TEXT} a line; - is stdin. With --jsonl.'
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Print a line of JSON for each text.")] = False,
) -> ExitCode:
    """Judge a text: its level from 0 (casual) to 4 (needs intervention), and what the policy would do.

    Exit 0 once it is judged, whatever the verdict; 1 where it could not be judged; 7 where some lines of a batch could
    not. Nothing is saved or logged, and no chat model is asked unless the policy names one.
    """
    run = invocation(ctx)
    judged = checked_role(role)
    if as_json and jsonl:
        raise UsageError("--json and --jsonl exclude each other", hint="leave one of them out")
    if sum((bool(text), file is not None, batch is not None)) > 1:
        raise UsageError("TEXT, --file and --batch exclude each other", hint='ockit moderate "a text"')
    if batch is not None:
        if as_json:
            raise UsageError("--batch answers line by line", hint="--jsonl")
        from ockit.commands.moderate_batch import judge_all

        return judge_all(run, batch, judged, policy)
    given = _text(run, text or [], file)
    guard = opened(run, policy)
    try:
        with run.console.status("judging ..."):
            verdict = guard.check(given, judged)
        for banner in guard.take_banners():
            run.console.warning(banner)
        if as_json or jsonl:
            run.console.json({"schema_version": 1, "role": judged, **verdict_json(verdict)})
        else:
            show(run.console, given, judged, verdict, guard)
    finally:
        guard.close()
    return ExitCode.OK if verdict.judged else ExitCode.FAILURE


def checked_role(role: str) -> Judged:
    """Raises UsageError for what is no role."""
    if role not in ROLES:
        raise UsageError(f"--role {role} is none of {', '.join(ROLES)}", hint="--role user")
    return cast("Judged", role)


def opened(run: Invocation, policy: Path | None, backend: str | None = None) -> Guard:
    """What judges; nothing it does is logged, since nobody was answered.

    Args:
        backend: ask this one alone of those that the policy names.

    Raises:
        UsageError: the policy's file says something that cannot be, or does not name `backend`.
    """
    from dataclasses import replace

    from ockit.moderation.opening import open_guard
    from ockit.moderation.policy.reading import find_policy

    found = find_policy(run.directories, None if policy is None else run.environment.cwd / policy)
    if backend is not None:
        chosen = tuple(spec for spec in found.backends if spec.name == backend)
        if not chosen:
            raise UsageError(
                f"the policy names no back end {backend!r}",
                where=found.path,
                hint=f"it names: {', '.join(spec.name for spec in found.backends)}",
            )
        found = replace(found, backends=chosen)
    return open_guard(run.environment, run.settings, policy=found, audit=False)


def blocks(guard: Guard, texts: Iterable[T | None], text_of: Callable[[T], str]) -> Iterator[list[T]]:
    """Texts, or what holds them, in portions that a guard is asked for at once: a time limit is one call's, so what is
    slow is asked text by text, and long texts go in small portions. At None a portion ends: the next text may take
    long to come."""
    most = 1 if any(spec.kind in _SLOW for spec in guard.policy.backends) else _AT_ONCE
    block: list[T] = []
    size = 0
    for one in texts:
        length = 0 if one is None else len(text_of(one))
        if block and (one is None or len(block) >= most or size + length > _CHARACTERS_AT_ONCE):
            yield block
            block, size = [], 0
        if one is not None:
            block.append(one)
            size += length
    if block:
        yield block


def _text(run: Invocation, words: list[str], file: Path | None) -> str:
    """The text that is judged. Raises UsageError where there is none, or only bytes."""
    from ockit.assistant.attachments import LARGEST_INPUT, read_document, text_of

    environment = run.environment
    if file is not None and str(file) != "-":
        found, name = read_document(file, environment.cwd).text, str(file)
    elif words == ["-"] or file is not None or (not words and not environment.stdin_is_tty):
        with run.console.status("reading standard input"):
            data = environment.stdin.read(LARGEST_INPUT + 1)
        found, name = text_of(data, "standard input", "standard input"), "standard input"
    else:
        found, name = " ".join(words), None
    if not found.strip():
        raise UsageError(
            "there is no text to judge" if name is None else "there is nothing but space in it",
            where=name,
            hint='ockit moderate "how do I kill a process?"; or ockit moderate -f FILE',
        )
    return found
