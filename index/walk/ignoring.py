"""Rules of gitignore: one file of them, and all that hold at a folder. Patterns, order and scope are git's.

A rule decides on the entry itself, never on what lies above it: the walk asks from the top down and does not enter what
is ignored, so nothing below an ignored folder can be taken back in, as in git. Knows no skipping of its own.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ockit.index.walk.globs import Glob, glob_of

IGNORE_FILES = (".gitignore", ".ockitignore")
"""Later ones win over earlier ones in the same folder."""

_LARGEST = 1 << 18  # bytes of an ignore file
_MOST = 5000  # patterns in one: each costs every entry below a moment
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY
_ANYWHERE = b"(?:[^/]++/)*?"


@dataclass(frozen=True)
class _Ranked:
    """Patterns in one expression, which says how far behind in their file the last of those stands that match.

    Attributes:
        pattern: a group for each run of patterns that say the same, the last of the file first.
        ranks: the number of each group's run, counted over the whole file; odd ones leave out.
    """

    pattern: re.Pattern[bytes]
    ranks: tuple[int, ...]

    def rank(self, asked: bytes, place: int = 0) -> int:
        found = self.pattern.match(asked, place)
        return 0 if found is None or found.lastindex is None else self.ranks[found.lastindex - 1]


@dataclass(frozen=True)
class Rules:
    """The rules of one file, or of an option.

    Attributes:
        base: the folder below which they hold, as a path relative to the walk's with a ``/`` behind it; empty for the
            walk's own, and for files above it.
        above: what to put in front of a path of the walk where the file stands above it.
        of_names: those that look at the last part of a path.
        of_paths: those that look at all of it.
    """

    base: str
    above: str
    of_names: _Ranked | None
    of_paths: _Ranked | None

    def verdict(self, path: str) -> bool | None:
        """Whether an entry is left out (True), expressly taken in (False), or nothing is said of it.

        Args:
            path: relative to the walk's folder; a folder's ends with ``/``.
        """
        asked = os.fsencode(self.above + path[len(self.base) :])
        rank = 0
        if self.of_names is not None:
            rank = self.of_names.rank(asked, asked.rfind(b"/", 0, -1) + 1)
        if self.of_paths is not None:
            rank = max(rank, self.of_paths.rank(asked))
        return None if not rank else rank % 2 == 1


def rules_of(lines: Iterable[str], base: str = "", above: str = "", *, whole: bool = False) -> Rules | None:
    """The rules in lines of the gitignore format; None where there are none. A pattern that is none is passed over.

    Args:
        whole: a folder that is matched stands for all that is below it, whatever is asked for.
    """
    globs = [glob for line in lines if (glob := glob_of(_bytes(line))) is not None]
    ranks, rank = [], 2  # nothing is said with 0
    for glob in globs:
        rank += rank % 2 != glob.ignored
        ranks.append(rank)
    ranked = list(zip(globs, ranks, strict=True))
    if not ranked:
        return None
    if whole:
        sources = [
            (
                (_ANYWHERE if glob.of_name else b"") + glob.source + (b"/" if glob.folder else rb"(?:/|\Z)"),
                rank,
            )
            for glob, rank in ranked
        ]
        return Rules(base, above, None, _ranked(sources))
    return Rules(
        base,
        above,
        _ranked([(_entry(glob), rank) for glob, rank in ranked if glob.of_name]),
        _ranked([(_entry(glob), rank) for glob, rank in ranked if not glob.of_name]),
    )


def _bytes(line: str) -> bytes:
    return line.encode("utf-8", "surrogateescape")


def _entry(glob: Glob) -> bytes:
    return glob.source + (rb"/\Z" if glob.folder else rb"/?\Z")


def _ranked(sources: Sequence[tuple[bytes, int]]) -> _Ranked | None:
    if not sources:
        return None
    groups: dict[int, list[bytes]] = {}
    for source, rank in reversed(sources):
        groups.setdefault(rank, []).append(source)
    pattern = b"|".join(b"(" + b"|".join(group) + b")" for group in groups.values())
    return _Ranked(re.compile(pattern), tuple(groups))


def rules_in(
    folder: str, name: str, base: str = "", above: str = "", *, at: int | None = None
) -> Rules | None:
    """The rules in a file of a folder; None where it has none, or is no file: as with git, a link is none either.

    Args:
        at: a descriptor of the folder, if there is one.

    Raises:
        OSError: it cannot be read, or holds more than an ignore file may. Then nobody knows what is to be left out.
    """
    place = os.path.join(folder, name) if at is None else name
    try:
        if not stat.S_ISREG(os.stat(place, dir_fd=at, follow_symlinks=False).st_mode):
            return None  # opening it might do something, or wait
        descriptor = os.open(place, _FLAGS, dir_fd=at)
    except FileNotFoundError:
        return None
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        data = file.read(_LARGEST + 1)
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line.strip() and line[0] != "#"]
    if len(data) > _LARGEST or len(lines) > _MOST:
        raise OSError(errno.EFBIG, f"it holds more than {_MOST} patterns or {_LARGEST >> 10} KiB")
    return rules_of(lines, base, above)


def rules_above(root: Path) -> tuple[Rules, ...]:
    """What holds at a folder from above: the ignore files up to the top of its repository, and the repository's own
    ``.git/info/exclude``, weakest first. Outside of a repository nothing does. Raises OSError as `rules_in`."""
    top = next((place for place in (root, *root.parents) if (place / ".git").exists()), None)
    if top is None:
        return ()
    found: list[Rules] = []
    for place in reversed([place for place in (root, *root.parents) if place.is_relative_to(top)]):
        above = "" if place == root else f"{root.relative_to(place)}/"
        names = [os.path.join(".git", "info", "exclude")] if place == top else []
        if place != root:  # the walk reads those of the root itself
            names += IGNORE_FILES
        for name in names:
            try:
                rules = rules_in(str(place), name, above=above)
            except NotADirectoryError:  # a worktree's .git is a file
                continue
            except OSError as error:
                said = (error.strerror or str(error)).lower()
                raise OSError(error.errno, f"{place / name}: {said}") from error
            if rules is not None:
                found.append(rules)
    return tuple(found)


def ignored(path: str, rules: Sequence[Rules]) -> bool:
    """Whether an entry is ignored: the last file that says anything of it decides. A folder's path ends with ``/``."""
    for one in reversed(rules):
        verdict = one.verdict(path)
        if verdict is not None:
            return verdict
    return False
