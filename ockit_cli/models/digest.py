"""The identity of a model's content: sha256 over its files in order, and their size and date."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from ockit.errors import ModelFileError, NotFound

CHUNK = 1 << 20

_HINT = "ls -l shows what is there and who may read it"

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in total."""


def stamp(parts: Sequence[Path]) -> tuple[int, int]:
    """Bytes of all files, and the first one's modification time in nanoseconds.

    Raises:
        NotFound: a file is gone.
        ModelFileError: a file cannot be looked at.
    """
    try:
        found = [os.stat(part) for part in parts]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound("no such file", where=str(error.filename), hint="ockit models list") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ModelFileError(f"the file cannot be read: {reason}", where=str(parts[0]), hint=_HINT) from error
    return sum(status.st_size for status in found), found[0].st_mtime_ns


def sha256_of(parts: Sequence[Path], progress: Progress | None = None) -> str:
    """Hex digest of the files' bytes, one after the other.

    Raises:
        NotFound, ModelFileError: a file is gone, cannot be read, or changes while it is read.
    """
    import hashlib

    before = stamp(parts)
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(CHUNK))
    done = 0
    for part in parts:
        try:
            with open(part, "rb", buffering=0) as file:
                while n := file.readinto(buffer):
                    digest.update(buffer[:n])
                    done += n
                    if progress is not None:
                        progress(done, before[0])
        except OSError as error:
            raise ModelFileError(
                f"the file cannot be read: {error.strerror}", where=str(part), hint=_HINT
            ) from error
    if stamp(parts) != before or done != before[0]:
        raise ModelFileError(
            "the file changed while it was read",
            where=str(parts[0]),
            hint="wait until its download is done, then try again",
        )
    return digest.hexdigest()
