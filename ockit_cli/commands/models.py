"""`ockit models`: list, show, add, name and forget models. Knows how they are shown; `ockit.models` knows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ockit.commands.completion import complete_model, complete_template
from ockit.commands.invocation import Invocation, invocation
from ockit.errors import NotFound, OckitError

if TYPE_CHECKING:
    from ockit.models.facts import FactBook
    from ockit.models.registry import Registry

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="A name or an alias; 'ockit models list' shows them.",
        autocompletion=complete_model,
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    models = typer.Typer(
        no_args_is_help=True, help="List, show, add and name models; choose the default one."
    )
    commands: dict[str, Callable[..., None]] = {
        "list": list_models,
        "show": show,
        "add": add,
        "rm": rm,
        "alias": alias,
        "default": default,
    }
    for name, command in commands.items():
        models.command(name)(command)
    app.add_typer(models, name="models")


@contextmanager
def _registry(call: Invocation) -> Iterator[Registry]:
    """The registry; what it has to say is said at the end."""
    from ockit.models.registry import Registry

    registry = Registry(call.directories, cwd=call.environment.cwd)
    try:
        yield registry
    finally:
        for text in registry.notices:
            call.console.warning(text)


def _default(call: Invocation, registry: Registry) -> str:
    """The name of the model that `ockit ask` would take now; a setting wins over the registry's default."""
    settings = call.settings
    if settings.model is None:
        return registry.default()
    try:
        return registry.find(settings.model).name
    except NotFound as error:
        call.console.warning(f"the setting model ({settings.origin('model')}): {error.what}")
        return settings.model


def list_models(
    ctx: typer.Context,
    found: Annotated[
        bool,
        typer.Option("--found", help="GGUF files of Ollama, LM Studio, Hugging Face and llama.cpp instead."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the models ockit knows; the default one is marked with *."""
    from ockit.models.card import summary
    from ockit.models.facts import FactBook

    call = invocation(ctx)
    book = FactBook(call.directories)
    with _registry(call) as registry:
        if found:
            _list_found(call, registry, book, as_json)
        else:
            chosen = _default(call, registry)
            rows = [summary(entry, book, default=chosen) for entry in registry.entries()]
            _print_models(call, rows, as_json)
    book.save()


def _print_models(call: Invocation, rows: list[dict[str, Any]], as_json: bool) -> None:
    from ockit.models.figures import count_text, size_text

    if as_json:
        call.console.json({"schema_version": 1, "models": rows})
        return
    call.console.table(
        ("NAME", "SIZE", "PARAMS", "QUANT", "CONTEXT", "TEMPLATE", "SOURCE"),
        [
            (
                row["name"] + (" *" if row["default"] else ""),
                size_text(row["size"]),
                count_text(row["n_params"]),
                row["quantization"],
                row["n_ctx_train"],
                row["template"],
                row["source"],
            )
            for row in rows
        ],
    )
    for row in rows:
        if row["problem"]:
            call.console.warning(f"{row['name']}: {row['problem']}; ockit models show {row['name']}")


def _list_found(call: Invocation, registry: Registry, book: FactBook, as_json: bool) -> None:
    from ockit.models.figures import count_text, size_text
    from ockit.models.found import places, search

    known = {entry.path: entry.name for entry in registry.entries()}
    with call.console.status("looking for models ..."):
        rows, problems = search(call.environment.variables, book, known)
    if as_json:
        shown = [
            {
                "name": row.name,
                "where": row.where,
                "path": str(row.path),
                "size": row.facts.size if row.facts else None,
                "n_params": row.facts.n_params if row.facts else None,
                "quantization": row.facts.quantization if row.facts else None,
                "architecture": row.facts.architecture if row.facts else None,
                "kind": row.facts.kind if row.facts else None,
                "problem": row.problem,
                "added_as": row.added_as,
                "add": row.add_line,
            }
            for row in rows
        ]
        call.console.json({"schema_version": 1, "found": shown, "problems": problems})
        return
    if rows:
        call.console.table(
            ("NAME", "SIZE", "PARAMS", "QUANT", "WHERE", "STATE"),
            [
                (
                    row.name,
                    size_text(row.facts.size) if row.facts else None,
                    count_text(row.facts.n_params) if row.facts else None,
                    row.facts.quantization if row.facts else None,
                    row.where,
                    f"added as {row.added_as}" if row.added_as else row.problem or "can be added",
                )
                for row in rows
            ],
        )
        for row in rows:
            if row.add_line:
                call.console.notice(row.add_line)
    else:
        looked = ", ".join(str(path) for _, path in places(call.environment.variables))
        call.console.notice(f"no GGUF files found in {looked}")
    for text in problems:
        call.console.warning(text)


def show(
    ctx: typer.Context,
    name: Name,
    as_json: AsJson = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Hash the file and compare with what was noted.")
    ] = False,
) -> None:
    """Show one model: its file, where it comes from, what it needs in memory."""
    from ockit.models.card import details, memory
    from ockit.models.facts import FactBook

    call = invocation(ctx)
    book = FactBook(call.directories)
    with _registry(call) as registry:
        entry = registry.find(name)
        if entry.source == "path":
            book.of(registry.resolve(name).path)  # nothing was noted of it: it must be a model now
        digest = None
        if verify:
            with _hashing(call, entry.label) as progress:
                digest = registry.verify(entry, progress)
        card = details(entry, book, default=_default(call, registry))
    book.save()
    card |= {"sha256": entry.sha256 or digest, "verified": digest is not None, "memory": None}
    if card["problem"] is None:
        try:
            card["memory"] = memory(entry, call.settings.ctx_size)
        except OckitError as error:  # sound as a file, yet nothing llama.cpp could run
            card["problem"] = error.what
    if as_json:
        call.console.json({"schema_version": 1, "model": card})
        return
    for label, text in _card_lines(card):
        call.console.line(f"{label + ':':<14}{text}")


def _card_lines(card: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """A card as labels and texts; what is not known is left out."""
    from ockit.models.figures import count_text, size_text
    from ockit.text import one_line

    own = {True: "its own is not known: chatml is used", False: "none: chatml is used", None: None}
    checked = " (verified)" if card["verified"] else ""
    need = card["memory"]
    texts = {
        "name": card["name"] + (" (the default)" if card["default"] else ""),
        "problem": card["problem"],
        "aliases": ", ".join(card["aliases"]),
        "title": card["title"],
        "origin": f"{card['source']}, {card['origin']}"
        if card["origin"] != card["source"]
        else card["origin"],
        "added": card["added_at"],
        "path": card["path"],
        "parts": str(len(card["parts"])) if len(card["parts"]) > 1 else None,
        "size": size_text(card["size"]),
        "sha256": card["sha256"] + checked if card["sha256"] else None,
        "architecture": card["architecture"],
        "quantization": card["quantization"],
        "parameters": count_text(card["n_params"]),
        "context": f"{card['n_ctx_train']} tokens" if card["n_ctx_train"] else None,
        "template": card["template"] or own[card["own_template"]],
        "sampling": ", ".join(f"{key} {value:g}" for key, value in card["sampling"].items()),
        "license": card["license"],
    }
    if need is not None:
        verdict = "fits" if need["fits"] else "does not fit"
        texts["memory"] = (
            f"{size_text(need['total'])} at {need['n_ctx']} tokens of context, "
            f"{size_text(need['available'])} available: {verdict}"
        )
    return ((label, one_line(text)) for label, text in texts.items() if text)


def add(
    ctx: typer.Context,
    path: Annotated[
        str,
        typer.Argument(
            metavar="PATH", help="A GGUF file, or the first part of a split one.", show_default=False
        ),
    ],
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="What to call it; else its file's name.")
    ] = None,
    alias: Annotated[
        list[str] | None, typer.Option("--alias", metavar="ALIAS", help="Another name; may be repeated.")
    ] = None,
    template: Annotated[
        str | None,
        typer.Option(
            "--template",
            metavar="NAME",
            help="A chat template, instead of the model's own.",
            autocompletion=complete_template,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Note a model file under a name. The file stays where it is and is not copied."""
    from ockit.models.names import checked_name

    call = invocation(ctx)
    for other in alias or ():
        checked_name(other, "alias")  # before the file is hashed
    with _registry(call) as registry:
        with _hashing(call, path) as progress:
            added = registry.add(path, name=name, template=template, progress=progress)
        entry = added.entry
        for other in alias or ():
            entry = registry.alias(entry.name, other)
        if as_json:
            call.console.json(
                {"schema_version": 1, "outcome": added.outcome, "name": entry.name, "model": entry.to_json()}
            )
        said = {"added": "added as", "already": "already there as", "updated": "noted anew as"}
        call.console.notice(f"{said[added.outcome]} {entry.name}; talk to it: ockit chat -m {entry.name}")


def rm(ctx: typer.Context, name: Name) -> None:
    """Forget a model. Its file is not touched."""
    call = invocation(ctx)
    with _registry(call) as registry:
        before = registry.default()
        entry = registry.remove(name)
        call.console.notice(f"forgot {entry.name}; its file stays: {entry.path}")
        if registry.default() != before:
            call.console.notice(f"the default model is {registry.default()} again")


def alias(
    ctx: typer.Context,
    name: Name,
    alias: Annotated[str, typer.Argument(metavar="ALIAS", help="The other name.", show_default=False)],
    remove: Annotated[bool, typer.Option("--remove", help="Take the alias away instead.")] = False,
) -> None:
    """Give a model another name, or take one away."""
    call = invocation(ctx)
    with _registry(call) as registry:
        entry = registry.unalias(name, alias) if remove else registry.alias(name, alias)
        others = ", ".join(entry.aliases) or "none"
        call.console.notice(f"{entry.name}: aliases {others}")


def default(
    ctx: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="The model to take where none is named.",
            autocompletion=complete_model,
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show the default model, or choose it."""
    call = invocation(ctx)
    with _registry(call) as registry:
        if name is None:
            call.console.line(_default(call, registry))
        else:
            entry = registry.set_default(name)
            call.console.notice(f"the default model is {entry.name}")
        settings = call.settings
        if settings.model:
            call.console.warning(
                f"the setting model = {settings.model} ({settings.origin('model')}) comes first"
            )


@contextmanager
def _hashing(call: Invocation, what: str) -> Iterator[Callable[[int, int], None]]:
    """A line on the terminal while a file is hashed."""
    from ockit.models.figures import size_text

    with call.console.status(f"reading {what} ...") as status:
        shown = -1

        def progress(done: int, total: int) -> None:
            nonlocal shown
            percent = 100 * done // max(total, 1)
            if percent != shown:
                shown = percent
                status.update(f"reading {what}: {percent} % of {size_text(total)}")

        yield progress
