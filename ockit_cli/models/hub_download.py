"""One file of a hub onto the disk: resumed where it broke off, checked, and under its final name only when whole.

A file on its way is ``NAME.KEY.part`` beside its place; KEY comes from the content's digest (the commit, where the
hub gives none), so a file that has changed on the hub since begins anew. The caller holds a lock. Knows no model.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from io import FileIO
from pathlib import Path

from ockit.errors import HubError, OckitError, StoreError
from ockit.files import explained, free_space, private_dir, put_in_place
from ockit.models.figures import size_text
from ockit.models.hub import Busy, Hub, Listing
from ockit.models.hub_files import RemoteFile

SPARE = 64 << 20
"""Bytes of the disk that are left alone."""

BARREN_TRIES = 5
"""How often in a row the way may break without a byte more than before."""

MAX_TRIES = 200
_CHUNK = 1 << 20

Progress = Callable[[str, int, int], None]
"""Called with what is being done (``checking``, ``fetching``, ``waiting``), bytes done and bytes in total."""


class Download:
    """One file of a repository and its place on the disk.

    Args:
        check: looks at the file before it gets its name; raises OckitError where it must not.
        known: the content's sha256, where the caller knows it from elsewhere; else the hub's is taken.
    """

    def __init__(
        self,
        hub: Hub,
        listing: Listing,
        file: RemoteFile,
        target: Path,
        *,
        known: str | None = None,
        check: Callable[[Path], object] = lambda path: None,
    ) -> None:
        self.target = target
        self._hub = hub
        self._listing = listing
        self._file = file
        self._sha256 = known or file.sha256
        self._size = file.size
        self._check = check
        self.part = target.with_name(f"{target.name}.{(self._sha256 or listing.commit)[:12]}.part")
        self._digest = hashlib.sha256()
        self._done = 0

    def missing(self) -> int:
        """Bytes that have still to be fetched; 0 where the hub does not say how large the file is."""
        return max(0, (self._size or 0) - _size_of(self.part))

    def is_there(self, progress: Progress) -> bool:
        """Whether the file is in its place already, with this very content (it is read whole to know)."""
        if self._sha256 is None or self._size is None or _size_of(self.target) != self._size:
            return False
        return _hashed(self.target, progress).hexdigest() == self._sha256

    def run(self, progress: Progress) -> str:
        """Fetch what is missing; gives the sha256 of the file, which is then in its place.

        Raises:
            HubError: the hub fails for good, or sent another content than it promised. What was fetched is kept in
                the first case and removed in the second.
            StoreError: the disk is full or fails; what was fetched is kept.
            OckitError: from ``check``; what was fetched is removed.
        """
        private_dir(self.target.parent)
        self._forget_other_parts()
        check_room(self.target, self.missing())
        try:
            self._begin(progress)
            self._fetch(progress)
        except BaseException:
            if not _size_of(self.part):
                self._discard()
            raise
        found = self._digest.hexdigest()
        if self._sha256 not in (None, found):
            self._discard()
            raise HubError(
                f"what came is not the file that was promised: its sha256 is {found}, not {self._sha256}",
                where=self._file.path,
                hint="it was removed; the same command begins anew",
            )
        try:
            self._check(self.part)
        except OckitError as error:
            self._discard()
            error.where = self._file.path  # what was looked at is gone
            raise
        put_in_place(self.part, self.target)
        return found

    def _begin(self, progress: Progress) -> None:
        """Take up what an earlier run has left."""
        try:
            self.part.touch(mode=0o600)
            if self._size is None or _size_of(self.part) > self._size:
                os.truncate(self.part, 0)
            self._digest = _hashed(self.part, progress)
        except OSError as error:
            raise explained(error, self.part, "write the file") from error
        self._done = _size_of(self.part)

    def _fetch(self, progress: Progress) -> None:
        """Try until the whole file is there."""
        barren, tries, best = 0, 0, self._done
        while self._size is None or self._done < self._size:
            tries += 1
            try:
                self._some(progress)
                if self._done < (self._size or 0):
                    raise Busy(HubError(f"the hub sent less of {self._file.name} than it has"))
            except Busy as busy:
                barren = 0 if self._done > best else barren + 1
                best = max(best, self._done)
                if barren == BARREN_TRIES or tries == MAX_TRIES:
                    raise self._given_up(busy) from busy
                progress("waiting", self._done, self._size or 0)
                self._hub.pause(2.0**barren / 2 if busy.wait is None else busy.wait)

    def _some(self, progress: Progress) -> None:
        """One request: what it brings is appended, hashed and counted."""
        with self._hub.body(self._listing, self._file, self._done) as body:
            total = self._told(body.total)
            try:
                with self.part.open("r+b", buffering=0) as file:
                    if body.start != self._done:  # the server ignores ranges
                        file.truncate(0)
                        self._digest, self._done = hashlib.sha256(), 0
                    file.seek(self._done)
                    for chunk in body.chunks:
                        if self._done + len(chunk) > total:
                            self._discard()
                            raise HubError(
                                f"the hub sends more than the {total} bytes it announced",
                                where=self._file.path,
                                hint="what came was removed; the same command begins anew",
                            )
                        _write(file, chunk)
                        self._digest.update(chunk)
                        self._done += len(chunk)
                        progress("fetching", self._done, total)
            except OSError as error:
                raise explained(error, self.part, "write the file") from error

    def _told(self, total: int | None) -> int:
        """The size of the file, from the listing and the answer, which must agree."""
        if total is None:
            total = self._size
        if total is None:
            raise HubError(
                f"the hub does not say how large {self._file.name} is",
                where=self._hub.page(self._listing.repo),
            )
        if self._size is None:
            self._size = total
            check_room(self.target, total)
        if total != self._size:
            raise HubError(
                f"the hub lists {self._file.name} with {self._size} bytes and sends {total}",
                where=self._hub.page(self._listing.repo),
                hint="try again: the file may just have been changed",
            )
        return total

    def _forget_other_parts(self) -> None:
        """Remove what was fetched of an older content of this file."""
        prefix = f"{self.target.name}."
        for path in self.target.parent.iterdir():
            key = path.name.removeprefix(prefix).removesuffix(".part")
            if path.name == f"{prefix}{key}.part" and path != self.part and "." not in key:
                path.unlink(missing_ok=True)

    def _discard(self) -> None:
        self.part.unlink(missing_ok=True)

    def _given_up(self, busy: Busy) -> HubError:
        kept = _size_of(self.part)
        if not kept:
            return HubError(busy.error.what, hint=busy.error.hint or "try again later")
        hint = "the same command goes on from there"
        if not busy.reached and busy.error.hint:
            hint += f"; or {busy.error.hint}"
        return HubError(
            f"{busy.error.what}; {size_text(kept)} of {size_text(self._size) or 'the file'} are here",
            where=str(self.part),
            hint=hint,
        )


def check_room(place: Path, missing: int) -> None:
    """Raise StoreError where the disk has no room for so many bytes more."""
    free = free_space(place)
    if missing + SPARE > free:
        raise StoreError(
            f"{size_text(missing)} are to be fetched, and {size_text(free)} are free",
            where=str(place.parent),
            hint="make room, or move ockit's files to another disk with OCKIT_HOME=DIRECTORY",
        )


def _hashed(path: Path, progress: Progress) -> hashlib._Hash:
    digest, done, total = hashlib.sha256(), 0, _size_of(path)
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            done += len(chunk)
            progress("checking", done, total)
    return digest


def _write(file: FileIO, chunk: bytes) -> None:
    """All of the bytes: an unbuffered write may take a part of them."""
    view = memoryview(chunk)
    while view:
        view = view[file.write(view) :]


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return 0
