"""A file on its way into the registry: is it a chat model, and what shall it be called. Writes nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from ockit.errors import ModelFileError, UsageError
from ockit.formats.gguf_header import read_header
from ockit.formats.loadable import check_loadable
from ockit.models.entry import ModelEntry
from ockit.models.facts import Facts
from ockit.models.kinds import WHAT
from ockit.models.names import clean_name
from ockit.models.parts import split_stem

# file names that say nothing: content hashes, and what converters write by default
_NAMELESS = re.compile(
    r"sha256[-:].*|[0-9a-f]{32,}|(ggml-)?model([-_.](f16|f32|bf16|i?q\d\w*))?", re.IGNORECASE
)


def draft(path: Path, facts: Facts, name: str | None, template: str | None) -> ModelEntry:
    """The entry of a file that is to be added, not yet hashed.

    Raises:
        ModelFileError: it is no chat model, or one that llama.cpp must not be given.
        UsageError: no name can be made for it.
    """
    if facts.kind != "chat":
        raise ModelFileError(
            f"this is {WHAT[facts.kind]}", where=str(path), hint="ockit models add takes chat models"
        )
    check_loadable(read_header(path))
    chosen = name or suggested_name(path, facts)
    if not chosen:
        raise UsageError(
            "no name can be made from this file's name", where=str(path), hint="give it one: --name NAME"
        )
    return ModelEntry(
        chosen,
        path,
        "added",
        template=template,
        sampling=dict(facts.sampling),
        architecture=facts.architecture,
        quantization=facts.quantization,
        n_params=facts.n_params,
        n_ctx_train=facts.n_ctx_train,
        added_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def suggested_name(path: Path, facts: Facts | None) -> str:
    """A name for a file: its own where that says something, else the model's with its quantization, else that of
    the directory; empty where none will do."""
    stem = split_stem(path.name)
    if not _NAMELESS.fullmatch(stem):
        return clean_name(stem)
    if facts is not None and facts.name and not _NAMELESS.fullmatch(facts.name):
        named = clean_name(facts.name.replace("/", "-"))
        quantization = clean_name(facts.quantization or "")
        if not named or quantization in named:
            return named
        return clean_name(f"{named}-{quantization}")
    return clean_name(path.parent.name) or clean_name(stem)
