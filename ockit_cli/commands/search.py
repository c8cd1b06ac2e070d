"""``ockit search``: passages of indexed documents that answer a question."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ockit.commands.completion import complete_index
from ockit.commands.invocation import Invocation, invocation
from ockit.commands.search_sources import Sources, answer_json
from ockit.errors import ExitCode, UsageError

MOST = 1_000
"""Passages that may be asked for."""


def register(app: typer.Typer) -> None:
    """Add ``search``."""
    app.command()(search)


def search(
    ctx: typer.Context,
    query: Annotated[
        list[str] | None, typer.Argument(help="The question; several words need no quotes.")
    ] = None,
    index: Annotated[
        list[str] | None,
        typer.Option(
            "--index",
            "-i",
            metavar="NAME",
            help="Which index (repeatable); else that of this folder, else all.",
            autocompletion=complete_index,
        ),
    ] = None,
    k: Annotated[int, typer.Option("-k", help="Passages at most.", min=1, max=MOST)] = 5,
    path: Annotated[
        list[str] | None,
        typer.Option("--path", metavar="GLOB", help="Only files of such a path (repeatable)."),
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
        str, typer.Option(help="Search by words (bm25), by meaning (dense) or by both.")
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
    said on stderr and the exit code is 3.
    """
    from ockit.commands.search_since import moment
    from ockit.index.search.options import MODES, WINDOW_THRESHOLD, SearchOptions

    run = invocation(ctx)
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
        k=k,
        window=window,
        window_threshold=WINDOW_THRESHOLD if window_threshold is None else window_threshold,
        paths=tuple(path or ()),
        types=tuple(kind or ()),
        since=None if since is None else moment(since),
        mode=mode,
    )
    with Sources.opened(run, index or (), options, rerank) as sources:
        if batch is not None:
            from ockit.commands.search_batch import answer_all

            return answer_all(run, batch, sources)
        return _answer(run, " ".join(query or ()), sources, as_json=as_json, jsonl=jsonl)


def _answer(run: Invocation, query: str, sources: Sources, *, as_json: bool, jsonl: bool) -> int:
    with run.console.status(f"searching {sources.names} ..."):
        found = sources.search(query)
    for notice in found.notices:
        run.console.notice(notice)
    if as_json or jsonl:
        run.console.json({"schema_version": 1, **answer_json(query, found.passages)})
    else:
        from ockit.commands.search_page import show

        show(run, query, found.passages)
    if not found.passages:
        run.console.notice(f"nothing found in {sources.names}", style=None)
        return int(ExitCode.NOT_FOUND)
    return int(ExitCode.OK)
