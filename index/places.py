"""Where the indexes of a person lie, and which names they may have.

Knows names and paths, not what is in the files.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from ockit.environment import Directories
from ockit.errors import StoreError, UsageError

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class IndexPlace:
    """The directory of one index.

    Attributes:
        directory: it holds everything; removing it removes the index.
        name: what ``-i`` calls it; the directory's own name.
    """

    directory: Path
    name: str

    @property
    def database(self) -> Path:
        """The store, which is the truth."""
        return self.directory / "index.db"

    @property
    def vectors(self) -> Path:
        """The FAISS cache, where there is one."""
        return self.directory / "vectors.faiss"

    @property
    def manifest(self) -> Path:
        """What the cache was made of."""
        return self.directory / "manifest.json"

    @property
    def facts(self) -> Path:
        """A copy of the facts, so that an index whose store is damaged can be made anew."""
        return self.directory / "facts.json"

    @property
    def lock(self) -> Path:
        """What the one process that writes holds locked."""
        return self.directory / "writer.lock"

    @property
    def exists(self) -> bool:
        """Whether there is a store."""
        return self.database.exists()


def checked_name(name: str) -> str:
    """The name itself.

    Raises:
        UsageError: it is none for an index: it stands in paths and on command lines.
    """
    if not _NAME.fullmatch(name) or name.endswith((".part", ".old")):
        raise UsageError(
            f"{name[:80]!r} is no name for an index: it takes letters, digits, '.', '_' and '-', at most 64, "
            "and begins with a letter, a digit or '_'",
            hint=f"a name that would do: {slug(name)}",
        )
    return name


def slug(text: str) -> str:
    """A name that `checked_name` takes, made of any text; ``index`` where nothing of it is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    words = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-.").lower()[:60].strip("-.")
    return re.sub(r"(\.(part|old))+$", "", words) or "index"


def place_of(directories: Directories, name: str) -> IndexPlace:
    """Where the index of a name lies or would lie. Raises UsageError for what is no name."""
    return IndexPlace(_all(directories) / checked_name(name), name)


def all_indexes(directories: Directories) -> list[IndexPlace]:
    """Those that have a store, by name.

    Raises:
        StoreError: the directory cannot be read.
    """
    try:
        names = sorted(path.name for path in _all(directories).iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(
            f"the indexes cannot be listed: {error.strerror}",
            where=str(_all(directories)),
            hint="ockit dirs shows the places",
        ) from error
    places = [IndexPlace(_all(directories) / name, name) for name in names if _NAME.fullmatch(name)]
    return [place for place in places if not place.name.endswith((".part", ".old")) and place.exists]


def _all(directories: Directories) -> Path:
    return directories.data / "indexes"
