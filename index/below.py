"""Opening what lies below a folder, by no way out of it. Knows no format and no rules.

Every part of a path is opened from the one above it and may be no symbolic link: where a folder was swapped for a link
between the look at it and the opening there is an error, not a file from elsewhere. The folder itself may be a link.
"""

from __future__ import annotations

import errno
import os

_ON_THE_WAY = os.O_DIRECTORY | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)
"""Linux passes through folders that may be searched but not listed; elsewhere they must be readable."""


def open_below(root: str, path: str, flags: int) -> int:
    """A descriptor of a file or folder, to be closed by the caller.

    Args:
        root: a folder, absolute.
        path: relative to it; empty for the folder itself.
        flags: as of `os.open`; `os.O_NOFOLLOW` and `os.O_CLOEXEC` come on top.

    Raises:
        OSError: as `os.open`; NotADirectoryError (on some systems ELOOP) where a link is in the way;
            FileNotFoundError where the path leads upwards.
    """
    parts = [part for part in path.split("/") if part]
    if ".." in parts or path.startswith("/"):
        raise FileNotFoundError(errno.ENOENT, "it does not lie below the folder", path)
    if not parts:
        return os.open(root, flags | os.O_CLOEXEC)
    folder = os.open(root, _ON_THE_WAY)
    try:
        for part in parts[:-1]:
            inner = os.open(part, _ON_THE_WAY | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        return os.open(parts[-1], flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    finally:
        os.close(folder)
