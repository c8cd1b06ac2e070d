"""What the readers of zipped documents have in common: an archive in, a document out. Knows no vocabulary."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from ockit.documents import Document
from ockit.index.readers.archive import Archive
from ockit.index.readers.composing import Composer
from ockit.index.readers.limits import ReadingLimits


class PackageReader(ABC):
    """Reads one kind of document that is a zip file.

    Args:
        limits: what one file may cost.

    Attributes:
        kinds: the kind, alone.
    """

    kinds: ClassVar[tuple[str, ...]]

    def __init__(self, limits: ReadingLimits) -> None:
        self._limits = limits

    def read(self, data: bytes, name: str) -> Document:
        """The document's text, as `write` says.

        Raises:
            ReadingFailed: encrypted, or over a limit.
            Exception: it is damaged, in the words of whatever noticed.
        """
        [kind] = self.kinds
        archive = Archive(data, kind, self._limits)
        composer = Composer(self._limits.characters)
        title, notices = self.write(archive, composer)
        return composer.document(kind, title=title, notices=notices)

    @abstractmethod
    def write(self, archive: Archive, composer: Composer) -> tuple[str, tuple[str, ...]]:
        """Write the text; gives the document's title, and what was left out, in sentences."""
