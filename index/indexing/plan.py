"""What is to be indexed, and under which name. Knows paths and the indexes that there are; reads no document."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ockit.environment import Directories
from ockit.errors import NotFound, StoreError, UsageError
from ockit.files import explained
from ockit.index.places import IndexPlace, all_indexes, place_of, slug

if TYPE_CHECKING:
    from ockit.index.store.facts import IndexFacts


@dataclass(frozen=True)
class IndexPlan:
    """What a person asked for.

    Attributes:
        paths: absolute; folders, or files on their own. None: what the index knows already. They are added to what it
            knows; with `rebuild` they take its place.
        include: patterns of gitignore, of which a file must match one; None: as before. An empty one is none.
        exclude: patterns of gitignore for what is left out; None: as before.
        embedder: its name; None: as before, at first the embedded one.
        rebuild: read and embed everything anew.
        dry_run: say what would be done, and do nothing.
    """

    paths: tuple[Path, ...] = ()
    include: tuple[str, ...] | None = None
    exclude: tuple[str, ...] | None = None
    embedder: str | None = None
    rebuild: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class Roots:
    """Folders, without symbolic links in them, and the files of them that were named: such a folder is not walked."""

    folders: tuple[str, ...]
    named: tuple[tuple[int, str], ...] = ()

    def with_more(self, more: Roots) -> Roots:
        """These and others. The numbers of these stay as they are: files are stored under them."""
        whole = {folder: number for number, folder in enumerate(self.folders) if not self.names_in(number)}
        parts = {folder: number for number, folder in enumerate(self.folders) if self.names_in(number)}
        folders, named = list(self.folders), list(self.named)
        for number, folder in enumerate(more.folders):
            wanted, same = more.names_in(number), parts if more.names_in(number) else whole
            if folder not in same:
                same[folder] = len(folders)
                folders.append(folder)
            named += [(same[folder], name) for name in wanted if (same[folder], name) not in named]
        return Roots(tuple(folders), tuple(named))

    @property
    def paths(self) -> list[str]:
        """The folders that are walked, and the files that were named."""
        files = [os.path.join(self.folders[root], name) for root, name in self.named]
        return [folder for number, folder in enumerate(self.folders) if not self.names_in(number)] + files

    def inodes(self) -> tuple[tuple[int, int], ...]:
        """Device and inode of each folder as it is now. Raises OckitError: one cannot be looked at."""
        return tuple((found.st_dev, found.st_ino) for found in map(_looked_at, self.folders))

    def names_in(self, number: int) -> list[str]:
        """The files that were named in a folder; none where all of it was."""
        return [name for root, name in self.named if root == number]


def _looked_at(folder: str) -> os.stat_result:
    try:
        return os.stat(folder)
    except OSError as error:
        raise explained(error, Path(folder), "look at the folder") from error


def roots_of(paths: Sequence[Path]) -> Roots:
    """What PATHs stand for. Raises OckitError: not there, neither file nor folder, not allowed."""
    found = Roots(())
    for path in paths:
        real = os.path.realpath(path)
        try:
            mode = os.stat(real).st_mode
        except OSError as error:
            if isinstance(error, FileNotFoundError):
                raise NotFound(
                    "there is no such file or folder to index", where=str(path), hint="check the path"
                ) from error
            raise explained(error, path, "look at the path") from error
        if stat.S_ISDIR(mode):
            found = found.with_more(Roots((real,)))
        elif stat.S_ISREG(mode):
            folder, name = os.path.split(real)
            found = found.with_more(Roots((folder,), ((0, name),)))
        else:
            raise UsageError(
                "this is neither a file nor a folder", where=str(path), hint="name a folder of documents"
            )
    return found


def rooted_here(name: str, foreign: Roots, here: Roots) -> Roots:
    """The folders of an imported index as they are on this machine: those that were given, in the same order.

    Raises:
        UsageError: none were given, or others than the index has.
    """
    found = ", ".join(foreign.paths)
    if not here.folders:
        raise UsageError(
            f"the index {name} was imported; the paths it is of are those of another machine, and nothing was read",
            where=found,
            hint=f"say where they are here: ockit index --name {name} {' '.join('PATH' for _ in foreign.paths)}",
        )
    kinds = [
        [bool(roots.names_in(number)) for number in range(len(roots.folders))] for roots in (foreign, here)
    ]
    if kinds[0] != kinds[1]:
        raise UsageError(
            f"the index {name} was imported and is of other PATHs: these must be theirs here, in the same order",
            where=found,
            hint=f"to make it anew of others: ockit index --rebuild --name {name} PATH...",
        )
    return here


def patterns(option: str, given: Sequence[str]) -> tuple[str, ...]:
    """Patterns of gitignore, less the empty ones. Raises UsageError for one that can match nothing."""
    from ockit.index.walk.ignoring import rules_of

    found = tuple(filter(None, given))
    for pattern in found:
        if rules_of([pattern]) is None:
            raise UsageError(
                f"{option} {pattern!r} is no pattern that could match a file",
                hint=f"as in .gitignore: {option} '*.md', {option} docs/",
            )
    return found


def default_name(directories: Directories, paths: Sequence[Path]) -> str:
    """The index that the first PATH belongs to already, else a new name made of its folder's.

    Raises OckitError as `roots_of`.
    """
    roots = roots_of(paths[:1])
    wanted = os.path.join(roots.folders[0], *roots.names_in(0))
    taken = set()
    for place in all_indexes(directories):
        taken.add(place.name)
        facts = _facts_of(place)
        if facts is None or facts.kind != "files" or facts.foreign:
            continue
        if wanted in Roots(facts.roots, facts.named).paths:
            return place.name
    base = slug(os.path.basename(wanted) or "root")
    name, number = base, 2
    while name in taken or place_of(directories, name).directory.exists():
        name, number = f"{base}-{number}", number + 1
    return name


def _facts_of(place: IndexPlace) -> IndexFacts | None:
    """What an index is of, though its store be damaged: who names its folder is told so, and gets no second one."""
    from ockit.index.store.facts import IndexFacts
    from ockit.index.store.index_store import IndexStore

    try:
        with IndexStore.open(place) as store:
            return store.facts
    except StoreError:
        try:
            return IndexFacts.from_json(place.facts.read_bytes())
        except (OSError, ValueError):  # nothing is left that says it; it is in nobody's way
            return None


def breadth(roots: Roots, home: Path | None, place: IndexPlace) -> str | None:
    """What somebody is about to index where that is very much, and the index is not of it already."""
    known = _facts_of(place) if place.exists else None
    for number, folder in enumerate(roots.folders):
        if roots.names_in(number) or (known is not None and not known.foreign and folder in known.roots):
            continue
        if folder == os.path.sep:
            return "the whole machine (/)"
        if home is not None and Path(os.path.realpath(home)).is_relative_to(folder):
            return f"your whole home directory ({folder})"
    return None


def place_named(directories: Directories, name: str) -> IndexPlace:
    """The place of an index that must be there. Raises NotFound with the nearest name."""
    from difflib import get_close_matches

    place = place_of(directories, name)
    if not place.exists:
        names = [known.name for known in all_indexes(directories)]
        near = get_close_matches(name, names, 1)
        raise NotFound(
            f"there is no index {name!r}",
            hint=f"the nearest name is {near[0]}"
            if near
            else "ockit indexes list shows those there are"
            if names
            else "ockit index FOLDER",
        )
    return place
