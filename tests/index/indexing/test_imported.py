"""An index of another machine: searched as it is, followed only where a person says what its folders are here."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexed_folder import IndexedFolder, write
from ockit.errors import UsageError
from ockit.index.indexing.plan import IndexPlan, default_name
from ockit.index.indexing.report import Report
from ockit.index.indexing.run import index_folders
from ockit.index.places import place_of
from ockit.index.store.index_store import IndexStore
from ockit.index.store.portable import export_index, import_index


@pytest.fixture
def imported(indexed: IndexedFolder, tmp_path: Path) -> IndexedFolder:
    """The index of the folder, exported and taken in under another name, while the folder lies there still."""
    indexed.run()
    export_index(indexed.place, tmp_path / "it.zip")
    indexed.place = place_of(indexed.environment.directories, "copy")
    assert import_index(tmp_path / "it.zip", indexed.place).foreign
    return indexed


def follow(indexed: IndexedFolder, *paths: Path, **plan: bool) -> Report:
    return index_folders(IndexPlan(paths, **plan), indexed.place, indexed.environment, indexed.embedder)


def foreign(indexed: IndexedFolder) -> bool:
    with IndexStore.open(indexed.place) as store:
        return store.facts.foreign


@pytest.mark.parametrize("plan", [{}, {"rebuild": True}, {"dry_run": True}])
def test_nothing_is_read_of_folders_that_are_there_by_accident(
    imported: IndexedFolder, plan: dict[str, bool]
) -> None:
    write(imported.folder, {"secret plans.md": "# Plans\n\nOf somebody else.\n"})
    before = imported.dump()
    with pytest.raises(UsageError, match="those of another machine") as error:
        follow(imported, **plan)
    assert str(imported.folder) in str(error.value.where)
    assert error.value.hint == "say where they are here: ockit index --name copy PATH"
    assert imported.dump() == before


def test_the_folder_of_this_machine_takes_its_place(imported: IndexedFolder, tmp_path: Path) -> None:
    here = tmp_path / "here"
    imported.folder.rename(here)
    write(here, {"whales.md": "# Whales\n\nThey sing.\n"})
    before = imported.embedder.texts
    report = follow(imported, here)
    assert (report.indexed, report.unchanged, report.removed) == (1, 5, 0)
    assert imported.embedder.texts - before == report.embedded == 1
    assert "sing" in imported.texts()["whales.md"]
    assert not foreign(imported)
    assert follow(imported).unchanged == 6
    with IndexStore.open(imported.place) as store:
        assert store.facts.roots == (str(here),)


def test_paths_of_another_kind_are_refused(imported: IndexedFolder, tmp_path: Path) -> None:
    write(tmp_path / "one", {"a.md": "# A\n"})
    for paths in ((tmp_path / "one/a.md",), (tmp_path / "one", imported.folder)):
        with pytest.raises(UsageError, match="other PATHs"):
            follow(imported, *paths)
    assert foreign(imported)
    follow(imported, tmp_path / "one", rebuild=True)
    assert set(imported.texts()) == {"a.md"}
    assert not foreign(imported)


def test_a_folder_is_not_taken_for_that_of_an_imported_index(imported: IndexedFolder) -> None:
    directories = imported.environment.directories
    assert default_name(directories, [imported.folder]) == "it"
    (place_of(directories, "it").directory / "index.db").unlink()
    assert default_name(directories, [imported.folder]) == "folder"
