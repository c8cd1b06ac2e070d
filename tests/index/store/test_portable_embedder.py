"""An index from elsewhere says what embeds its questions: anything but what comes with ockit has to be named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ockit.engines.embedder_names import EMBEDDED
from ockit.errors import UsageError
from ockit.index.store.index_store import IndexStore
from ockit.index.store.portable import export_index, import_index
from stored_indexes import facts, fill, place

SERVICE = "openai:https://embedder.example.org/v1#m"


def exported(tmp_path: Path, embedder: str) -> Path:
    described = facts()
    described = replace(described, embedder=replace(described.embedder, name=embedder), roots=("/",))
    with IndexStore.create(place(tmp_path), described) as store:
        fill(store, 2)
    export_index(place(tmp_path), tmp_path / "docs.zip")
    return tmp_path / "docs.zip"


@pytest.mark.parametrize("embedder", [SERVICE, "openai:http://127.0.0.1:1/v1#m", "/tmp/model", "org/model"])
@pytest.mark.parametrize("named", [None, "all-minilm-l6-v2", "org/another"])
def test_an_embedder_that_nobody_named(tmp_path: Path, embedder: str, named: str | None) -> None:
    file = exported(tmp_path, embedder)
    with pytest.raises(UsageError, match="was made with the embedder") as error:
        import_index(file, place(tmp_path, "new"), embedder=named)
    assert repr(embedder) in error.value.what
    assert embedder in str(error.value.hint)
    assert ("would be sent to" in error.value.what) == embedder.startswith("openai:")
    assert not place(tmp_path, "new").directory.exists()


def test_an_embedder_that_was_named(tmp_path: Path) -> None:
    found = import_index(exported(tmp_path, SERVICE), place(tmp_path, "new"), embedder=SERVICE)
    assert (found.embedder.name, found.foreign) == (SERVICE, True)
    assert json.loads(place(tmp_path, "new").facts.read_text())["embedder"]["name"] == SERVICE


def test_the_embedder_of_ockit_needs_no_name(tmp_path: Path) -> None:
    file = exported(tmp_path, EMBEDDED)
    assert import_index(file, place(tmp_path, "new")).foreign
    with pytest.raises(UsageError, match="made with the embedder 'all-minilm-l6-v2'") as error:
        import_index(file, place(tmp_path, "other"), embedder=SERVICE)
    assert error.value.hint == "leave out --embedder"
