"""The file ``models.json``: the models that were added, their aliases, the default. Knows no model file.

    {"schema_version": 1, "default": null or a name, "aliases": {alias: name}, "models": [{name, path, ...}]}

A file that cannot be understood is copied to ``models.json.damaged-XXXXXXXX`` and what is sound in it is used. A
file of a newer schema is neither read nor written.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ockit.errors import StoreError, UsageError
from ockit.files import explained, write_atomic
from ockit.models.entry import ModelEntry
from ockit.models.names import is_name

SCHEMA_VERSION = 1
MAX_BYTES = 16 << 20


@dataclass(frozen=True)
class Catalogue:
    """The added models by lower-case name, aliases (lower-case) to names, and the default's name."""

    models: dict[str, ModelEntry] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    default: str | None = None

    def with_model(self, entry: ModelEntry) -> Catalogue:
        """With one model more, or another in its place."""
        return replace(self, models=self.models | {entry.name.lower(): entry})

    def without_model(self, name: str) -> Catalogue:
        """Without a model and its aliases; where it was the default there is none afterwards."""
        return Catalogue(
            {key: entry for key, entry in self.models.items() if key != name.lower()},
            {alias: target for alias, target in self.aliases.items() if target.lower() != name.lower()},
            None if (self.default or "").lower() == name.lower() else self.default,
        )

    def to_bytes(self) -> bytes:
        """The file's content."""
        content = {
            "schema_version": SCHEMA_VERSION,
            "default": self.default,
            "aliases": self.aliases,
            "models": [entry.to_json() for entry in self.models.values()],
        }
        return json.dumps(content, indent=1).encode() + b"\n"


def load(path: Path, report: Callable[[str], None]) -> Catalogue:
    """The catalogue in a file, an empty one where there is no file; damage is reported in a sentence.

    Raises:
        OckitError: the file cannot be read, is of a newer ockit (StoreError), or is damaged and cannot be copied
            aside.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return Catalogue()
    except OSError as error:
        raise explained(error, path, "read the list of models") from error
    problems: list[str] = []
    catalogue = _parse(path, data, problems)
    if problems:
        copy = _copy_aside(path, data)
        report(f"{path} is damaged ({'; '.join(problems[:3])}); a copy is kept as {copy.name}")
    return catalogue


def _parse(path: Path, data: bytes, problems: list[str]) -> Catalogue:
    if len(data) > MAX_BYTES:
        problems.append(f"it has more than {MAX_BYTES} bytes")
        return Catalogue()
    try:
        content = json.loads(data)
    except RecursionError:
        problems.append("it is nested too deeply")
        return Catalogue()
    except ValueError as error:
        problems.append(str(error))
        return Catalogue()
    version = content.get("schema_version") if isinstance(content, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        problems.append("it has no schema_version")
        return Catalogue()
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"the list of models was written by a newer ockit (schema {version}, this one knows "
            f"{SCHEMA_VERSION}); it is left as it is",
            where=str(path),
            hint="upgrade ockit, or set OCKIT_HOME to another directory",
        )
    return _checked(content, problems)


def _checked(content: dict[str, Any], problems: list[str]) -> Catalogue:
    """What is sound in a file's content."""
    rows, aliases, default = content.get("models"), content.get("aliases", {}), content.get("default")
    models: dict[str, ModelEntry] = {}
    for row in rows if isinstance(rows, list) else ():
        try:
            entry = ModelEntry.from_json(row)
        except UsageError as error:
            problems.append(error.what)
            continue
        if entry.name.lower() in models:
            problems.append(f"the name {entry.name} occurs twice")
        models.setdefault(entry.name.lower(), entry)
    good: dict[str, str] = {}
    for alias, name in aliases.items() if isinstance(aliases, dict) else ():
        if isinstance(name, str) and is_name(alias) and is_name(name):
            good[alias.lower()] = name
        else:
            problems.append(f"the alias {alias!r:.60} stands for {name!r:.60}")
    if not isinstance(rows, list) or not isinstance(aliases, dict):
        problems.append("its models or aliases are of the wrong kind")
    if default is not None and not (isinstance(default, str) and is_name(default)):
        problems.append(f"its default is {default!r:.60}")
        default = None
    return Catalogue(models, good, default)


def _copy_aside(path: Path, data: bytes) -> Path:
    import hashlib

    # named by its content: the same damage is copied once, however often it is read
    copy = path.with_name(f"{path.name}.damaged-{hashlib.sha256(data).hexdigest()[:8]}")
    if not copy.exists():
        try:
            write_atomic(copy, path.read_bytes())
        except OSError as error:
            raise explained(error, path, "copy the damaged list of models aside") from error
    return copy
