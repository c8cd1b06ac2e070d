"""A model that ockit knows of: its name, its file and what was noted about it. Opens nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ockit.errors import UsageError
from ockit.models.names import checked_name

Source = Literal["embedded", "added", "path"]
"""Where a model comes from: a package that is installed with ockit, ``ockit models add``, or a path that was
typed instead of a name."""

_OPTIONAL = {
    "template": str,
    "sha256": str,
    "size": int,
    "mtime_ns": int,
    "architecture": str,
    "quantization": str,
    "n_params": int,
    "n_ctx_train": int,
    "added_at": str,
}


@dataclass(frozen=True)
class ModelEntry:
    """One model. What is None was not noted (a path is not read before it is loaded).

    Attributes:
        name: what to type after ``-m``; for a bare path, the absolute path.
        path: the GGUF file, or the first part of a split one; absolute.
        source: where the model comes from.
        aliases: other names.
        template: the chat template that was chosen for it by name; None leaves it to the model's own.
        sampling: recommended fields of `ockit.messages.Sampling` by name.
        sha256: hex digest of the content (of all parts in order).
        size: bytes of all parts.
        mtime_ns: modification time of the first part, in nanoseconds of the Unix epoch.
        architecture, quantization, n_params, n_ctx_train: from the header.
        added_at: UTC, ISO 8601.
    """

    name: str
    path: Path
    source: Source
    aliases: tuple[str, ...] = ()
    template: str | None = None
    sampling: dict[str, float] = field(default_factory=dict)
    sha256: str | None = None
    size: int | None = None
    mtime_ns: int | None = None
    architecture: str | None = None
    quantization: str | None = None
    n_params: int | None = None
    n_ctx_train: int | None = None
    added_at: str | None = None

    @property
    def label(self) -> str:
        """A short name for a prompt or a table: a path shows as its last part."""
        return self.path.stem if self.source == "path" else self.name

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready object; `from_json` reads it back (aliases and the source are kept elsewhere)."""
        row: dict[str, Any] = {"name": self.name, "path": str(self.path), "sampling": dict(self.sampling)}
        return row | {key: getattr(self, key) for key in _OPTIONAL}

    @classmethod
    def from_json(cls, row: object) -> ModelEntry:
        """An added model from its object in the registry's file.

        Raises:
            UsageError: the object is not what `to_json` writes; the text says why.
        """
        if not isinstance(row, dict):
            raise UsageError(f"a model is {row!r:.60}, not an object")
        name, path, sampling = row.get("name"), row.get("path"), row.get("sampling", {})
        if not isinstance(name, str) or not isinstance(path, str):
            raise UsageError(f"a model has the name {name!r:.60} and the path {path!r:.60}")
        if not Path(path).is_absolute() or "\0" in path:
            raise UsageError(f"the model {name!r:.60} has a path that is not absolute: {path!r:.60}")
        if not isinstance(sampling, dict):
            raise UsageError(f"the model {name!r:.60} has sampling {sampling!r:.60}")
        known: dict[str, Any] = {}
        for key, kind in _OPTIONAL.items():
            value = row.get(key)
            if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
                raise UsageError(f"the model {name!r:.60} has {key} {value!r:.60}")
            known[key] = value
        return cls(checked_name(name), Path(path), "added", sampling=recommended_sampling(sampling), **known)


def recommended_sampling(values: dict[str, Any]) -> dict[str, float]:
    """The entries that are numbers of `ockit.messages.Sampling` inside their ranges; a file's advice that makes
    no sense is not followed."""
    from ockit.messages import Sampling

    good: dict[str, float] = {}
    for key in ("temperature", "top_k", "top_p", "min_p", "repeat_penalty", "repeat_last_n"):
        value = values.get(key)
        whole = isinstance(getattr(Sampling, key), int)
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
            continue
        try:
            Sampling().changed(**{key: value})
        except UsageError:
            continue
        good[key] = value
    return good
