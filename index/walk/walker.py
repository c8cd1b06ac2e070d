"""The files below some folders, without those that rules leave out. Opens nothing but ignore files.

Symbolic links are not followed (``link``): what lies inside of a root is found under its own name, and nothing outside
of it was asked for. A PATH that is a link itself is. Names are the system's own, with what is no UTF-8 as surrogates.
Where an ignore file cannot be read, nobody knows what it leaves out, so nothing below its folder is looked at.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ockit.index.below import open_below
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
        stopped: asked for each entry, also where none is given out for long; True ends the walk.

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
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._roots = roots
        self._own = frozenset(own)
        self._stopped = stopped
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
            if self._roots[number] not in self._reached and not self._stopped():
                yield from self._folder(number, inner)
        for full, (number, path) in files.items():
            if full not in self._reached and not self._stopped():
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
        try:
            waiting = [("", rules_above(Path(top)))]
        except OSError as error:
            self._unseen(root, "", error)
            return
        seen: set[tuple[int, int]] = set()  # a folder that is mounted into itself is entered once
        while waiting and not self._stopped():
            base, held = waiting.pop()
            folder = self._opened(root, base)
            if folder is None:
                continue
            try:
                entries = self._listed(root, base, folder, seen)
                names = {entry.name for entry in entries}
                if base and marked_as_generated(names):
                    self.skipped["generated"] += 1
                    continue
                own = self._with_own(root, base, names, held, folder)
                if own is None:
                    continue
                folders: list[str] = []
                yield from self._entries(root, base, entries, own, rules, inner, folders)
                waiting += [(path, own) for path in reversed(folders)]
            finally:
                os.close(folder)

    def _entries(
        self,
        root: int,
        base: str,
        entries: Sequence[os.DirEntry[str]],
        held: tuple[Rules, ...],
        rules: _Choice,
        inner: set[str],
        folders: list[str],
    ) -> Iterator[Found]:
        """The files among what lies in a folder, which is open; to `folders` come those that are to be entered."""
        names = {entry.name for entry in entries}
        for entry in entries:
            if self._stopped():
                return
            path = base + entry.name
            try:
                is_folder = entry.is_dir(follow_symlinks=False)
                why = rules.folder(path, entry, names, held) if is_folder else rules.file(path, entry, held)
                full = os.path.join(self._roots[root], path) if inner or is_folder else ""
                if is_folder and full in self._own:
                    why = "own"
                if why is not None:
                    self.skipped[why] += 1
                    continue
                if inner:
                    self._reached.add(full)
                if is_folder:
                    folders.append(path + "/")
                    continue
                found = entry.stat(follow_symlinks=False)
            except FileNotFoundError:  # gone since the folder was listed
                continue
            except OSError as error:
                self._unseen(root, path, error)
                continue
            yield Found(root, path, found.st_size, found.st_mtime_ns, found.st_ino, found.st_ctime_ns)

    def _opened(self, root: int, base: str) -> int | None:
        """A descriptor of a folder; None where it cannot be looked at."""
        try:
            os.lstat(os.path.join(self._roots[root], base))  # nobody could open a file whose path is too long
            return open_below(self._roots[root], base, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            # a folder may go while it is walked, and a link may come in its place
            if not base or not isinstance(error, FileNotFoundError | NotADirectoryError):
                self._unseen(root, base.rstrip("/"), error)
            return None

    def _listed(
        self, root: int, base: str, folder: int, seen: set[tuple[int, int]]
    ) -> list[os.DirEntry[str]]:
        """What lies in a folder, by name; nothing where that cannot be known, or is already."""
        try:
            status = os.fstat(folder)
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            self._unseen(root, base.rstrip("/"), error)
            return []
        place = (status.st_dev, status.st_ino)
        if place in seen:
            self.skipped["link"] += 1
            return []
        seen.add(place)
        return entries

    def _with_own(
        self, root: int, base: str, names: set[str], held: tuple[Rules, ...], folder: int
    ) -> tuple[Rules, ...] | None:
        """The rules that hold in a folder, its own behind those from above; None where they cannot be known."""
        for name in IGNORE_FILES:
            if name in names:
                try:
                    own = rules_in(base, name, base, at=folder)
                except OSError as error:
                    said = OSError(error.errno, f"{name} in it: {error.strerror or error}")
                    self._unseen(root, base.rstrip("/"), said)
                    return None
                if own is not None:
                    held = (*held, own)
        return held

    def _unseen(self, root: int, path: str, error: OSError) -> None:
        denied = isinstance(error, PermissionError)
        what = error.strerror or str(error)
        self.unlisted.append(Unlisted(root, path, what[:1].lower() + what[1:], denied))


class _Choice:
    """Which entries of a folder are taken."""

    def __init__(self, include: Sequence[str], exclude: Sequence[str]) -> None:
        self._exclude = rules_of(exclude) if exclude else None
        self._include = rules_of(include, whole=True) if include else None

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
        if self._include is not None and not self._include.verdict(path):
            return "excluded"
        if entry.is_file(follow_symlinks=False):
            return None
        return "link" if entry.is_symlink() else "special"
