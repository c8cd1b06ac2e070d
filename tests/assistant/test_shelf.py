"""Several indexes in one chat: one process embeds for all of them, and one that fails takes no other with it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil

from indexed_folder import environment_at, new_embedder, write
from ockit.assistant import shelf
from ockit.environment import Environment
from ockit.index.indexing.plan import IndexPlan
from ockit.index.indexing.run import index_folders
from ockit.index.places import place_of

TEXTS = {
    "whales": "# Whales\n\nThe blue whale is the largest animal that has ever lived, and eats krill.\n",
    "spiders": "# Spiders\n\nA spider has eight legs and no wings, and spins a web.\n",
    "rivers": "# Rivers\n\nThe river Rhine is 1233 kilometres long and ends in the North Sea.\n",
}
QUESTION = "How long is the river Rhine, which animal eats krill, how many legs has a spider?"


def homes(tmp_path: Path) -> Environment:
    embedder = new_embedder(tmp_path / "embedder")
    embedder.load()
    environment = environment_at(tmp_path / "home", tmp_path / "embedder" / "cache" / "embedders")
    for name, text in TEXTS.items():
        write(tmp_path / name, {f"{name}.md": text})
        place = place_of(environment.directories, name)
        index_folders(IndexPlan((tmp_path / name,)), place, environment, embedder)
    embedder.close()
    return environment


def embedding() -> set[int]:
    """The processes of this one that embed."""
    found = set()
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it has died meanwhile
            if any("embedding_service" in word for word in child.cmdline()):
                found.add(child.pid)
    return found


def test_one_process_for_all_of_them(tmp_path: Path) -> None:
    environment = homes(tmp_path)
    others = embedding()
    grounding = shelf.grounding(environment, list(TEXTS), k=9)
    try:
        found = grounding.find(QUESTION)
        assert found.searched == tuple(TEXTS)
        assert len(embedding() - others) == 1
        place_of(environment.directories, "spiders").database.write_bytes(b"x" * 8192)
        for _ in range(2):
            found = grounding.find(QUESTION)
            assert found.searched == ("whales", "rivers")
            assert [notice.kind for notice in found.notices if "spiders" in notice.text] == ["index_failed"]
            assert len(embedding() - others) == 1
        grounding.use(["rivers"])
        found = grounding.find("How long is the river Rhine?")
        assert [passage.path for passage in found.passages] == ["rivers.md"]
        assert len(embedding() - others) == 1
    finally:
        grounding.close()
    assert not embedding() - others
