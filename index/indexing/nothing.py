"""What to say where a run finds nothing: in a new index, or where there was something. Stores and removes nothing."""

from __future__ import annotations

import os

from ockit.errors import NotFound
from ockit.index.indexing.comparing import Changes
from ockit.index.indexing.plan import Roots
from ockit.index.indexing.report import Report
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


def refuse_emptied(changes: Changes, roots: Roots, name: str) -> None:
    """Return where no folder is empty of which there were files: it is rather a disk that is not mounted than a
    person's wish. Raises NotFound."""
    emptied = {record.root for record in changes.gone}
    emptied -= {record.root for record in changes.unchanged}
    emptied -= {file.root for file, _ in changes.unread} | {file.root for _, file in changes.moved}
    for number in sorted(emptied):
        folder = roots.folders[number] if number < len(roots.folders) else None
        if folder is not None and not roots.names_in(number) and not os.listdir(folder):
            gone = sum(record.root == number for record in changes.gone)
            raise NotFound(
                f"the folder is empty, but the index {name} has {gone} files of it; nothing changed",
                where=folder,
                hint=f"mount its disk; or, if it is meant to be empty: ockit index --rebuild --name {name}",
            )
