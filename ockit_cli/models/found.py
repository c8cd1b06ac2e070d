"""GGUF files that other programs have on this machine: Ollama, LM Studio, the Hugging Face hub, llama.cpp.

Looks into their caches, in bounds (depth, entries, files), never outside of them, and changes nothing. What cannot
be read is reported and passed over. Sources of the layouts: each program's documentation; see the functions.
"""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ockit.errors import OckitError
from ockit.models.draft import suggested_name
from ockit.models.facts import FactBook, Facts
from ockit.models.locate import same_file
from ockit.models.names import clean_name
from ockit.models.ollama import Manifests
from ockit.models.parts import part_number, split_stem

MAX_DEPTH = 10
MAX_ENTRIES = 50_000
MAX_FILES = 2_000
SKIPPED = ("blobs", "datasets--", "spaces--", ".locks", ".no_exist")
"""Beginnings of directories of the hub's cache that hold no model under its own name."""


@dataclass(frozen=True)
class Found:
    """A file in a cache.

    Attributes:
        name: what the other program calls it.
        path: absolute.
        where: the other program.
        facts: None where the file is damaged.
        problem: what is wrong with it, or why it cannot chat; None for a chat model.
        suggested: a name for `ockit models add`.
        added_as: the name under which it was added already.
    """

    name: str
    path: Path
    where: str
    facts: Facts | None = None
    problem: str | None = None
    suggested: str = ""
    added_as: str | None = None

    @property
    def add_line(self) -> str | None:
        """What to type to add it; None for what cannot be added or is there already."""
        if self.problem is not None or self.added_as is not None:
            return None
        name = f" --name {self.suggested}" if self.suggested else ""
        return f"ockit models add {shlex.quote(str(self.path))}{name}"


@dataclass
class Walk:
    """What a walk may still cost, and what went wrong on the way."""

    entries_left: int = MAX_ENTRIES
    files_left: int = MAX_FILES
    problems: list[str] = field(default_factory=list)

    def files(self, root: Path, depth: int = MAX_DEPTH) -> Iterator[Path]:
        """Every file below a directory, in order of names, links to directories not followed."""
        try:
            with os.scandir(root) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            self.problems.append(f"{root}: {error.strerror}")
            return
        for entry in entries:
            self.entries_left -= 1
            if self.entries_left < 0:
                self.stop(f"more than {MAX_ENTRIES} entries: the rest was not looked at")
                return
            try:
                below, file = entry.is_dir(follow_symlinks=False), entry.is_file()
            except OSError as error:
                self.problems.append(f"{entry.path}: {error.strerror}")
                continue
            if below and depth > 0 and not entry.name.startswith(SKIPPED):
                yield from self.files(Path(entry.path), depth - 1)
            elif file:
                yield Path(entry.path)

    def is_there(self, root: Path) -> bool:
        """Whether a directory is there to be walked."""
        try:
            return stat.S_ISDIR(os.stat(root).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except (OSError, ValueError) as error:
            self.problems.append(f"{root}: {getattr(error, 'strerror', None) or error}")
            return False

    def stop(self, why: str) -> None:
        """Note a bound that was reached, once."""
        if why not in self.problems:
            self.problems.append(why)


def places(variables: Mapping[str, str]) -> list[tuple[str, Path]]:
    """Where each program keeps its models, existing or not, by its variables and its defaults."""
    home = Path(variables.get("HOME") or Path.home())
    caches = Path(variables.get("XDG_CACHE_HOME") or home / ".cache")
    hub = variables.get("HF_HUB_CACHE") or variables.get("HUGGINGFACE_HUB_CACHE")
    hub_home = variables.get("HF_HOME") or caches / "huggingface"
    rows = [
        ("Ollama", Path(variables.get("OLLAMA_MODELS") or home / ".ollama" / "models")),
        ("Ollama", Path("/usr/share/ollama/.ollama/models")),  # Ollama as a Linux service
        ("LM Studio", _lm_studio_home(home) / "models"),
        ("LM Studio", home / ".cache" / "lm-studio" / "models"),
        ("Hugging Face", Path(hub or Path(hub_home) / "hub")),
        ("llama.cpp", Path(variables.get("LLAMA_CACHE") or caches / "llama.cpp")),
    ]
    expanded = [(where, _expanded(path, home)) for where, path in rows]
    return list(dict.fromkeys(expanded))


def search(
    variables: Mapping[str, str], book: FactBook, known: Mapping[Path, str]
) -> tuple[list[Found], list[str]]:
    """All model files found, and what could not be looked at.

    Args:
        variables: environment variables.
        book: facts of files.
        known: paths of the models that are there already, with their names.
    """
    walk = Walk()
    seen: dict[str, Found] = {}
    for where, root in places(variables):
        if not walk.is_there(root):
            continue
        for found in _in_place(where, root, walk):
            real = os.path.realpath(found.path)
            if real in seen:
                continue
            if len(seen) >= MAX_FILES:
                walk.stop(f"more than {MAX_FILES} model files: the rest is left out")
                break
            seen[real] = _examined(found, book, known)
    return list(seen.values()), walk.problems


def _in_place(where: str, root: Path, walk: Walk) -> Iterator[Found]:
    if where == "Ollama":
        manifests = Manifests(root)
        for top in manifests.directories():
            for path in walk.files(top):
                for name, blob in manifests.models(path, walk.problems):
                    yield Found(name, blob, where, suggested=clean_name(name.replace(":", "-")))
        return
    for path in walk.files(root):
        if not path.name.lower().endswith(".gguf") or part_number(path)[0] != 1:
            continue
        # a link of a cache leads into the same cache; one that leads elsewhere is none of its models
        if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root)):
            walk.problems.append(f"{path}: a link that leads out of {root}")
            continue
        yield Found(_shown_name(where, root, path), path, where)


def _shown_name(where: str, root: Path, path: Path) -> str:
    """``publisher/repository/file`` without what is the same for all."""
    parts = path.relative_to(root).parts
    stem = split_stem(path.name)
    if where == "Hugging Face" and parts[0].startswith("models--"):
        return f"{parts[0].removeprefix('models--').replace('--', '/')}/{stem}"
    return "/".join((*parts[:-1], stem))


def _examined(found: Found, book: FactBook, known: Mapping[Path, str]) -> Found:
    from ockit.models.kinds import WHAT

    added = next((name for path, name in known.items() if same_file(path, found.path)), None)
    try:
        facts = book.of(found.path)
    except OckitError as error:
        return replace(found, problem=error.what, added_as=added)
    return replace(
        found,
        facts=facts,
        problem=None if facts.kind == "chat" else WHAT[facts.kind],
        suggested=found.suggested or suggested_name(found.path, facts),
        added_as=added,
    )


def _lm_studio_home(home: Path) -> Path:
    """LM Studio's directory: where ``~/.lmstudio-home-pointer`` says, else ``~/.lmstudio``."""
    try:
        with open(home / ".lmstudio-home-pointer", encoding="utf-8") as file:
            said = file.read(4096).strip()
    except (OSError, ValueError):
        said = ""
    return Path(said) if said and "\0" not in said else home / ".lmstudio"


def _expanded(path: Path, home: Path) -> Path:
    return home.joinpath(*path.parts[1:]) if path.parts[:1] == ("~",) else path.absolute()
