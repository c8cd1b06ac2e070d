"""The digest of a file, by which a copy or a cache is known to be whole."""

from __future__ import annotations

import hashlib
from pathlib import Path

_BLOCK = 1 << 20


def digest_of(path: Path) -> str:
    """BLAKE2b (32 bytes) of a file, in hexadecimal. Raises OSError."""
    digest = hashlib.blake2b(digest_size=32)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
