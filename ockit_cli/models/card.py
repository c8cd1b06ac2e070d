"""What can be said of one model: its entry and what its file says, as a JSON-ready object."""

from __future__ import annotations

import os
from typing import Any

from ockit.errors import OckitError
from ockit.models import embedded
from ockit.models.entry import ModelEntry
from ockit.models.facts import FactBook
from ockit.models.parts import parts_of


def summary(entry: ModelEntry, book: FactBook, *, default: str) -> dict[str, Any]:
    """A row of ``ockit models list --json``; where the file cannot be read ``problem`` says why, and the figures
    are those that were noted when it was added."""
    row: dict[str, Any] = {
        "name": entry.name,
        "default": entry.name.lower() == default.lower(),
        "source": entry.source,
        "aliases": list(entry.aliases),
        "path": str(entry.path),
        "size": entry.size,
        "n_params": entry.n_params,
        "quantization": entry.quantization,
        "n_ctx_train": entry.n_ctx_train,
        "architecture": entry.architecture,
        "template": entry.template,
        "problem": None,
    }
    try:
        facts = book.of(entry.path)
    except OckitError as error:
        return row | {"problem": error.what}
    found = ("size", "n_params", "quantization", "n_ctx_train", "architecture")
    row |= {key: getattr(facts, key) for key in found}
    row["template"] = entry.template or facts.template
    if entry.size not in (None, facts.size):
        row["problem"] = "the file has changed since it was added"
    return row


def details(entry: ModelEntry, book: FactBook, *, default: str) -> dict[str, Any]:
    """What ``ockit models show --json`` says, memory apart."""
    row = summary(entry, book, default=default)
    row |= {"sha256": entry.sha256, "origin": _origin(entry), "sampling": dict(entry.sampling)}
    row |= {"added_at": entry.added_at, "own_template": None, "license": None, "title": None, "parts": []}
    if row["problem"] is None:
        facts = book.of(entry.path)
        row |= {"license": facts.license, "title": facts.name, "own_template": facts.has_template}
        row["parts"] = [str(part) for part in parts_of(entry.path)]
    return row


def memory(entry: ModelEntry, ctx_size: int) -> dict[str, Any]:
    """`ockit.models.memory.report` of a model.

    Raises:
        NotFound, ModelFileError: see `ockit.formats.loadable.read_loadable`.
    """
    from ockit.formats.loadable import read_loadable
    from ockit.models.memory import report

    return report(read_loadable(entry.path), ctx_size)


def _origin(entry: ModelEntry) -> str:
    if entry.source == "embedded":
        return f"package {embedded.PACKAGE} {embedded.package_version() or ''}".rstrip()
    target = os.path.realpath(entry.path)
    if target != str(entry.path):
        return f"link to {target}"
    return "added" if entry.source == "added" else "path"
