"""Where a sentence-transformers model lies: a directory, or a name in the cache of the Hugging Face hub.

Nothing is fetched. A model is refused that could run code as it is loaded: pickled weights, modules or configurations
that name code of their own. Knows no model library.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from ockit.errors import ModelFileError, NotFound, UsageError
from ockit.files import read_limited
from ockit.formats.bounded import open_regular
from ockit.formats.safetensors_header import read_safetensors

_REPO = re.compile(r"(?:[\w.-]+/)?[\w.-]+")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt")
_DECIDING = (".safetensors", ".json", ".txt", ".model", ".spm")
_LARGEST = 16 << 20
_MOST_FILES = 1000
_PIECE = 1 << 20


def find_model(name: str, variables: Mapping[str, str], cwd: Path) -> Path:
    """The directory of a model, checked (`check_model`).

    Args:
        name: a directory, or ``ORGANISATION/NAME`` of the hub; without a slash ``sentence-transformers`` is meant.
        variables: the environment's, which may move the hub's cache (``HF_HUB_CACHE``, ``HF_HOME``).
        cwd: what a relative path begins at.

    Raises:
        UsageError: the name can be neither.
        NotFound: nothing of that name is here.
        ModelFileError: what is here is damaged or unsafe.
    """
    directory = (cwd / Path(name).expanduser()).absolute() if name and "\0" not in name else None
    if directory is not None and directory.is_dir():
        check_model(directory)
        return directory
    if directory is None or not _REPO.fullmatch(name) or ".." in name:
        raise _absent(name, directory is not None and name.startswith((".", "/", "~")))
    repo = name if "/" in name else f"sentence-transformers/{name}"
    folder = _hub_cache(variables) / f"models--{repo.replace('/', '--')}"
    try:
        commit = read_limited(folder / "refs" / "main", 100).decode("ascii", "replace").strip()
    except NotFound:
        raise _absent(name, True) from None
    snapshot = folder / "snapshots" / commit
    if not _COMMIT.fullmatch(commit) or not snapshot.is_dir():
        raise _absent(name, True)
    check_model(snapshot)
    return snapshot


def check_model(directory: Path) -> None:
    """Refuse what is no model, or one that could run code as it is loaded. Raises ModelFileError."""
    files = _files(directory)
    weights = [path for path in files if path.suffix == ".safetensors"]
    for path in weights:
        read_safetensors(path)
    safe = {path.parent for path in weights}
    for path in files:
        if path.suffix in _PICKLES and path.parent not in safe and path.name != "training_args.bin":
            raise ModelFileError(
                "these weights are pickled: to load them could run any program",
                where=str(path),
                hint="use a model that has .safetensors files",
            )
        if (
            path.name.endswith("config.json")
            and isinstance(entries := _json(path), dict)
            and entries.get("auto_map")
        ):
            raise _own_code(path)
    if not weights:
        raise ModelFileError(
            "there are no weights here: no file ends in .safetensors",
            where=str(directory),
            hint="name the directory of a sentence-transformers model",
        )
    modules = directory / "modules.json"
    if modules in files:
        entries = _json(modules)
        kinds = (
            [entry.get("type") for entry in entries if isinstance(entry, dict)]
            if isinstance(entries, list)
            else []
        )
        if not kinds or any(not str(kind).startswith("sentence_transformers.") for kind in kinds):
            raise _own_code(modules)


def identity_of(directory: Path) -> str:
    """A sha256 over every file that decides what the model computes."""
    whole = hashlib.sha256()
    for path in _files(directory):
        if path.suffix not in _DECIDING:
            continue
        digest = hashlib.sha256()
        with open_regular(path) as (descriptor, size):
            while size and (piece := os.read(descriptor, _PIECE)):
                digest.update(piece)
        whole.update(
            f"{path.relative_to(directory).as_posix()}\0{digest.hexdigest()}\n".encode("utf-8", "replace")
        )
    return whole.hexdigest()


def _files(directory: Path) -> list[Path]:
    """The model's files that are not empty, its folders' too, in order."""
    found: list[Path] = []
    for pattern in ("*", "*/*"):
        for path in directory.glob(pattern):
            hidden = any(part.startswith(".") for part in path.relative_to(directory).parts)
            if not hidden and path.is_file() and path.stat().st_size:
                found.append(path)
            if len(found) > _MOST_FILES:
                raise ModelFileError(
                    f"there are more than {_MOST_FILES} files here",
                    where=str(directory),
                    hint="this is no model",
                )
    return sorted(found)


def _json(path: Path) -> object:
    try:
        found: object = json.loads(read_limited(path, _LARGEST))
    except (ValueError, RecursionError) as error:
        raise ModelFileError(
            f"this is no JSON: {str(error)[:100]}", where=str(path), hint="fetch it again"
        ) from error
    return found


def _own_code(path: Path) -> ModelFileError:
    return ModelFileError(
        "the model brings code of its own, which is never run",
        where=str(path),
        hint="use a model of a kind that sentence-transformers knows",
    )


def _absent(name: str, possible: bool) -> NotFound | UsageError:
    if not possible:
        return UsageError(
            f"{name!r} names no model", hint="a directory, or ORGANISATION/NAME of the hub's cache"
        )
    return NotFound(
        f"there is no model {name!r}: no such directory, and not in the cache of the Hugging Face hub",
        hint=f"hf download {name} fetches it, where there is a network"
        if _REPO.fullmatch(name)
        else "check the path",
    )


def _hub_cache(variables: Mapping[str, str]) -> Path:
    """Where huggingface_hub keeps what it has fetched (docs: huggingface_hub, "Environment variables")."""
    home = Path(variables.get("HOME") or Path.home())
    caches = Path(variables.get("XDG_CACHE_HOME") or home / ".cache")
    hub = variables.get("HF_HOME") or caches / "huggingface"
    return Path(variables.get("HF_HUB_CACHE") or Path(hub) / "hub").expanduser()
