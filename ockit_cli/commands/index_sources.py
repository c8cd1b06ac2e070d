"""`ockit indexes add-http|add-feed|refresh|import-sentences`: what is no folder. `ockit.index.live` does it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ockit.commands.invocation import Invocation, invocation
from ockit.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from ockit.index.live.feed_refresh import Refreshed
    from ockit.index.live.source_file import SourceFile

Name = Annotated[str, typer.Argument(metavar="NAME", help="What -i will call it.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
Seconds = Annotated[float, typer.Option("--timeout", metavar="SECONDS", help="How long one answer may take.")]
EmbedderName = Annotated[
    str | None, typer.Option("--embedder", metavar="NAME", help="As for ockit index --embedder.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to `ockit indexes`."""
    app.command("add-http")(add_http)
    app.command("add-feed")(add_feed)
    app.command("refresh")(refresh)
    app.command("import-sentences")(import_sentences)


def add_http(
    ctx: typer.Context,
    name: Name,
    url: Annotated[
        str, typer.Argument(metavar="URL", help="A template with {query} and {n}.", show_default=False)
    ],
    items: Annotated[
        str, typer.Option("--items", metavar="PATH", help="Where the list of results stands in the JSON.")
    ],
    text: Annotated[str, typer.Option("--text", metavar="PATH", help="Where a result's text stands in it.")],
    title: Annotated[str, typer.Option("--title", metavar="PATH", help="Its title.")] = "",
    link: Annotated[str, typer.Option("--url", metavar="PATH", help="Its address.")] = "",
    score: Annotated[str, typer.Option("--score", metavar="PATH", help="Its score.")] = "",
    key_variable: Annotated[
        str, typer.Option("--key-variable", metavar="VAR", help="The variable that the service's key is in.")
    ] = "",
    key_header: Annotated[
        str, typer.Option("--key-header", metavar="NAME", help="The header that the key goes into.")
    ] = "Authorization",
    timeout: Seconds = 15.0,
    as_json: AsJson = False,
) -> None:
    """Add a search service as a source: asked over the network whenever -i names it, and only then."""
    from ockit.index.live.source_file import SourceFile, save

    call = invocation(ctx)
    source = SourceFile(
        "http", url, items, text, title, link, score, key_variable, key_header, timeout
    ).checked()
    _free(call, name)
    path = save(call.directories, name, source)
    if as_json:
        call.console.json({"schema_version": 1, "name": name, "kind": "http", "url": url, "file": path})
    call.console.notice(
        f"added {name}; your questions go to {_host(source)} when you name it: ockit search -i {name} QUERY"
    )


def add_feed(
    ctx: typer.Context,
    name: Name,
    url: Annotated[
        str, typer.Argument(metavar="URL", help="The address of an RSS or Atom feed.", show_default=False)
    ],
    embedder: EmbedderName = None,
    timeout: Seconds = 30.0,
    as_json: AsJson = False,
) -> ExitCode:
    """Fetch a feed (RSS, Atom) into an index of its own; ockit indexes refresh fetches it again."""
    from ockit.engines.embedder_names import settled
    from ockit.index.live.source_file import SourceFile

    call = invocation(ctx)
    named = settled(embedder, call.environment.cwd) if embedder else ""
    source = SourceFile("feed", url, timeout=timeout, embedder=named).checked()
    _free(call, name)
    return _refresh(call, name, source, rebuild=False, as_json=as_json)


def refresh(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A feed's name.", show_default=False)],
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Make its index anew, of what the feed lists now.")
    ] = False,
    as_json: AsJson = False,
) -> ExitCode:
    """Fetch a feed again and take in what is new. Exit 7 where an entry cannot be read."""
    call = invocation(ctx)
    _must_be_feed(call, name)
    return _refresh(call, name, None, rebuild=rebuild, as_json=as_json)


def import_sentences(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A .parquet, .jsonl or .jsonl.gz file.", show_default=False)
    ],
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="What -i will call it; else the file's name.")
    ] = None,
    embedder: EmbedderName = None,
    embeddings_of: Annotated[
        str | None,
        typer.Option(
            "--embeddings-of",
            metavar="NAME",
            help="Use the table's own vectors, which this embedder made; it then embeds the questions too.",
        ),
    ] = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Begin anew where there is one already.")
    ] = False,
    as_json: AsJson = False,
) -> ExitCode:
    """Make an index of a table of sentences (id, title, url, text); goes on where it was stopped.

    Exit 7 where rows of it cannot be used.
    """
    from ockit.index.live import sentences_import
    from ockit.index.live.sources import refuse_source
    from ockit.index.places import checked_name, slug

    call = invocation(ctx)
    if embedder is not None and embeddings_of is not None:
        raise UsageError(
            "--embedder and --embeddings-of are both given",
            hint="--embeddings-of NAME names the embedder too",
        )
    target = call.environment.cwd / file
    plain = target.name.removesuffix(".gz").rpartition(".")[0]
    called = checked_name(name) if name is not None else slug(plain)
    refuse_source(called, call.directories)

    with call.console.status(f"reading {target.name} ...") as status:

        def tell(row: int, total: int | None, seconds: float) -> None:
            rate = row / seconds if seconds > 0 else 0.0
            of = f" of {total:,}" if total is not None else ""
            left = f", {(total - row) / rate / 60:.0f} min left" if total is not None and rate > 0 else ""
            status.update(f"{row:,}{of} rows, {rate:.0f} a second{left} ...")

        try:
            done = sentences_import.import_sentences(
                target,
                called,
                call.environment,
                embedder=embeddings_of if embeddings_of is not None else embedder,
                embeddings=embeddings_of is not None,
                rebuild=rebuild,
                progress=tell,
            )
        except KeyboardInterrupt:
            call.console.notice("stopped; the same command goes on from there", style=None)
            return ExitCode.INTERRUPTED
    for place, reason in done.examples:
        call.console.warning(f"{place}: {reason}")
    if as_json:
        call.console.json({"schema_version": 1, "name": called, **_fields(done)})
    call.console.notice(
        f"{done.chunks:,} rows in {done.documents:,} documents, {done.bad:,} bad rows, "
        f"{done.embedded:,} embedded, {done.seconds:.1f} s; ask it: ockit search -i {called} QUERY"
    )
    return ExitCode.PARTLY_DONE if done.bad else ExitCode.OK


def _refresh(
    call: Invocation, name: str, source: SourceFile | None, *, rebuild: bool, as_json: bool
) -> ExitCode:
    from ockit.index.live.feed_refresh import refresh_feed

    with call.console.status(f"asking {name} ...") as status:
        done = refresh_feed(name, call.environment, source=source, rebuild=rebuild, progress=status.update)
    for path, reason in done.failed:
        call.console.warning(f"{path}: {reason}")
    for notice in done.notices:
        call.console.warning(notice)
    if as_json:
        call.console.json({"schema_version": 1, "name": name, **_fields(done)})
    call.console.notice(f"{name}: {_told(done)}")
    return ExitCode.PARTLY_DONE if done.failed else ExitCode.OK


def _told(done: Refreshed) -> str:
    if not done.modified:
        return "nothing has changed"
    counts = (
        (done.added, "new"),
        (done.changed, "changed"),
        (done.moved, "moved"),
        (done.unchanged, "unchanged"),
        (done.gone, "no longer in the feed"),
        (done.dropped, "dropped"),
        (len(done.failed), "failed"),
    )
    return ", ".join(f"{count} {word}" for count, word in counts if count) or "the feed is empty"


def _fields(done: object) -> dict[str, object]:
    return dict(vars(done))


def _must_be_feed(call: Invocation, name: str) -> None:
    """Return where a feed has that name, or nothing has. Raises UsageError, which says what has."""
    from ockit.index.live.sources import describe
    from ockit.index.places import place_of
    from ockit.index.store.index_store import IndexStore

    source, place = describe(name, call.directories), place_of(call.directories, name)
    if source is not None and source.kind == "http":
        raise UsageError(
            f"{name} is a search service: each question asks it anew, so there is nothing to refresh",
            where=source.url,
            hint=f"ockit search -i {name} QUERY",
        )
    if source is not None or not place.exists:
        return
    with IndexStore.open(place) as store:
        kind = store.facts.kind
    again = f"ockit index --name {name}"
    if kind == "sentences":
        again = f"ockit indexes import-sentences FILE --name {name} --rebuild"
    raise UsageError(f"{name} is an index of {kind}, not a feed", hint=f"to bring it up to date: {again}")


def _free(call: Invocation, name: str) -> None:
    """Raises UsageError where the name is taken."""
    from ockit.index.live.sources import refuse_source
    from ockit.index.places import place_of

    refuse_source(name, call.directories)
    if place_of(call.directories, name).exists:
        raise UsageError(
            f"there is an index {name} already", hint=f"choose another name, or ockit indexes rm {name}"
        )


def _host(source: SourceFile) -> str:
    from urllib.parse import urlsplit

    return urlsplit(source.url).netloc
