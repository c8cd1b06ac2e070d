"""What the reading of one file may cost. Knows no format and no process."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True)
class ReadingLimits:
    """Bounds for one file; what passes one of them is a failed file, never a failed run.

    Attributes:
        seconds: wall time from opening to the last chunk, after which the kernel ends the child.
        text_bytes: size of a file that is text.
        container_bytes: size of a file that holds others, or pages (docx, xlsx, epub, pdf ...).
        expanded_bytes: sum of what the members of an archive unpack to, as far as they are read.
        ratio: how many bytes a byte of an archive may unpack to, where that is more than
            16 MiB: below, a table of zeros does no harm.
        members: files in an archive.
        characters: length of a document's text.
        memory_bytes: private memory of the child (Linux).
    """

    seconds: float = 30.0
    text_bytes: int = 64 * MIB
    container_bytes: int = 256 * MIB
    expanded_bytes: int = 256 * MIB
    ratio: int = 200
    members: int = 20_000
    characters: int = 32 * MIB
    memory_bytes: int = 1024 * MIB
