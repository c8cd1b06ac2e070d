"""`ockit sessions`: the chats that were saved. Knows how they are shown; `ockit.sessions` knows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ockit.commands.invocation import Invocation, invocation
from ockit.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from ockit.sessions.store import Store

Id = Annotated[
    str,
    typer.Argument(metavar="ID", help="A session's id, a beginning of it, or 'last'.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
Limit = Annotated[int, typer.Option("-n", "--limit", min=1, help="How many to show at most.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    sessions = typer.Typer(
        no_args_is_help=True, help="List, search, show, export and remove saved conversations."
    )
    commands: dict[str, Callable[..., None]] = {
        "list": list_sessions,
        "show": show,
        "search": search,
        "export": export,
        "rm": rm,
    }
    for name, command in commands.items():
        sessions.command(name)(command)
    app.add_typer(sessions, name="sessions")


@contextmanager
def _store(call: Invocation) -> Iterator[Store]:
    """The user's store; what it has to say is said at the end."""
    from ockit.sessions.store import Store

    with Store.of(call.directories) as store:
        try:
            yield store
        finally:
            for notice in store.notices:
                call.console.warning(notice.text)


def list_sessions(ctx: typer.Context, limit: Limit = 20, as_json: AsJson = False) -> None:
    """List the saved chats, the one used last first."""
    from ockit.sessions.export import list_json, moment

    call = invocation(ctx)
    with _store(call) as store:
        found = store.list(limit)
    if as_json:
        call.console.json(list_json(found))
        return
    rows = [(s.id, moment(s.updated_at), s.n_messages, s.model, s.title) for s in found]
    call.console.table(("ID", "USED", "MESSAGES", "MODEL", "TITLE"), rows)


def show(ctx: typer.Context, session_id: Id, as_json: AsJson = False) -> None:
    """Show a chat as it stands; with --json all its branches too."""
    from ockit.sessions.export import moment, place, session_json, speaker, stopped

    call = invocation(ctx)
    with _store(call) as store:
        session = store.get(session_id)
        messages = store.messages(session.id)
        path = store.path_to(session.head) if session.head else ()
    if as_json:
        call.console.json(session_json(session, messages))
        return
    line = call.console.line
    line(session.title or "(untitled)", style="bold")
    line(f"{session.id}  {moment(session.created_at)}  {session.model or ''}".rstrip(), style="dim")
    if len(messages) > len(path):
        line(f"messages on other branches, not shown: {len(messages) - len(path)}", style="dim")
    if session.system is not None:
        line()
        line("System", style="cyan")
        line(session.system)
    for message in path:
        line()
        line(speaker(message), style="cyan")
        line(message.text)
        if said := stopped(message):
            line(f"({said})", style="dim")
        if message.error:
            line(f"({message.error})", style="dim")
        for number, source in enumerate(message.sources, 1):
            line(f"[{number}] {place(source)}", style="dim")


def search(
    ctx: typer.Context,
    text: Annotated[list[str], typer.Argument(metavar="TEXT...", help="Words that all must be there.")],
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """Find messages in all chats; the last word may be a beginning."""
    from ockit.sessions.export import hits_json

    call = invocation(ctx)
    query = " ".join(text)
    if not query.strip():
        raise UsageError("there is nothing to search for", hint="ockit sessions search WORD...")
    with _store(call) as store:
        hits = store.search(query, limit)
    if as_json:
        call.console.json(hits_json(query, hits))
        return
    rows = [(h.session_id, h.role, h.title, " ".join(h.snippet.split())) for h in hits]
    call.console.table(("ID", "ROLE", "TITLE", "TEXT"), rows)


def export(
    ctx: typer.Context,
    session_id: Id,
    form: Annotated[str, typer.Option("--format", help="md, json or jsonl.")] = "md",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write to this file instead of stdout."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE where it exists.")] = False,
) -> None:
    """Write a chat as Markdown, JSON (all branches) or JSON lines (all branches)."""
    from ockit.files import write_atomic
    from ockit.sessions.export import FORMATS, exported

    call = invocation(ctx)
    known = next((name for name in FORMATS if name == form), None)
    if known is None:
        raise UsageError(f"the format is {form!r}, but must be one of {', '.join(FORMATS)}")
    with _store(call) as store:
        session = store.get(session_id)
        messages = store.messages(session.id)
        path = store.path_to(session.head) if session.head else ()
    text = exported(known, session, messages, path)
    if output is None:
        call.console.line(text.removesuffix("\n"))
        return
    target = call.environment.cwd / output
    if target.exists() and not force:
        raise UsageError(
            "the file exists already and was left as it is", where=str(target), hint="--force replaces it"
        )
    write_atomic(target, text)
    call.console.notice(f"{len(path if known == 'md' else messages)} messages written to {target}")


def rm(
    ctx: typer.Context,
    session_id: Id,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove a chat and all that belongs to it. Asks first on a terminal, needs --yes elsewhere."""
    call = invocation(ctx)
    with _store(call) as store:
        session = store.get(session_id)
        name = f"{session.id} ({session.title or 'untitled'}, messages: {session.n_messages})"
        if not yes and not call.console.confirm(f"Remove the chat {name}?"):
            call.console.notice("nothing was removed")
            raise typer.Exit(ExitCode.FAILURE)
        store.remove(session.id)
    call.console.notice(f"removed {name}")
