"""The entries of a directory that begin with what was typed, within a bounded time.

Knows directories; does not know what is completed. A directory that does not answer (a network drive whose server is
gone) holds a thread of its own, never the caller, and is not asked again before it has answered.
"""

from __future__ import annotations

import heapq
import os
import stat
import threading
from collections.abc import Callable, Iterator
from itertools import islice

from ockit.text import one_line

MOST = 200
_LOOKED_AT = 100_000
_SECONDS = 0.5
_HANGING = 4


def entries(directory: str, prefix: str) -> list[str]:
    """At most 200 names in `directory` that begin with `prefix`, sorted; directories end with a slash.

    Hidden ones only where the prefix begins with a dot. Names that a terminal cannot show as they are (control
    characters, bytes that are no UTF-8, characters that reorder or hide text) are left out, for they could not be
    typed either. Nothing where the directory is missing or unreadable: then there is nothing to complete.
    """
    try:
        with os.scandir(directory) as found:
            return [_with_slash(entry) for entry in heapq.nsmallest(MOST, _fitting(found, prefix), key=_name)]
    except (OSError, ValueError):  # a null character is a ValueError
        return []


def _fitting(found: Iterator[os.DirEntry[str]], prefix: str) -> Iterator[os.DirEntry[str]]:
    for entry in islice(found, _LOOKED_AT):
        name = entry.name
        if name.startswith(prefix) and (prefix or not name.startswith(".")) and one_line(name) == name:
            yield entry


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def _with_slash(entry: os.DirEntry[str]) -> str:
    return f"{entry.name}/" if _is_directory(entry) else entry.name


def _is_directory(entry: os.DirEntry[str]) -> bool:
    if not entry.is_symlink():
        return entry.is_dir()
    try:
        return stat.S_ISDIR(os.stat(entry.path).st_mode)
    except OSError:  # a link that leads nowhere is completed as the name it is
        return False


class Listing:
    """Asks directories, each in a thread that may hang."""

    def __init__(self, ask: Callable[[str, str], list[str]] = entries, seconds: float = _SECONDS) -> None:
        self._ask = ask
        self._seconds = seconds
        self._hanging: dict[str, threading.Thread] = {}

    def __call__(self, directory: str, prefix: str) -> list[str]:
        """What `entries` gives; nothing where that takes longer than half a second, or hangs since an earlier call.

        More than four directories that hang at once are not added to: then everything gives nothing.
        """
        self._hanging = {name: thread for name, thread in self._hanging.items() if thread.is_alive()}
        if directory in self._hanging or len(self._hanging) >= _HANGING:
            return []
        found: list[str] = []
        # a daemon: at the end of the chat nobody waits for it
        thread = threading.Thread(target=lambda: found.extend(self._ask(directory, prefix)), daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the system has no more of them
            return []
        thread.join(self._seconds)
        if thread.is_alive():
            self._hanging[directory] = thread
            return []
        return found
