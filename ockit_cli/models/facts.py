"""What the headers of model files say, remembered: reading one takes 20 ms to a second, a list must not.

A file's facts are kept in the cache directory and hold as long as its path, size and date stay the same and the
ockit that noted them does. The cache may be deleted at any time; where it cannot be written nothing is kept.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from ockit.environment import Directories
from ockit.errors import OckitError
from ockit.models.digest import stamp
from ockit.models.parts import parts_of
from ockit.version import __version__

MAX_FILES = 5000
MAX_BYTES = 16 << 20


@dataclass(frozen=True)
class Facts:
    """What a model's header says.

    Attributes:
        name: ``general.name``, else the file's name.
        template: the shipped chat template that its own was recognised as, or None.
        has_template: whether it has a chat template at all.
        kind: `ockit.models.kinds.Kind`.
        sampling: what the file itself recommends (``general.sampling.*``).
        size: bytes of all its parts.
    """

    architecture: str
    name: str
    quantization: str | None
    n_params: int
    n_ctx_train: int
    template: str | None
    has_template: bool
    kind: str
    size: int
    license: str | None = None
    sampling: dict[str, float] = field(default_factory=dict)


class FactBook:
    """Facts of files; `save` keeps what was newly read."""

    def __init__(self, directories: Directories) -> None:
        self._path = directories.cache / "model-facts.json"
        self._rows = _load(self._path)
        self._changed = False

    def of(self, path: Path) -> Facts:
        """The facts of a model file (the first part of a split one).

        Raises:
            NotFound, ModelFileError: see `ockit.models.parts.read_model`.
        """
        size, mtime_ns = stamp(parts_of(path))
        row = self._rows.get(str(path))
        if isinstance(row, dict) and row.get("stamp") == [size, mtime_ns]:
            known = row.get("facts")
            if isinstance(known, dict) and known.keys() == {entry.name for entry in fields(Facts)}:
                return Facts(**known)
        facts = _read(path)
        self._rows[str(path)] = {"stamp": [size, mtime_ns], "facts": asdict(facts)}
        self._changed = True
        return facts

    def save(self) -> None:
        """Write what is new. A cache that cannot be written costs time, nothing else."""
        if not self._changed:
            return
        from ockit.files import write_atomic

        kept = dict(list(self._rows.items())[-MAX_FILES:])
        text = json.dumps({"edition": _edition(), "files": kept})
        try:
            write_atomic(self._path, text)
        except OckitError:
            return
        self._changed = False


def _read(path: Path) -> Facts:
    from ockit.models.entry import recommended_sampling
    from ockit.models.kinds import kind_of
    from ockit.models.parts import read_model
    from ockit.prompts.recognise import recognise

    header = read_model(path)
    template = recognise(header.chat_template)
    names = {"temp": "temperature", "penalty_repeat": "repeat_penalty", "penalty_last_n": "repeat_last_n"}
    names |= {key: key for key in ("top_k", "top_p", "min_p")}
    advice = {key: header.metadata.get(f"general.sampling.{said}") for said, key in names.items()}
    return Facts(
        architecture=header.architecture,
        name=header.name,
        quantization=header.quantization,
        n_params=header.n_params,
        n_ctx_train=header.n_ctx_train,
        template=template.name if template is not None else None,
        has_template=header.chat_template is not None,
        kind=kind_of(header),
        size=header.file_size,
        license=header.text("general.license"),
        sampling=recommended_sampling(advice),
    )


def _edition() -> list[object]:
    """What the facts depend on besides the file: this ockit, and which chat templates it recognises."""
    known = Path(__file__).parents[1] / "prompts" / "known_digests.py"
    return [__version__, known.stat().st_mtime_ns]


def _load(path: Path) -> dict[str, Any]:
    """The cached rows; none where there is no cache, or one of another ockit, or nonsense."""
    try:
        with open(path, "rb") as file:
            saved = json.loads(file.read(MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(saved, dict) or saved.get("edition") != _edition():
        return {}
    rows = saved.get("files")
    return rows if isinstance(rows, dict) else {}
