"""`ockit indexes`: the indexes that there are. Knows how they are shown; `ockit.index` knows them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ockit.commands.invocation import Invocation, invocation
from ockit.errors import ExitCode, NotFound, OckitError, UsageError

if TYPE_CHECKING:
    from ockit.index.places import IndexPlace
    from ockit.index.store.facts import IndexFacts
    from ockit.index.store.rows import Counts, FileRecord

_DATED = 100  # columns of a terminal from which on dates have their time

Name = Annotated[str, typer.Argument(metavar="NAME", help="The index's name.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    from ockit.commands import index_eval, index_sources

    indexes = typer.Typer(
        no_args_is_help=True, help="List, show, remove, export, import and measure indexes; add live sources."
    )
    commands: dict[str, Callable[..., ExitCode | None]] = {
        "list": list_indexes,
        "show": show,
        "rm": rm,
        "export": export,
        "import": import_file,
    }
    for name, command in commands.items():
        indexes.command(name)(command)
    index_eval.register(indexes)
    index_sources.register(indexes)
    app.add_typer(indexes, name="indexes")


def list_indexes(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the indexes, by name."""
    from ockit.index.live.sources import describe, live_names
    from ockit.index.places import all_indexes
    from ockit.index.store.index_store import IndexStore
    from ockit.models.figures import size_text
    from ockit.sessions.export import moment

    call = invocation(ctx)
    rows: list[dict[str, object]] = []
    for place in all_indexes(call.directories):
        try:
            with IndexStore.open(place) as store:
                rows.append(_facts_json(store.facts, store.counts(), _size(place)))
        except OckitError as error:  # one that is damaged hides no other
            call.console.warning(f"{place.name}: {error.what}")
            rows.append({"name": place.name, "kind": "damaged", "error": error.what})
    for name in live_names(call.directories):
        try:
            source = describe(name, call.directories)
        except OckitError as error:
            call.console.warning(f"{name}: {error.what}")
            source = None
        if source is not None and all(row["name"] != name for row in rows):
            rows.append({"name": name, "kind": source.kind, "url": source.url})
    rows.sort(key=lambda row: str(row["name"]))
    if as_json:
        call.console.json({"schema_version": 1, "indexes": rows})
        return
    narrow = call.environment.stdout_is_tty and call.console.columns < _DATED
    date = slice(10) if narrow else slice(None)  # a day says enough where there is no room
    shown = [
        (
            row["name"],
            row["kind"],
            row.get("files"),
            row.get("chunks"),
            size_text(int(str(row["bytes"]))) if "bytes" in row else None,
            moment(float(str(row["updated"])))[date] if "updated" in row else None,
            row.get("url") or ", ".join(_places(row)),
        )
        for row in rows
    ]
    call.console.table(
        ("NAME", "KIND", "FILES", "CHUNKS", "SIZE", "UPDATED", "OF"), shown, optional=(4, 1, 5)
    )


def show(
    ctx: typer.Context,
    name: Name,
    failed: Annotated[
        bool, typer.Option("--failed", help="Also list the files that failed or hold a key, and why.")
    ] = False,
    files: Annotated[bool, typer.Option("--files", help="Also list all files.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what an index is of, and how much is in it."""
    from ockit.commands.index_description import description
    from ockit.index.indexing.plan import place_named
    from ockit.index.live.sources import describe
    from ockit.index.places import place_of
    from ockit.index.store.index_store import IndexStore
    from ockit.index.vectors.dense import DenseIndex

    call = invocation(ctx)
    source = describe(name, call.directories)
    if source is not None and not place_of(call.directories, name).exists:
        found: dict[str, object] = {"name": name, "kind": source.kind, "url": source.url}
        if as_json:
            call.console.json({"schema_version": 1, **found})
        else:
            _lines(call, found)
        return
    place = place_named(call.directories, name)
    with IndexStore.open(place) as store:
        facts, counts = store.facts, store.counts()
        dense = DenseIndex(store)
        try:
            searched = dense.describe()
        finally:
            dense.close()
        records = store.files()
    listed = [
        record  # one that was taken for a secret by what is in it is looked for here too
        for _, record in sorted(records.items())
        if files or record.state == "failed" or record.reason == "secret"
    ]
    found = _facts_json(facts, counts, _size(place)) | {"embedder": _embedder(facts), "vectors": searched}
    if source is not None:
        found["url"] = source.url
    if as_json:
        if failed or files:
            found["listed"] = [_file_json(record, facts) for record in listed]
        call.console.json({"schema_version": 1, **found})
        return
    for text in description(facts, counts, searched, records.values(), _size(place)):
        call.console.line(text, style="bold" if text == facts.name else None)
    if source is not None:
        call.console.line(f"url: {source.url}")
    if failed or files:
        rows = [
            (_full(record, facts), record.state, record.reason or None, record.kind or None, record.n_chunks)
            for record in listed
        ]
        call.console.table(("FILE", "STATE", "WHY", "KIND", "CHUNKS"), rows, optional=(3,))


def rm(
    ctx: typer.Context,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove an index; the files it is of stay. Asks first on a terminal, needs --yes elsewhere."""
    from ockit.index.indexing.plan import place_named
    from ockit.index.live.sources import live_names
    from ockit.index.places import place_of
    from ockit.index.store.portable import remove_index

    call = invocation(ctx)
    place = place_of(call.directories, name)
    if name not in live_names(call.directories):  # one whose file is damaged can be removed too
        place = place_named(call.directories, name)
    if not yes and not call.console.confirm(f"Remove the index {name}? The files it is of stay."):
        call.console.notice("nothing was removed")
        raise typer.Exit(ExitCode.FAILURE)
    remove_index(place)
    call.console.notice(f"removed the index {name}")


def export(
    ctx: typer.Context,
    name: Name,
    output: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.", show_default=False)],
    force: Annotated[bool, typer.Option("--force", help="Replace FILE where it exists.")] = False,
) -> None:
    """Write an index into one file, for another machine."""
    from ockit.index.indexing.plan import place_named
    from ockit.index.live.sources import describe
    from ockit.index.places import place_of
    from ockit.index.store.portable import export_index
    from ockit.models.figures import size_text

    call = invocation(ctx)
    source = describe(name, call.directories)
    if source is not None and not place_of(call.directories, name).exists:
        raise UsageError(
            f"{name} is a live source ({source.kind}, {source.url}): there is no index that could be exported",
            hint=f"ockit indexes refresh {name} fetches it"
            if source.kind == "feed"
            else "ockit indexes list",
        )
    place = place_named(call.directories, name)
    target = call.environment.cwd / output
    if not target.parent.is_dir():
        raise NotFound(
            f"there is no folder {target.parent}", hint=f"mkdir -p {shlex.quote(str(target.parent))}"
        )
    if target.is_dir():
        raise UsageError("this is a folder, not a file", where=str(target), hint=f"{output / name}.ockit")
    if target.exists() and not force:
        raise UsageError(
            "the file is there already", where=str(target), hint="--force replaces it; or choose another name"
        )
    with call.console.status(f"writing {output} ..."):
        size = export_index(place, target, overwrite=force)
    call.console.notice(f"{size_text(size)} written to {target}")


def import_file(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="What export has written.", show_default=False)
    ],
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="What to call it; else as the file is called."),
    ] = None,
    embedder: Annotated[
        str | None,
        typer.Option(
            "--embedder",
            metavar="NAME",
            help="The embedder it was made with, if not the one that is installed.",
        ),
    ] = None,
) -> None:
    """Take in an index that was exported."""
    from ockit.index.places import place_of, slug
    from ockit.index.store.portable import import_index

    call = invocation(ctx)
    source = call.environment.cwd / file
    place = place_of(call.directories, name or slug(source.name.partition(".")[0]))
    with call.console.status(f"reading {file} ..."):
        facts = import_index(source, place, embedder=embedder)
    call.console.notice(f"here as {place.name}; it is of {', '.join(facts.roots) or 'no folder'}")
    if facts.foreign:
        call.console.notice(
            "it can be searched; to keep it up to date, say where that is on this machine: "
            f"ockit index --name {place.name} PATH..."
        )


def _facts_json(facts: IndexFacts, counts: Counts, size: int) -> dict[str, object]:
    return {
        "name": facts.name,
        "kind": facts.kind,
        "roots": list(facts.roots),
        "named": [list(one) for one in facts.named],
        "foreign": facts.foreign,
        "include": list(facts.include),
        "exclude": list(facts.exclude),
        "files": counts.files,
        "failed": counts.failed,
        "skipped": counts.skipped,
        "chunks": counts.chunks,
        "bytes": size,
        "created": facts.created,
        "updated": facts.updated,
    }


def _embedder(facts: IndexFacts) -> dict[str, object]:
    info = facts.embedder
    return {
        "name": info.name,
        "identity": info.identity,
        "dimension": info.dimension,
        "pooling": info.pooling,
        "max_tokens": info.max_tokens,
        "chunker": facts.chunker,
        "words": facts.words,
    }


def _file_json(record: FileRecord, facts: IndexFacts) -> dict[str, object]:
    return {
        "file": _full(record, facts),
        "path": record.path,
        "state": record.state,
        "reason": record.reason or None,
        "kind": record.kind or None,
        "size": record.size,
        "chunks": record.n_chunks,
    }


def _full(record: FileRecord, facts: IndexFacts) -> str:
    folder = facts.roots[record.root] if record.root < len(facts.roots) else ""
    return os.path.join(folder, record.path)


def _places(row: dict[str, object]) -> list[str]:
    """What an index is of: folders, or files of them."""
    from ockit.index.indexing.plan import Roots

    roots, named = row.get("roots"), row.get("named")
    if not isinstance(roots, list) or not isinstance(named, list):
        return []
    return Roots(tuple(roots), tuple((root, path) for root, path in named)).paths


def _size(place: IndexPlace) -> int:
    """Bytes of all files of an index."""
    return sum(path.stat().st_size for path in place.directory.rglob("*") if path.is_file())


def _lines(call: Invocation, found: dict[str, object]) -> None:
    """A live source that is no index: what is known, a line each."""
    call.console.line(str(found["name"]), style="bold")
    for key in ("kind", "url"):
        call.console.line(f"{key}: {found[key]}")
