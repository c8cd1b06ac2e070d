"""``ockit search``: passages of indexed documents that answer a question."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ockit.assistant.grounding import worth
from ockit.commands.completion import complete_index
from ockit.commands.invocation import Invocation, invocation
from ockit.commands.search_sources import Sources, answer_json
from ockit.errors import ExitCode, UsageError
from ockit.text import shorten

MOST = 1_000
"""Passages that may be asked for."""

USUAL = 5
"""Passages where no number is asked for."""


def register(app: typer.Typer) -> None:
    """Add ``search``."""
    app.command()(search)


def search(
    ctx: typer.Context,
    query: Annotated[
        list[str] | None,
        typer.Argument(metavar="QUERY...", help="The question; several words need no quotes."),
    ] = None,
    index: Annotated[
        list[str] | None,
        typer.Option(
            "--index",
            "-i",
            metavar="NAME",
            help="Which index (repeatable); else that of the folder you stand in, else all.",
            autocompletion=complete_index,
        ),
    ] = None,
    k: Annotated[
        str | None,
        typer.Option(
            "-k", metavar="N", help="Passages at most (5, on a terminal less those far behind the best)."
        ),
    ] = None,
    path: Annotated[
        list[str] | None,
        typer.Option(
            "--path",
            metavar="GLOB",
            help="Only these files or folders, as search prints them, or below the indexed folder (repeatable).",
        ),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--type", metavar="TYPE", help="Only this kind or extension: python, pdf, md (repeatable)."
        ),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="Only files changed since: 2026-01-31, or 12h, 7d, 3w.")
    ] = None,
    mode: Annotated[
        str,
        typer.Option(
            metavar="both|bm25|dense", help="Search by words (bm25), by meaning (dense) or by both."
        ),
    ] = "both",
    window: Annotated[
        int | None,
        typer.Option(
            metavar="W", min=0, max=50, help="Widen each hit by up to W neighbours that are about the same."
        ),
    ] = None,
    window_threshold: Annotated[
        float | None,
        typer.Option(metavar="T", min=-1.0, max=1.0, help="How near a neighbour's vector must be (cosine)."),
    ] = None,
    rerank: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Let a cross-encoder order the best 30 passages.")
    ] = None,
    batch: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help='Questions from a file, {"query": TEXT} a line; - is stdin.'),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Print a line of JSON for each question.")] = False,
) -> int:
    """Find passages of indexed documents.

    Each passage stands under its path and lines, as an editor opens it. Where nothing answers the question, that is
    said on stderr and the exit code is 3; 7 where an index could not be searched and others were.
    """
    from ockit.commands.search_since import moment
    from ockit.index.search.options import MODES, WINDOW_THRESHOLD, SearchOptions

    run = invocation(ctx)
    count = _count(k)
    if mode not in MODES:
        raise UsageError(f"--mode {mode} is none of {', '.join(MODES)}", hint="--mode both")
    if as_json and jsonl:
        raise UsageError("--json and --jsonl exclude each other", hint="leave one of them out")
    if (batch is None) == (not " ".join(query or ()).strip()):
        told = "a question and --batch exclude each other" if batch is not None else "there is no question"
        raise UsageError(told, hint='ockit search "how are backups made?"')
    if batch is not None and as_json:
        raise UsageError("--batch answers line by line", hint="--jsonl")
    if window_threshold is not None and window is None:
        raise UsageError(
            "--window-threshold says how near neighbours must be, but none are asked", hint="--window 2"
        )
    options = SearchOptions(
        k=count,
        window=window,
        window_threshold=WINDOW_THRESHOLD if window_threshold is None else window_threshold,
        paths=tuple(path or ()),
        cwd=str(run.environment.cwd),
        types=tuple(kind or ()),
        since=None if since is None else moment(since),
        mode=mode,
    )
    with Sources.opened(run, index or (), options, rerank) as sources:
        if batch is not None:
            from ockit.commands.search_batch import answer_all

            return answer_all(run, batch, sources)
        form = Form(json=as_json or jsonl, all=k is not None)
        return _answer(run, " ".join(query or ()), sources, form)


@dataclass(frozen=True)
class Form:
    """How an answer is printed: as JSON; with all that was found, though it be far behind the best."""

    json: bool
    all: bool


def _count(k: str | None) -> int:
    """Raises UsageError for what is no number of passages."""
    if k is None:
        return USUAL
    digits = k.lstrip("0")
    # of many digits int() makes an error of its own
    if not (k.isascii() and k.isdecimal() and 0 < len(digits) <= len(str(MOST)) and int(digits) <= MOST):
        raise UsageError(f"-k takes a number from 1 to {MOST}, not {shorten(k, 40)!r}", hint="-k 5")
    return int(digits)


def _answer(run: Invocation, query: str, sources: Sources, form: Form) -> int:
    with run.console.status(f"searching {sources.names} ..."):
        found = sources.search(query)
    for notice in found.notices:
        run.console.notice(notice)
    if form.json:
        answer = answer_json(query, found.passages, sources.retrieval)
        run.console.json({"schema_version": 1, **answer})
    else:
        from ockit.commands.search_page import show

        short = run.environment.stdout_is_tty and not form.all
        shown = worth(found.passages) if short else found.passages
        show(run, query, shown)
        if len(shown) < len(found.passages):
            left_out = len(found.passages) - len(shown)
            run.console.notice(f"{left_out} more, far behind the best: -k {len(found.passages)} shows them")
    if not found.passages:
        run.console.notice(f"nothing found in {sources.names}", style=None)
    if sources.failed:
        return int(ExitCode.PARTLY_DONE)
    return int(ExitCode.OK if found.passages else ExitCode.NOT_FOUND)
