"""`ockit models list` and `show`: how models are shown. What is known of them is `ockit.models`'."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ockit.commands.invocation import Invocation, invocation
from ockit.commands.model_verbs import AsJson, Name, chosen_default, hashing, open_registry
from ockit.errors import OckitError

if TYPE_CHECKING:
    from ockit.models.facts import FactBook
    from ockit.models.registry import Registry


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
    with open_registry(call) as registry:
        if found:
            _list_found(call, registry, book, as_json)
        else:
            chosen = chosen_default(call, registry)
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
    with open_registry(call) as registry:
        entry = registry.find(name)
        if entry.source == "path":
            book.of(registry.resolve(name).path)  # nothing was noted of it: it must be a model now
        digest = None
        if verify:
            with hashing(call, entry.label) as progress:
                digest = registry.verify(entry, progress)
        card = details(entry, book, default=chosen_default(call, registry))
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
