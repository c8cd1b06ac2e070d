"""Files that are whole or not there: atomic writes, private directories, locks, bounded reads.

Knows paths and the errors of the system, and turns each of them into an OckitError that names the path and says
what to do; knows nothing of what is in the files, but whether it is text. Everything is made for its owner alone
(0700, 0600).
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ockit.errors import NotFound, OckitError, StoreError, UsageError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_LOCK_POLL_S = 0.02


def explained(error: OSError, path: Path, doing: str) -> OckitError:
    """What an error of the system means for a path; `doing` completes "cannot ...", such as "write the file"."""
    where = str(path)
    if error.errno in _FULL:
        free = free_space(path) / 2**20
        reason = {
            errno.EDQUOT: "the quota is used up",
            errno.EFBIG: "it would be larger than files may be here",
        }
        return StoreError(
            f"cannot {doing}: {reason.get(error.errno, 'the disk is full')} ({free:.1f} MiB free)",
            where=where,
            hint="make room, or move ockit's files to another disk with OCKIT_HOME=DIRECTORY",
        )
    if isinstance(error, FileNotFoundError):
        return NotFound(
            f"cannot {doing}: there is no such file or directory", where=where, hint="check the path"
        )
    if isinstance(error, IsADirectoryError):
        return UsageError(f"cannot {doing}: this is a directory", where=where, hint="name a file")
    if isinstance(error, NotADirectoryError | FileExistsError):
        return StoreError(
            f"cannot {doing}: a part of the path is a file, not a directory",
            where=where,
            hint="set OCKIT_HOME to a directory, or move that file away",
        )
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return StoreError(
            f"cannot {doing}: {(error.strerror or 'not permitted').lower()}",
            where=where,
            hint=f"ls -ld {where} shows whose it is; OCKIT_HOME=DIRECTORY moves ockit's own files",
        )
    return StoreError(
        f"cannot {doing}: {error.strerror or error}", where=where, hint="ockit dirs shows the places"
    )


def free_space(path: Path) -> int:
    """Bytes that this user may still write where `path` is or will be; 0 where nothing of it can be reached."""
    for place in (path, *path.absolute().parents):
        try:
            found = os.statvfs(place)
        except OSError:  # not there yet, or below a file: the nearest directory above answers
            continue
        return found.f_bavail * found.f_frsize
    return 0


def private_dir(path: Path) -> Path:
    """Make a directory, and those above it that are missing, for their owner alone (0700).

    A directory that exists keeps its permissions: whoever made it chose them. Raises OckitError.
    """
    try:
        for place in (*reversed(path.absolute().parents), path.absolute()):
            if not place.is_dir():
                place.mkdir(mode=0o700, exist_ok=True)
    except FileNotFoundError as error:  # what was to be made cannot be "not found"
        raise StoreError(
            "cannot make the directory: nothing can be made where it should lie",
            where=str(path),
            hint="set OCKIT_HOME to a directory that can be written",
        ) from error
    except OSError as error:
        raise explained(error, path, "make the directory") from error
    return path


def write_atomic(path: Path, data: bytes | str, mode: int = 0o600) -> None:
    """Write a file so that, whatever happens, either the old or the new content is there, never a part.

    Text is UTF-8. The directory is made where it is missing; a symbolic link stays one, its target is replaced.
    The data and the directory are on the disk when this returns. Raises OckitError; the old file then stays.
    """
    target = Path(os.path.realpath(path))
    private_dir(target.parent)
    part = target.with_name(f".{target.name[:100]}.{os.getpid()}.{time.monotonic_ns()}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data.encode("utf-8") if isinstance(data, str) else data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        _sync_directory(target.parent)
    except OSError as error:
        raise explained(error, path, "write the file") from error


def put_in_place(part: Path, target: Path) -> None:
    """Give a file that is complete its final name; data and name are on the disk when this returns.

    Raises OckitError; the file then keeps the name it has, and what `target` was stays.
    """
    try:
        with part.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(part, target)
        _sync_directory(target.parent)
    except OSError as error:
        raise explained(error, target, "write the file") from error


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_limited(path: Path, limit: int) -> bytes:
    """The whole of a file of at most `limit` bytes. Raises OckitError: missing, unreadable, larger."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise explained(error, path, "read the file") from error
    if len(data) > limit:
        raise UsageError(
            f"the file is larger than the {limit / 2**20:.1f} MiB that are read of its kind",
            where=str(path),
            hint="name a smaller file",
        )
    return data


def read_text(path: Path, limit: int) -> str:
    """As `read_limited`, of a file that is UTF-8; a byte order mark is dropped. Raises UsageError with the line where
    it is not."""
    data = read_limited(path, limit)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(
            "this line is not UTF-8", where=f"{path}:{line}", hint="save the file as UTF-8"
        ) from error


@contextmanager
def lock(path: Path, timeout: float = 10.0, *, held: str | None = None) -> Iterator[None]:
    """Hold the lock that the file `path` stands for (made where missing), against other processes and threads.

    The system drops the lock when its holder dies. `timeout` is in seconds. Raises StoreError once it is over;
    `held` says what it means that another holds it.
    """
    import fcntl

    private_dir(path.parent)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise explained(error, path, "open the lock") from error
    try:
        deadline = time.monotonic() + timeout
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise StoreError(
                        held or f"another ockit has held this lock for more than {timeout:g} s",
                        where=str(path),
                        hint="wait for the other ockit, or end it",
                    ) from None
                time.sleep(_LOCK_POLL_S)
            except OSError as error:
                raise explained(error, path, "take the lock") from error
        yield
    finally:
        os.close(descriptor)
