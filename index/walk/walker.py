"""The files below some folders, without those that rules leave out. Opens nothing but ignore files.

Symbolic links are not followed (``link``): what lies inside of a root is found under its own name, and nothing outside
of it was asked for. A PATH that is a link itself is. Names are the system's own, with what is no UTF-8 as surrogates.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ockit.index.walk.ignoring import IGNORE_FILES, Rules, ignored, rules_above, rules_in, rules_of
from ockit.index.walk.rules import file_left_out, folder_left_out, is_secret, marked_as_generated


class Found(NamedTuple):
    """A file: the number of its root, its path relative to that, and what `os.stat` says of it."""

    root: int
    path: str
    size: int
    mtime_ns: int
    ino: int
    ctime_ns: int = 0


@dataclass(frozen=True)
class Unlisted:
    """A folder or file that cannot be looked at. What is known of files below it stays as it is.

    Attributes:
        path: relative to the root; empty for the root itself.
        what: the system's words.
        denied: whether it is a matter of permission.
    """

    root: int
    path: str
    what: str
    denied: bool = False


class Walk:
    """One pass over roots. Iterate it; what it left out is complete when the iteration is over.

    A root inside another one is walked once: as part of the outer one where that reaches it, else on its own.

    Args:
        roots: absolute, without symbolic links in them.
        named: files to take by their names, as (number of the root, path relative to it): a root that has such is
            not walked.
        include: patterns of gitignore; where there are any, a file must match one.
        exclude: patterns of gitignore; what matches is left out.
        own: folders, absolute, that are entered by no means: ockit's own files change while they are indexed.

    Attributes:
        skipped: how many entries were left out, by reason: hidden, ignored, secret, generated, excluded, link,
            special (neither a file nor a folder), own. A folder counts as one.
        unlisted: what could not be looked at.
    """

    def __init__(
        self,
        roots: Sequence[str],
        *,
        named: Sequence[tuple[int, str]] = (),
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        own: Collection[str] = (),
    ) -> None:
        self._roots = roots
        self._own = frozenset(own)
        self._named = named
        self._include, self._exclude = tuple(include), tuple(exclude)
        self._reached: set[str] = set()  # roots, and files asked for by name, that an outer root has
        self.skipped: Counter[str] = Counter()
        self.unlisted: list[Unlisted] = []

    def __iter__(self) -> Iterator[Found]:
        alone = {number for number, _ in self._named}
        walked = [number for number in range(len(self._roots)) if number not in alone]
        files = {os.path.join(self._roots[number], path): (number, path) for number, path in self._named}
        inner = {*files, *(self._roots[number] for number in walked)}
        if len(inner) < 2:
            inner = set()  # nothing can overlap
        for number in sorted(walked, key=lambda number: len(self._roots[number])):  # outer ones first
            if self._roots[number] not in self._reached:
                yield from self._folder(number, inner)
        for full, (number, path) in files.items():
            if full not in self._reached:
                yield from self._file(number, path, full)

    def _file(self, root: int, path: str, full: str) -> Iterator[Found]:
        """A file that was asked for by name: no rule holds but that secrets are none of an index's business."""
        try:
            found = os.stat(full, follow_symlinks=False)
        except OSError as error:
            if not os.path.isdir(self._roots[root]):  # its disk is away, rather than the file
                self._unseen(root, "", error)
            elif not isinstance(error, FileNotFoundError):
                self._unseen(root, path, error)
            return
        if is_secret(os.path.basename(path)):
            self.skipped["secret"] += 1
        elif not stat.S_ISREG(found.st_mode):
            self.skipped["special"] += 1
        else:
            yield Found(root, path, found.st_size, found.st_mtime_ns, found.st_ino, found.st_ctime_ns)

    def _folder(self, root: int, inner: set[str]) -> Iterator[Found]:
        top = self._roots[root]
        rules = _Choice(self._include, self._exclude)
        self._reached.add(top)
        waiting = [("", rules_above(Path(top)))]
        seen: set[tuple[int, int]] = set()  # a folder that is mounted into itself is entered once
        while waiting:
            base, held = waiting.pop()
            entries = self._listed(root, base, seen)
            if entries is None:
                continue
            names = {entry.name for entry in entries}
            if base and marked_as_generated(names):
                self.skipped["generated"] += 1
                continue
            held = self._with_own(root, base, names, held)
            folders: list[tuple[str, tuple[Rules, ...]]] = []
            for entry in entries:
                path = base + entry.name
                try:
                    is_folder = entry.is_dir(follow_symlinks=False)
                    why = (
                        rules.folder(path, entry, names, held) if is_folder else rules.file(path, entry, held)
                    )
                    if is_folder and entry.path in self._own:
                        why = "own"
                    if why is not None:
                        self.skipped[why] += 1
                        continue
                    if inner:
                        self._reached.add(entry.path)
                    if is_folder:
                        folders.append((path + "/", held))
                        continue
                    found = entry.stat(follow_symlinks=False)
                except FileNotFoundError:  # gone since the folder was listed
                    continue
                except OSError as error:
                    self._unseen(root, path, error)
                    continue
                yield Found(root, path, found.st_size, found.st_mtime_ns, found.st_ino, found.st_ctime_ns)
            waiting.extend(reversed(folders))

    def _listed(self, root: int, base: str, seen: set[tuple[int, int]]) -> list[os.DirEntry[str]] | None:
        """What lies in a folder, by name; None where that cannot be known, or is already."""
        here = os.path.join(self._roots[root], base)
        try:
            status = os.stat(here)
            with os.scandir(here) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            if not base or not isinstance(error, FileNotFoundError):  # a folder may go while it is walked
                self._unseen(root, base.rstrip("/"), error)
            return None
        folder = (status.st_dev, status.st_ino)
        if folder in seen:
            self.skipped["link"] += 1
            return None
        seen.add(folder)
        return entries

    def _with_own(self, root: int, base: str, names: set[str], held: tuple[Rules, ...]) -> tuple[Rules, ...]:
        """The rules that hold in a folder, its own behind those from above."""
        for name in IGNORE_FILES:
            if name in names:
                try:
                    own = rules_in(os.path.join(self._roots[root], base), name, base)
                except OSError as error:  # what it would leave out is not known: that is worth a word
                    self._unseen(root, base + name, error)
                    continue
                if own is not None:
                    held = (*held, own)
        return held

    def _unseen(self, root: int, path: str, error: OSError) -> None:
        denied = isinstance(error, PermissionError)
        self.unlisted.append(Unlisted(root, path, (error.strerror or str(error)).lower(), denied))


class _Choice:
    """Which entries of a folder are taken."""

    def __init__(self, include: Sequence[str], exclude: Sequence[str]) -> None:
        self._exclude = rules_of(exclude) if exclude else None
        self._include = None
        if include:
            from pathspec import GitIgnoreSpec

            self._include = GitIgnoreSpec.from_lines(include)  # here a folder stands for all that is below it

    def folder(
        self, path: str, entry: os.DirEntry[str], siblings: set[str], held: Sequence[Rules]
    ) -> str | None:
        """Why a folder is left out, or None."""
        why = folder_left_out(entry.name, siblings)
        if why is None and held and ignored(path + "/", held):
            why = "ignored"
        if why is None and self._exclude is not None and self._exclude.verdict(path + "/"):
            why = "excluded"
        return why

    def file(self, path: str, entry: os.DirEntry[str], held: Sequence[Rules]) -> str | None:
        """Why what is no folder is left out, or None."""
        why = file_left_out(entry.name)
        if why is not None:
            return why
        if held and ignored(path, held):
            return "ignored"
        if self._exclude is not None and self._exclude.verdict(path):
            return "excluded"
        if self._include is not None and not self._include.match_file(path):
            return "excluded"
        if entry.is_file(follow_symlinks=False):
            return None
        return "link" if entry.is_symlink() else "special"
