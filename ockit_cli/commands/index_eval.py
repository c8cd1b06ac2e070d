"""`ockit indexes eval`: how well an index finds what it should. `ockit.index.evaluation` has the figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ockit.commands.invocation import Invocation, invocation
from ockit.errors import UsageError

if TYPE_CHECKING:
    from ockit.index.evaluation import Measured, Mode
    from ockit.messages import Passage

LARGEST_K = 1000

TOLD = 5
"""Gold spans that no search can find: so many are named."""


def register(app: typer.Typer) -> None:
    """Add the command to `ockit indexes`."""
    app.command("eval")(evaluate)


def evaluate(
    ctx: typer.Context,
    questions: Annotated[
        Path,
        typer.Argument(
            metavar="QUESTIONS.jsonl",
            help='Lines of {"query": TEXT, "gold": [{"path", "start_line", "end_line"}]}.',
            show_default=False,
        ),
    ],
    index: Annotated[
        str | None,
        typer.Option(
            "-i", "--index", metavar="NAME", help="Which index; else that of this folder, or the only one."
        ),
    ] = None,
    depths: Annotated[
        str, typer.Option("-k", metavar="K,K,...", help="After how many passages recall is measured.")
    ] = "5,10,20",
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE.png", help="Draw recall over k into this file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Measure an index: recall@k and MRR of words (bm25), of meaning (dense) and of both.

    A gold span is found when at least half of its lines lie in the first k passages.
    """
    from ockit.index.evaluation import MODES, absent_gold, measure, read_questions
    from ockit.index.opening import LocalRetriever, open_retriever
    from ockit.index.places import place_of
    from ockit.index.search.options import SearchOptions
    from ockit.index.store.index_store import IndexStore

    call = invocation(ctx)
    ks = _depths(depths)
    asked = read_questions(call.environment.cwd / questions)
    if plot is not None and plot.suffix.lower() != ".png":
        raise UsageError(f"the plot is a PNG file, but its name is {plot.name!r}", hint="--plot recall.png")
    retriever = open_retriever(index, call.environment, cwd=call.environment.cwd)
    try:
        if not isinstance(retriever, LocalRetriever):
            raise UsageError(
                f"{retriever.name} is a live source, which cannot be searched in three ways",
                hint="ockit indexes list shows the indexes",
            )
        found: dict[Mode, Measured] = {}
        for mode in MODES:
            with call.console.status(f"{mode}: {len(asked)} questions ...") as status:

                def search(query: str, k: int, mode: Mode = mode) -> Sequence[Passage]:
                    return retriever.search(query, SearchOptions(k=k, mode=mode, floor=False)).passages

                def tell(done: int, mode: Mode = mode, status: object = status) -> None:
                    status.update(f"{mode}: {done} of {len(asked)} questions ...")  # type: ignore[attr-defined]

                found[mode] = measure(asked, search, ks, tell)
        name = retriever.name
        with IndexStore.open(place_of(call.directories, name)) as store:
            absent = absent_gold(asked, {path for _, path in store.files()})
    finally:
        retriever.close()
    for where, path in absent[:TOLD]:
        call.console.warning(f"{where}: {path} is not in {name}, so nothing finds it")
    if len(absent) > TOLD:
        call.console.warning(f"{len(absent) - TOLD} more gold spans are of files that are not in {name}")
    if plot is not None:
        _draw(call.environment.cwd / plot, name, len(asked), found)
    if as_json:
        call.console.json(_json(name, len(asked), ks, found) | {"gold_not_in_index": len(absent)})
    else:
        _show(call, ks, found)
    if plot is not None:
        call.console.notice(f"drawn into {plot}")


def _depths(text: str) -> list[int]:
    """Raises UsageError for what are no depths."""
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdecimal() and 1 <= int(word[:6]) <= LARGEST_K for word in words):
        raise UsageError(
            f"-k is {text!r}, but must be whole numbers from 1 to {LARGEST_K} with commas between",
            hint="-k 5,10,20",
        )
    return sorted({int(word) for word in words})


def _show(call: Invocation, ks: Sequence[int], found: dict[Mode, Measured]) -> None:
    rows = [
        (mode, *(f"{figures.recall[k]:.3f}" for k in ks), f"{figures.mrr:.3f}", f"{figures.lines[ks[0]]:.0f}")
        for mode, figures in found.items()
    ]
    call.console.table(("SEARCH", *(f"RECALL@{k}" for k in ks), "MRR", f"LINES@{ks[0]}"), rows)
    if call.environment.stdout_is_tty:
        from ockit.plots.in_text import bar_lines

        call.console.line()
        for line in bar_lines(
            [(f"{mode}@{k}", figures.recall[k]) for k in ks for mode, figures in found.items()],
            min(call.console.columns, 72),
            high=1.0,
        ):
            call.console.line(line)


def _draw(path: Path, name: str, count: int, found: dict[Mode, Measured]) -> None:
    from ockit.plots.figures import Labels, line_figure

    labels = Labels(f"{name}: {count} questions", "passages (k)", "recall@k", 0.0, 1.02)
    lines = {
        f"{mode} (MRR {figures.mrr:.2f})": list(figures.recall.items()) for mode, figures in found.items()
    }
    line_figure(path, labels, lines, ticks=list(next(iter(found.values())).recall))


def _json(name: str, count: int, ks: Sequence[int], found: dict[Mode, Measured]) -> dict[str, object]:
    return {
        "schema_version": 1,
        "index": name,
        "questions": count,
        "k": list(ks),
        "search": {
            mode: {
                "recall": {str(k): value for k, value in figures.recall.items()},
                "mrr": figures.mrr,
                "lines": {str(k): value for k, value in figures.lines.items()},
            }
            for mode, figures in found.items()
        },
    }
