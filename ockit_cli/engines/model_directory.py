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

from ockit.engines.embedder_names import is_folder, settled
from ockit.errors import ModelFileError, NotFound, UsageError
from ockit.files import read_limited
from ockit.formats.bounded import open_regular
from ockit.formats.safetensors_header import read_safetensors

_REPO = re.compile(r"(?:[\w.-]+/)?[\w.-]+")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt")
_DECIDING = (".safetensors", ".json", ".txt", ".model", ".spm")
_LIBRARY = "sentence_transformers."
_LAYERS = "torch.nn."
_CLASSES = (
    "activation_function",
    "activation_fn",
    "sbert_ce_default_activation_function",
    "tokenizer_class",
)
"""Keys under which the library looks for the dotted name of a class, which it imports."""

_LARGEST = 16 << 20
_MOST_FILES = 1000
_PIECE = 1 << 20


def find_model(name: str, variables: Mapping[str, str], cwd: Path) -> Path:
    """The directory of a model, checked (`check_model`).

    Args:
        name: a directory (``./NAME``, ``~/NAME`` or an absolute path), or ``ORGANISATION/NAME`` of the hub; without a
            slash ``sentence-transformers`` is meant.
        variables: the environment's, which may move the hub's cache (``HF_HUB_CACHE``, ``HF_HOME``).
        cwd: what a relative path begins at.

    Raises:
        UsageError: the name can be neither.
        NotFound: nothing of that name is here.
        ModelFileError: what is here is damaged or unsafe.
    """
    if "\0" in name:
        raise _absent(name, False)
    if is_folder(name):
        directory = Path(settled(name, cwd))
        if not directory.is_dir():
            raise _absent(name, True)
        check_model(directory)
        return directory
    if not _REPO.fullmatch(name) or ".." in name:
        raise _absent(name, False)
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
        if path.name.endswith("config.json"):
            _check_config(_json(path), path)
    if not weights:
        raise ModelFileError(
            "there are no weights here: no file ends in .safetensors",
            where=str(directory),
            hint="name the directory of a sentence-transformers model",
        )
    modules = directory / "modules.json"
    if modules in files:
        entries = _json(modules)
        if not isinstance(entries, list) or not entries:
            raise _own_code(modules)
        for entry in entries:
            known = isinstance(entry, dict) and str(entry.get("type")).startswith(_LIBRARY)
            if not known or _hides(entry.get("path")):
                raise _own_code(modules)


def _check_config(said: object, path: Path) -> None:
    """Refuse a configuration that names a class of another library, or a module in a folder that is not looked into,
    however deep in it. Raises ModelFileError."""
    if isinstance(said, list):
        for each in said:
            _check_config(each, path)
    if not isinstance(said, dict):
        return
    if said.get("auto_map"):
        raise _own_code(path)
    kinds = said.get("types")  # of a Router: its modules, by the folders they are in
    if isinstance(kinds, dict) and any(map(_hides, kinds)):
        raise _own_code(path)
    named = [said[key] for key in _CLASSES if key in said]
    named += kinds.values() if isinstance(kinds, dict) else []
    for name in named:
        if isinstance(name, str) and "." in name and not name.startswith((_LIBRARY, _LAYERS)):
            raise _own_code(path)
    for each in said.values():
        _check_config(each, path)


def _hides(folder: object) -> bool:
    """Whether a module's folder is one that `_files` leaves out, or none of the model's."""
    return (
        not isinstance(folder, str)
        or folder.startswith("/")
        or any(part.startswith(".") for part in folder.replace("\\", "/").split("/"))
    )


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
    """The model's files that are not empty, its folders' too, in order; hidden ones are left out. Links are followed,
    as the library does."""
    found: list[Path] = []
    seen = 0
    for folder, folders, names in os.walk(directory, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(folder, name)
            if not name.startswith(".") and path.is_file() and path.stat().st_size:
                found.append(path)
        seen += len(folders) + len(names)  # a link to a folder above it has no end
        if seen > _MOST_FILES:
            raise ModelFileError(
                f"there are more than {_MOST_FILES} files here", where=str(directory), hint="this is no model"
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
            f"{name!r} names no model",
            hint="a directory (one of this folder as ./NAME), or ORGANISATION/NAME of the hub's cache",
        )
    return NotFound(
        f"there is no model {name!r}: no such directory, and not in the cache of the Hugging Face hub",
        hint="check the path"
        if is_folder(name)
        else f"hf download {name} fetches it, where there is a network; a folder is named ./{name}",
    )


def _hub_cache(variables: Mapping[str, str]) -> Path:
    """Where huggingface_hub keeps what it has fetched (docs: huggingface_hub, "Environment variables")."""
    home = Path(variables.get("HOME") or Path.home())
    caches = Path(variables.get("XDG_CACHE_HOME") or home / ".cache")
    hub = variables.get("HF_HOME") or caches / "huggingface"
    return Path(variables.get("HF_HUB_CACHE") or Path(hub) / "hub").expanduser()
