"""What to say where a run finds nothing: in a new index, or where there was something. Stores and removes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from ockit.errors import NotFound
from ockit.index.indexing.comparing import Changes
from ockit.index.indexing.plan import Roots
from ockit.index.indexing.report import Report
from ockit.index.walk.walker import Found
from ockit.text import one_line

_WAYS_OUT = {
    "ignored": "a .gitignore or .ockitignore leaves them out; name the files themselves",
    "excluded": "look at --include and --exclude",
    "hidden": "names with a dot in front are left out; name the files or folders themselves",
    "generated": "what tools build or fetch is left out; name the files themselves",
    "secret": "what holds passwords or keys comes into no index",
    "link": "symbolic links are not followed; name what they lead to",
}


def nothing_to_read(report: Report) -> str:
    """What to tell of a new index that holds nothing: the most frequent reason, and what to do about it."""
    hint = "name a folder with documents in it"
    if report.failed:
        first = report.failed[0]
        why = f"{len(report.failed)} failed; {one_line(first.path)}: {first.what}"
    elif report.skipped:
        counts = sorted(report.skipped.items(), key=lambda one: -one[1])
        why = "left out: " + ", ".join(f"{reason}: {n}" for reason, n in counts)
        hint = _WAYS_OUT.get(counts[0][0], hint)
    else:
        why = "it is empty"
    return f"there is nothing in it that can be read ({why}); {hint}"


class Emptied(NotFound):
    """A folder is empty, and is not the one that was indexed: its disk is away."""


def refuse_emptied(changes: Changes, roots: Roots, name: str, before: Sequence[tuple[int, int]]) -> None:
    """Return where no folder is empty of which there were files, or where it is the one that they were in: then they
    were removed. Another one in its place is rather where a disk would be mounted. Raises Emptied.

    Args:
        before: `IndexFacts.inodes` of the last run.
    """
    emptied = {record.root for record in changes.gone}
    emptied -= {record.root for record in changes.unchanged}
    emptied -= {file.root for file, _ in changes.unread} | {file.root for _, file in changes.moved}
    now = roots.inodes() if emptied else ()
    for number in sorted(emptied):
        folder = roots.folders[number] if number < len(roots.folders) else None
        if folder is None or roots.names_in(number) or os.listdir(folder):
            continue
        if number >= len(before) or before[number] != now[number]:
            gone = sum(record.root == number for record in changes.gone)
            raise Emptied(
                f"the folder is empty, but the index {name} has {gone} files of it; nothing changed",
                where=folder,
                hint=f"mount its disk; or, if it is meant to be empty: ockit index --rebuild --name {name}",
            )


def emptied_since(before: Mapping[str, int], found: Iterable[Found], roots: Roots) -> list[str]:
    """What to tell of an index that is made anew: the folders of which it had files, and has none now.

    Args:
        before: how many files it had of each folder.
    """
    paths = [os.path.join(roots.folders[file.root], file.path) for file in found]
    return [
        f"{one_line(folder)}: nothing to read is there now; the index had {n} {'file' if n == 1 else 'files'} of it"
        for folder, n in before.items()
        if folder in roots.folders and not any(path.startswith(os.path.join(folder, "")) for path in paths)
    ]
