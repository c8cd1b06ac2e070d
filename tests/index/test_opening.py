"""Opening what can be searched: by name, by the folder one stands in; and refusing what was made otherwise."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ockit.documents import Chunk
from ockit.engines.embedder_names import EMBEDDED
from ockit.environment import Environment
from ockit.errors import NotFound, UsageError
from ockit.index.chunks import CHUNKER_VERSION
from ockit.index.opening import names_for, open_retriever
from ockit.index.places import place_of
from ockit.index.search.options import SearchOptions
from ockit.index.search.searcher import Searcher
from ockit.index.search.words import WORDS_VERSION
from ockit.index.store.index_store import IndexStore
from ockit.index.vectors.dense import DenseIndex
from stored_indexes import facts, put, record, vector_of


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(
        io.BytesIO(), io.StringIO(), io.StringIO(), {"OCKIT_HOME": str(tmp_path / "home")}, tmp_path
    )


def made(environment: Environment, name: str, root: Path, **changed: Any) -> None:
    embedder = dataclasses.replace(facts().embedder, name=EMBEDDED)
    known = {
        "embedder": embedder,
        "roots": (str(root),),
        "chunker": CHUNKER_VERSION,
        "words": WORDS_VERSION,
        **changed,
    }
    described = dataclasses.replace(facts(name), **known)
    with IndexStore.create(place_of(environment.directories, name), described):
        pass


def test_the_innermost_folder_decides_which_index_is_meant(environment: Environment, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no index yet"):
        names_for(environment.directories, tmp_path)
    made(environment, "outer", tmp_path / "a")
    made(environment, "inner", tmp_path / "a" / "b")
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    assert names_for(environment.directories, tmp_path / "a" / "b" / "c") == ["inner"]
    assert names_for(environment.directories, tmp_path / "a") == ["outer"]
    assert names_for(environment.directories, tmp_path) == ["inner", "outer"]
    with pytest.raises(UsageError, match="2 indexes"):
        open_retriever(None, environment, cwd=tmp_path)
    retriever = open_retriever(None, environment, cwd=tmp_path / "a")
    assert retriever.name == "outer"
    retriever.close()


def of_service(url: str) -> dict[str, Any]:
    return {"embedder": dataclasses.replace(facts().embedder, name=f"openai:{url}/v1#m", pooling="mean")}


@pytest.mark.parametrize("url", ["https://embedder.example.org", "http://127.0.0.1:8080", "http://[::1"])
def test_a_service_is_asked_only_where_its_index_is_named(
    environment: Environment, tmp_path: Path, url: str
) -> None:
    """Whoever made the index chose whom its questions are sent to."""
    made(environment, "away", tmp_path, **of_service(url))
    with pytest.raises(NotFound, match="embedder of each is a service") as error:
        names_for(environment.directories, tmp_path)
    assert error.value.hint == "-i away"
    made(environment, "docs", tmp_path / "docs")
    assert names_for(environment.directories, tmp_path) == ["docs"]


def test_the_folders_of_an_imported_index_are_not_those_of_this_machine(
    environment: Environment, tmp_path: Path
) -> None:
    made(environment, "imported", tmp_path / "a" / "b", foreign=True)
    made(environment, "outer", tmp_path / "a")
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert names_for(environment.directories, tmp_path / "a" / "b") == ["outer"]
    assert names_for(environment.directories, tmp_path) == ["imported", "outer"]


@pytest.mark.parametrize("name", ["./model", "../model", "~/model"])
def test_an_embedder_is_not_looked_for_below_the_folder_one_stands_in(
    environment: Environment, tmp_path: Path, name: str
) -> None:
    made(environment, "docs", tmp_path, embedder=dataclasses.replace(facts().embedder, name=name))
    with pytest.raises(UsageError, match="by no whole path") as error:
        open_retriever("docs", environment)
    assert "--rebuild --name docs --embedder" in str(error.value.hint)


@pytest.mark.parametrize(
    ("name", "remote"),
    [
        (EMBEDDED, False),
        ("openai:http://localhost:8080/v1#m", False),
        ("openai:https://embedder.example.org/v1#m", True),
    ],
)
def test_whether_a_question_leaves_this_machine(
    environment: Environment, tmp_path: Path, name: str, remote: bool
) -> None:
    made(environment, "docs", tmp_path, embedder=dataclasses.replace(facts().embedder, name=name))
    retriever = open_retriever("docs", environment)
    assert retriever.remote is remote
    retriever.close()


@pytest.mark.parametrize("changed", [{"chunker": CHUNKER_VERSION + 1}, {"words": WORDS_VERSION + 1}])
def test_an_index_of_another_version_is_refused(
    environment: Environment, tmp_path: Path, changed: dict[str, int]
) -> None:
    made(environment, "docs", tmp_path, **changed)
    with pytest.raises(UsageError, match="version"):
        open_retriever("docs", environment)


class OtherEmbedder:
    """Says of itself that it is another one than the index was made with."""

    def load(self) -> Any:
        return dataclasses.replace(facts().embedder, identity="of other weights")

    def embed(self, texts: Any, role: Any) -> Any:
        return np.ones((len(texts), facts().embedder.dimension), dtype=np.float32)

    def close(self) -> None:
        pass


def test_vectors_of_another_embedder_are_never_compared(environment: Environment, tmp_path: Path) -> None:
    place = place_of(environment.directories, "docs")
    with IndexStore.create(place, dataclasses.replace(facts(), roots=(str(tmp_path),))) as store:
        chunk = Chunk(0, "The river is long.\n", 1, 1)
        store.add_vectors({chunk.key: vector_of(chunk.key)})
        put(store, record("a.md"), [chunk])
        searcher = Searcher(store, DenseIndex(store), OtherEmbedder())
        with pytest.raises(UsageError, match="another embedder"):
            searcher.search("the river", SearchOptions())
        (passage,) = searcher.search("the long river", SearchOptions(mode="bm25")).passages
        assert (passage.path, passage.text) == ("a.md", "The river is long.")
