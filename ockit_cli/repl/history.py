"""What was typed in earlier chats: one JSON string a line, so that an entry may have many lines and no byte of it can
be mistaken for the border between two.

Knows the file; what prompt_toolkit does with the entries (the arrow keys, Ctrl-R) it knows itself. A history that
cannot be read or written never stops a chat: that is said once, and the chat remembers for itself.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from prompt_toolkit.history import History

from ockit.environment import Directories
from ockit.errors import OckitError, StoreError, UsageError
from ockit.files import explained, lock, private_dir, write_atomic
from ockit.repl.pastes import clean

FILE_NAME = "history"
READ_BYTES = 2 << 20
READ_ENTRIES = 5_000
COMPACT_BYTES = 4 << 20
LONGEST_ENTRY_BYTES = 64 << 10
_HELD_CHARACTERS = 16 << 20
_LOCK_S = 1.0


class ChatHistory(History):
    """The history of one chat: the entries of all earlier ones, and its own.

    `warn` is called with one sentence when the file cannot be read (once) and when it cannot be written (once).
    Entries over 64 KiB are remembered by this chat only; the same entry twice in a row is one. With `memory_only`
    no file is read or written. `expand` gives what is saved of an entry, where that is more than this chat shows
    (`Pastes.expand`: a placeholder says nothing to the next chat).
    """

    def __init__(
        self,
        directories: Directories,
        warn: Callable[[str], None],
        memory_only: bool = False,
        expand: Callable[[str], str] = str,
    ) -> None:
        super().__init__()
        self._path = directories.state / FILE_NAME
        self._warn = warn
        self._memory_only = memory_only
        self._expand = expand
        self._to_mend = False
        self._warned_of_writing = False
        self._lock_s = _LOCK_S

    def load_history_strings(self) -> Iterable[str]:
        """The newest 5,000 entries of the last 2 MiB of the file, the newest first."""
        if self._memory_only:
            return []
        try:
            found = _read(self._path)
            if found.damaged or found.cut:  # or another chat was just writing there
                with ExitStack() as held:
                    with suppress(OckitError):  # where nothing can be written, nobody writes
                        self._take_lock(held)
                    found = _read(self._path)
        except FileNotFoundError:
            return []
        except (OSError, OckitError) as error:
            self._warn(f"earlier input cannot be read: {_reason(error, self._path, 'read the history')}")
            return []
        self._to_mend = bool(found.damaged or found.cut)
        if found.damaged:
            self._warn(
                f"{found.damaged:,} damaged line{'s' * (found.damaged > 1)} of the history left out; "
                f"the file is put aside as {FILE_NAME}.damaged when the next line is saved ({self._path})"
            )
        return found.entries

    def append_string(self, string: str) -> None:
        """Remember an entry, and save it."""
        if not self._loaded:  # what is loaded later would take the place of this entry
            self._loaded_strings = list(self.load_history_strings())
            self._loaded = True
        if not string or self._loaded_strings[:1] == [string]:
            return
        self._loaded_strings.insert(0, string)
        del self._loaded_strings[READ_ENTRIES:]
        while sum(map(len, self._loaded_strings)) > _HELD_CHARACTERS and len(self._loaded_strings) > 1:
            self._loaded_strings.pop()
        self.store_string(string)

    def store_string(self, string: str) -> None:
        """Save an entry at the end of the file; where that fails, the first failure is told."""
        line = _line(self._expand(string))
        if self._memory_only or len(line) > LONGEST_ENTRY_BYTES:
            return
        try:
            private_dir(self._path.parent)
            with ExitStack() as held:
                alone = self._take_lock(held)
                if alone and self._to_mend:
                    self._mend()
                if _append(self._path, line) > COMPACT_BYTES and alone:
                    _rewrite(self._path, _read(self._path))
        except (OSError, OckitError) as error:
            if not self._warned_of_writing:
                self._warned_of_writing = True
                reason = _reason(error, self._path, "save the history")
                self._warn(f"what is typed from here on is not saved for later chats: {reason}")

    def _take_lock(self, held: ExitStack) -> bool:
        """Keep other chats from replacing the file under us; False where another holds the lock.

        Appending is one write and safe without the lock; so a chat that is stopped while it holds it costs the others
        one second in all, not one at every line.
        """
        try:
            held.enter_context(lock(self._path.with_name(f"{FILE_NAME}.lock"), self._lock_s))
        except StoreError as error:
            if error.__cause__ is not None:  # not "held by another", but the system's
                raise
            self._lock_s = 0.0
            return False
        return True

    def _mend(self) -> None:
        """Begin a new file with what can be read of the old one; that stays beside it where a line is damaged."""
        found = _read(self._path)
        if found.damaged:  # another chat may have done it
            target = Path(os.path.realpath(self._path))
            os.replace(target, target.with_name(f"{target.name}.damaged"))
            _rewrite(target, found)
        elif found.cut:
            _rewrite(self._path, found)
        self._to_mend = False


@dataclass(frozen=True)
class _Found:
    entries: list[str]
    """The newest first."""
    damaged: int
    """Lines that are none of ours."""
    cut: bool
    """Whether the last line has no end: a chat was killed, or is still writing it."""


def _line(entry: str) -> bytes:
    try:
        return json.dumps(entry, ensure_ascii=False).encode("utf-8") + b"\n"
    except UnicodeEncodeError:  # lone surrogates
        return json.dumps(entry).encode("ascii") + b"\n"


def _rewrite(path: Path, found: _Found) -> None:
    write_atomic(path, b"".join(map(_line, reversed(found.entries))))


def _read(path: Path) -> _Found:
    """The end of a history file. Raises OSError, and UsageError where the path is no regular file."""
    descriptor = os.open(
        path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
    )  # a pipe in its place must not block
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        _require_regular(found, path)
        if found.st_size > READ_BYTES:
            file.seek(found.st_size - READ_BYTES - 1)
            data = file.read(READ_BYTES + 1).partition(b"\n")[2]  # the first line is cut, or just ended
        else:
            data = file.read(READ_BYTES)
    entries: list[str] = []
    damaged = 0
    *lines, last = data.split(b"\n")
    cut = bool(last.strip())
    if cut and _entry(last) is None:
        last = _without_cut_end(last)
    for line in reversed([*lines, last]):
        if not line.strip():
            continue
        entry = _entry(line)
        if entry is None:
            damaged += 1
        elif entry and entries[-1:] != [entry]:
            entries.append(entry)
            if len(entries) == READ_ENTRIES:
                break
    return _Found(entries, damaged, cut)


def _without_cut_end(line: bytes) -> bytes:
    """The whole characters of a line whose write was cut, as a line; itself where it is no line of ours.

    A kill can cut a write at any page of memory, so in the middle of a character or of an escape, which takes no more
    than the 12 bytes of a surrogate pair.
    """
    whole = (line[: len(line) - less] + b'"' for less in range(min(12, len(line))))
    return next((start for start in whole if _entry(start) is not None), line)


def _entry(line: bytes) -> str | None:
    """The entry of a line, without control characters that somebody may have put there; None where it is damaged."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        return None
    return clean(value)[0] if isinstance(value, str) else None


def _append(path: Path, line: bytes) -> int:
    """Write a line at the end, in one write; gives the size of the file. Raises OSError, UsageError."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
    while True:
        descriptor = os.open(path, flags, 0o600)
        try:
            size = _append_to(descriptor, line, path)
            if _is_at(
                path, descriptor
            ):  # else a chat that holds the lock has replaced the file under one without it
                return size
        finally:
            os.close(descriptor)


def _append_to(descriptor: int, line: bytes, path: Path) -> int:
    found = os.fstat(descriptor)
    _require_regular(found, path)
    size = found.st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":  # the last write was cut
        line = b"\n" + line
    written = os.write(descriptor, line)
    if written < len(line):
        try:
            os.write(descriptor, line[written:])  # tells why there was no room
        except OSError:
            if os.fstat(descriptor).st_size == size + written:  # a cut line would be damage at the next start
                os.ftruncate(descriptor, size)
            raise
    return size + len(line)


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _require_regular(found: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise UsageError("the history is not a file", where=str(path), hint=f"move {path} away")


def _reason(error: OSError | OckitError, path: Path, doing: str) -> str:
    known = explained(error, path, doing) if isinstance(error, OSError) else error
    return f"{known}; {known.hint}" if known.hint else str(known)
