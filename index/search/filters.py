"""Which files are looked at: by path, kind and age. Knows the store's list of files, not what is in them."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import PurePath

from ockit.index.search.options import SearchOptions
from ockit.index.store.index_store import IndexStore


def accepted_files(store: IndexStore, options: SearchOptions) -> list[int] | None:
    """The ids of the files that pass, None where nothing is left out. Raises StoreError."""
    if not options.paths and not options.types and options.since is None:
        return None
    types = frozenset(kind.lower().lstrip(".") for kind in options.types)
    facts = store.facts
    roots = facts.roots if facts.kind == "files" else ()
    opened = [one for pattern in options.paths for one in _as_opened(pattern, options.cwd)]
    since_ns = None if options.since is None else int(options.since * 1e9)

    def accepts(root: int, path: str) -> bool:
        if any(path_fits(path, pattern) for pattern in options.paths):
            return True
        if root >= len(roots):
            return False
        file = str(PurePath(roots[root]) / path)
        return any(one.fullmatch(file) for one in opened)

    of_path = accepts if options.paths else None
    if not types:
        return store.file_ids(accepts=of_path, since_ns=since_ns)
    by_kind = set(store.file_ids(accepts=of_path, kinds=types, since_ns=since_ns))

    def has_extension(root: int, path: str) -> bool:
        return path.rsplit(".", 1)[-1].lower() in types and (of_path is None or of_path(root, path))

    return sorted(by_kind.union(store.file_ids(accepts=has_extension, since_ns=since_ns)))


def path_fits(path: str, pattern: str) -> bool:
    """Whether a path below an index's folder fits a pattern: ``*`` and ``?`` stay within a folder's name, ``**`` does
    not, ``[...]`` is a choice. A pattern without ``/`` may fit the name of the file or of any folder above it; one
    that names a folder fits all that is in it."""
    return _compiled(pattern.removeprefix("./")).fullmatch(path) is not None


def an_indexed_path(store: IndexStore) -> str | None:
    """The path of some file that can be searched, for a message. Raises StoreError."""
    seen: list[str] = []

    def note(root: int, path: str) -> bool:
        seen.append(path)
        return False

    store.file_ids(accepts=note)
    return seen[0] if seen else None


@lru_cache(256)
def _as_opened(pattern: str, cwd: str) -> tuple[re.Pattern[str], ...]:
    """What fits the absolute paths that are meant where a pattern, or the very name of a file, is seen from a folder;
    none where that folder is not known."""
    if not cwd or not pattern:
        return ()
    parts = PurePath(pattern).parts
    plain = next((at for at, part in enumerate(parts) if re.search(r"[*?\[]", part)), len(parts))
    folder = re.escape(os.path.realpath(os.path.join(cwd, *parts[:plain])))
    rest = "".join("/" + _translated(part) for part in parts[plain:]).replace("/.*/", "/(?:.*/)?")
    named = re.escape(os.path.realpath(os.path.join(cwd, pattern)))
    return tuple(re.compile(one + "(?:/.*)?", re.DOTALL) for one in dict.fromkeys((folder + rest, named)))


@lru_cache(256)
def _compiled(pattern: str) -> re.Pattern[str]:
    anchored = "/" in pattern.rstrip("/")
    body = _translated(pattern.strip("/"))
    return re.compile(("" if anchored else "(?:.*/)?") + body + "(?:/.*)?", re.DOTALL)


def _translated(pattern: str) -> str:
    found = []
    at = 0
    while at < len(pattern):
        sign = pattern[at]
        if pattern.startswith("**/", at):
            found.append("(?:.*/)?")
            at += 3
            continue
        if pattern.startswith("**", at):
            found.append(".*")
            at += 2
            continue
        negated = pattern.startswith("[!", at)
        end = (
            pattern.find("]", at + 2 + negated) if sign == "[" else -1
        )  # a ] that comes first is one of the choice
        if end > 0:
            found.append(_choice(pattern[at + 1 + negated : end], negated))
            at = end
        else:
            found.append({"*": "[^/]*", "?": "[^/]"}.get(sign, re.escape(sign)))
        at += 1
    return "".join(found)


def _choice(inside: str, negated: bool) -> str:
    """What stands in brackets, for one character of a name; a range from behind to before holds none."""
    wanted, at = "", 0
    while at < len(inside):
        first = last = inside[at]
        if inside[at + 1 : at + 2] == "-" and at + 2 < len(inside):
            last, at = inside[at + 2], at + 2
        at += 1
        if first <= last:
            wanted += f"{re.escape(first)}-{re.escape(last)}"
    if not wanted:
        return "[^/]" if negated else "(?!)"
    return f"(?!/)[{'^' if negated else ''}{wanted}]"


def described(options: SearchOptions) -> Sequence[str]:
    """The filters as they were typed, for a message."""
    return [*(f"--path {path}" for path in options.paths), *(f"--type {kind}" for kind in options.types)] + (
        ["--since"] if options.since is not None else []
    )
