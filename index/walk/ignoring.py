"""Rules of gitignore: one file of them, and all that hold at a folder. Patterns are pathspec's, order and scope git's.

A rule decides on the entry itself, never on what lies above it: the walk asks from the top down and does not enter what
is ignored, so nothing below an ignored folder can be taken back in, as in git. Knows no skipping of its own.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

IGNORE_FILES = (".gitignore", ".ockitignore")
"""Later ones win over earlier ones in the same folder."""

_LARGEST = 1 << 20  # bytes of an ignore file that are read
_LONGEST = 1000  # characters of a pattern
_MOST_STARS = 8  # more of them in one pattern may take for ever to match

# How pathspec ends a pattern that stands for an entry and all below it, and one for a folder and all below it.
_ENTRY_END = "(?:(?P<ps_d>/)|$)"
_FOLDER_END = "(?P<ps_d>/)"


@dataclass(frozen=True)
class Rules:
    """The rules of one file, or of an option.

    Attributes:
        base: the folder below which they hold, as a path relative to the walk's with a ``/`` behind it; empty for the
            walk's own, and for files above it.
        above: what to put in front of a path of the walk where the file stands above it.
    """

    base: str
    above: str
    patterns: tuple[tuple[re.Pattern[str], bool], ...]
    some: re.Pattern[str]

    def verdict(self, path: str) -> bool | None:
        """Whether an entry is left out (True), expressly taken in (False), or nothing is said of it.

        Args:
            path: relative to the walk's folder; a folder's ends with ``/``.
        """
        asked = self.above + path[len(self.base) :]
        if self.some.search(asked) is None:
            return None
        for pattern, ignored in reversed(self.patterns):
            if pattern.search(asked) is not None:
                return ignored
        return None


def rules_of(lines: Sequence[str], base: str = "", above: str = "") -> Rules | None:
    """The rules in lines of the gitignore format; None where there are none. A pattern that is none is passed over."""
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    found: list[tuple[str, bool]] = []
    for line in lines:
        if len(line) > _LONGEST or line.replace("**", "").count("*") > _MOST_STARS:
            continue
        try:
            source, ignored = GitIgnoreSpecPattern.pattern_to_regex(line)
        except ValueError:  # git passes over what it cannot read too
            continue
        if source is not None and ignored is not None:
            found.append((_exact(source), ignored))
    if not found:
        return None
    compiled = tuple((re.compile(source, re.DOTALL), ignored) for source, ignored in found)
    return Rules(
        base, above, compiled, re.compile("|".join(f"(?:{source})" for source, _ in found), re.DOTALL)
    )


def _exact(source: str) -> str:
    """A regular expression of pathspec's that stands for the entry alone, not for what lies below it."""
    if source.endswith(_ENTRY_END):
        return source.removesuffix(_ENTRY_END) + r"/?\Z"
    if source.endswith(_FOLDER_END):
        return source.removesuffix(_FOLDER_END) + r"/\Z"
    return source + "." if source.endswith("/") else source


def rules_in(folder: str, name: str, base: str = "", above: str = "") -> Rules | None:
    """The rules in a file of a folder, or None. Raises OSError."""
    with open(os.path.join(folder, name), "rb") as file:
        data = file.read(_LARGEST)
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    return rules_of(text.replace("\r\n", "\n").split("\n"), base, above)


def rules_above(root: Path) -> tuple[Rules, ...]:
    """What holds at a folder from above: the ignore files up to the top of its repository, and the repository's own
    ``.git/info/exclude``, weakest first. Outside of a repository nothing does."""
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
            if (place / name).is_file() and (rules := rules_in(str(place), name, above=above)) is not None:
                found.append(rules)
    return tuple(found)


def ignored(path: str, rules: Sequence[Rules]) -> bool:
    """Whether an entry is ignored: the last file that says anything of it decides. A folder's path ends with ``/``."""
    for one in reversed(rules):
        verdict = one.verdict(path)
        if verdict is not None:
            return verdict
    return False
