"""A folder with a few documents, its index, and the embedder, loaded once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from indexed_folder import TEXTS, IndexedFolder, new_embedder, write
from ockit.protocols import Embedder


@pytest.fixture(scope="session")
def embedder_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("embedder")


@pytest.fixture(scope="session")
def embedder(embedder_home: Path) -> Iterator[Embedder]:
    opened = new_embedder(embedder_home)
    opened.load()
    yield opened
    opened.close()


@pytest.fixture
def indexed(tmp_path: Path, embedder_home: Path, embedder: Embedder) -> IndexedFolder:
    """A folder with six documents that are not indexed yet."""
    folder = tmp_path / "folder"
    write(folder, TEXTS)
    return IndexedFolder(folder, tmp_path / "home", embedder_home / "cache" / "embedders", embedder)
