"""The record of what moderation decided: one JSON object a line, of its owner alone, bounded in size.

Knows hashes of texts and never a text: not the person's, not the model's, not the reason of a verdict, which may quote
one. A hash tells whether a text that one has is the text that was judged; of a very short text it can be guessed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from ockit.environment import Directories
from ockit.files import explained, lock, private_dir
from ockit.messages import Judged, Verdict

FILE_NAME = "audit.jsonl"
OLDER_NAME = "audit.1.jsonl"

LARGEST = 1 << 20
"""Bytes of one file; what would make it larger begins a new one, and the one before the last is gone."""


def text_hash(text: str) -> str:
    """sha256 of a text's UTF-8, hexadecimal; half surrogates, which have none, as the three bytes they would be."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class AuditLog:
    """The record in a directory. Several processes may write it at a time.

    Args:
        directory: made when the first line is written.
        largest: bytes of one file.
    """

    def __init__(self, directory: Path, *, largest: int = LARGEST) -> None:
        self.path = directory / FILE_NAME
        self._older = directory / OLDER_NAME
        self._lock = directory / ".audit.lock"
        self._largest = largest

    @classmethod
    def of(cls, directories: Directories) -> Self:
        """The record of this user."""
        return cls(directories.state / "moderation")

    def verdict(self, text: str, role: Judged, verdict: Verdict, **more: object) -> None:
        """Add what was decided of a text. Raises OckitError where it cannot be written."""
        self._add(
            {
                "event": "verdict",
                "role": role,
                "text_sha256": text_hash(text),
                "characters": len(text),
                "level": verdict.level,
                "action": verdict.action,
                "status": verdict.status,
                "backend": verdict.backend,
                "hits": sorted({hit.name for hit in verdict.hits}),
                "injection": round(verdict.injection, 3),
                "unsure": verdict.unsure,
                "topic": verdict.topic,
                "ms": round(verdict.ms, 1),
                **more,
            }
        )

    def switched(self, on: bool, **more: object) -> None:
        """Add that the check was switched on or off. Raises OckitError where it cannot be written."""
        self._add({"event": "switched", "on": on, **more})

    def _add(self, entry: Mapping[str, Any]) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"time": now, **entry}, separators=(",", ":")).encode() + b"\n"
        private_dir(self.path.parent)
        with lock(self._lock, timeout=2.0):
            try:
                if self.path.exists() and self.path.stat().st_size + len(line) > self._largest:
                    os.replace(self.path, self._older)
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
                descriptor = os.open(self.path, flags, 0o600)
                try:
                    os.fchmod(descriptor, 0o600)  # whoever made it
                    os.write(descriptor, line)
                finally:
                    os.close(descriptor)
            except OSError as error:
                raise explained(error, self.path, "write the record of moderation") from error
