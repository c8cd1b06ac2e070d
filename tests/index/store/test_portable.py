"""An index carried in one file; archives that someone else made; removal."""

import json
import os
import sqlite3
import zipfile
from contextlib import closing
from dataclasses import replace

import pytest

from ockit.errors import NotFound, OckitError, StoreError, UsageError
from ockit.index.places import IndexPlace, all_indexes, checked_name, place_of, slug
from ockit.index.store.index_store import IndexStore
from ockit.index.store.portable import LABEL, STORE, export_index, import_index, remove_index
from stored_indexes import check_sound, facts, fill, place, record


@pytest.fixture
def exported(tmp_path):
    with IndexStore.create(place(tmp_path), facts()) as store:
        fill(store, 6)
    export_index(place(tmp_path), tmp_path / "docs.ockit-index")
    return tmp_path / "docs.ockit-index"


def test_an_index_comes_back_under_another_name(exported, tmp_path):
    with zipfile.ZipFile(exported) as archive:
        assert sorted(archive.namelist()) == [STORE, LABEL]
    there = place(tmp_path / "home" / "indexes", "copy")
    assert import_index(exported, there, embedder="tiny").name == "copy"
    check_sound(there.database)
    assert sorted(path.name for path in there.directory.iterdir()) == [
        "facts.json",
        "index.db",
        "writer.lock",
    ]
    with IndexStore.open(place(tmp_path)) as old, IndexStore.open(there, readonly=False) as new:
        assert new.files() == old.files()
        assert new.lexical('"rhine"', 10) == old.lexical('"rhine"', 10)
        assert new.facts.name == "copy"
        fill(new, 2, seed=9)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["docs", "docs.ockit-index", "home"]
    assert (exported.stat().st_mode & 0o777, there.directory.stat().st_mode & 0o777) == (0o600, 0o700)


def test_nothing_is_overwritten(exported, tmp_path):
    before = exported.read_bytes()
    with pytest.raises(UsageError, match="there already"):
        export_index(place(tmp_path), exported)
    assert exported.read_bytes() == before
    with pytest.raises(UsageError, match="already an index docs") as error:
        import_index(exported, place(tmp_path))
    assert "ockit indexes rm docs" in error.value.hint
    with pytest.raises(NotFound, match="no index other"):
        export_index(place(tmp_path, "other"), tmp_path / "x")
    with pytest.raises(NotFound, match="no such file"):
        import_index(tmp_path / "never", place(tmp_path, "y"))
    assert not (tmp_path / "x").exists()
    assert not list(tmp_path.glob("y*"))


def test_what_lies_beside_an_export_stays(exported, tmp_path):
    aside = tmp_path / "aside"
    aside.write_bytes(b"somebody's")
    (tmp_path / "new.db.part").symlink_to(aside)
    (tmp_path / "new.part").symlink_to(aside)
    before = sorted(tmp_path.iterdir())
    export_index(place(tmp_path), tmp_path / "new")
    assert aside.read_bytes() == b"somebody's"
    assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / "new"])
    import_index(tmp_path / "new", place(tmp_path, "again"), embedder="tiny")
    check_sound(place(tmp_path, "again").database)


@pytest.mark.parametrize("named", [(), ((1, "x"),), ((-1, "x"),)])
def test_files_of_folders_that_are_none(tmp_path, named):
    found = record("x.md") if named else replace(record("x.md"), root=1)
    with IndexStore.create(place(tmp_path), facts()) as store:
        store.put_file(found, [])
    with closing(sqlite3.connect(place(tmp_path).database)) as connection, connection:
        # as someone who knows the format would write them
        said = replace(facts(), named=named).to_rows()
        connection.executemany("UPDATE meta SET value = ?2 WHERE name = ?1", said)
    if named:
        with pytest.raises(StoreError, match="damaged"):
            IndexStore.open(place(tmp_path))
        return
    export_index(place(tmp_path), tmp_path / "evil")
    refused(tmp_path / "evil", place(tmp_path, "new"))


def members(exported):
    with zipfile.ZipFile(exported) as archive:
        return json.loads(archive.read(LABEL)), archive.read(STORE)


def label_for(data, label):
    import hashlib

    return label | {"size": len(data), "digest": hashlib.blake2b(data, digest_size=32).hexdigest()}


def changed_store(exported, tmp_path, statement):
    """The store after an SQL statement, as someone who knows the format would send it."""
    label, data = members(exported)
    path = tmp_path / "changed.db"
    path.write_bytes(data)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(statement)
    data = path.read_bytes()
    path.unlink()
    return [(LABEL, json.dumps(label_for(data, label))), (STORE, data)]


HOSTILE = {
    "another file": lambda label, data: [(LABEL, json.dumps(label)), (STORE, data), ("evil.sh", b"x")],
    "a path upwards": lambda label, data: [(LABEL, json.dumps(label)), ("../index.db", data)],
    "twice the same": lambda label, data: [(LABEL, json.dumps(label)), (LABEL, "{}"), (STORE, data)],
    "no store": lambda label, data: [(LABEL, json.dumps(label))],
    "another digest": lambda label, data: [(LABEL, json.dumps(label)), (STORE, data[:-1] + b"x")],
    "another size": lambda label, data: [(LABEL, json.dumps(label | {"size": 5})), (STORE, data)],
    "a size that is no number": lambda label, data: [(LABEL, json.dumps(label | {"size": "5"})), (STORE, data)],
    "no json": lambda label, data: [(LABEL, "{" * 100_000), (STORE, data)],
    "a list": lambda label, data: [(LABEL, "[]"), (STORE, data)],
    "another format": lambda label, data: [(LABEL, json.dumps(label | {"format": "x"})), (STORE, data)],
    "a newer format": lambda label, data: [(LABEL, json.dumps(label | {"version": 9})), (STORE, data)],
    "a bomb": lambda label, data: [(LABEL, json.dumps(label_for(bytes(10**8), label))), (STORE, bytes(10**8))],
    "no database": lambda label, data: [(LABEL, json.dumps(label_for(b"x" * 9999, label))), (STORE, b"x" * 9999)],
    "half a database": lambda label, data: [(LABEL, json.dumps(label_for(data[:20480], label))), (STORE, data[:20480])],
}  # fmt: skip


def write_archive(path, parts):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts:
            archive.writestr(name, data)


def refused(file, where):
    with pytest.raises(OckitError) as error:
        import_index(file, where, embedder="tiny")
    assert isinstance(error.value, UsageError), error.value
    assert error.value.hint
    assert not where.directory.exists()
    assert not list(where.directory.parent.glob(f"{where.name}*"))


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_archives(exported, tmp_path, kind):
    path = tmp_path / "hostile"
    write_archive(path, HOSTILE[kind](*members(exported)))
    refused(path, place(tmp_path, "new"))


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER UPDATE ON meta BEGIN DELETE FROM chunks; END",
        "CREATE TABLE more(x)",
        "DROP INDEX chunks_vector",
        "PRAGMA user_version = 99",
        "PRAGMA application_id = 5",
        "UPDATE meta SET value = '{}' WHERE name = 'facts'",
        "DELETE FROM meta",
        "PRAGMA user_version = 0",
    ],
)
def test_hostile_stores(exported, tmp_path, statement):
    path = tmp_path / "hostile"
    write_archive(path, changed_store(exported, tmp_path, statement))
    refused(path, place(tmp_path, "new"))


def test_archives_that_were_cut_or_changed(exported, tmp_path):
    data = exported.read_bytes()
    path = tmp_path / "cut"
    for at in range(0, len(data), len(data) // 12):
        path.write_bytes(data[:at])
        refused(path, place(tmp_path, "new"))
    for at in range(40, len(data) - 400, len(data) // 12):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :])
        refused(path, place(tmp_path, "new"))


@pytest.mark.parametrize("way", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_members_that_are_compressed_in_another_way(exported, tmp_path, way):
    parts = members(exported)
    path = tmp_path / "other"
    with zipfile.ZipFile(path, "w", way) as archive:
        archive.writestr(LABEL, json.dumps(parts[0]))
        archive.writestr(STORE, parts[1])
    refused(path, place(tmp_path, "new"))
    data = path.read_bytes()
    path.write_bytes(data[:50] + bytes(40) + data[90:])  # what is unpacked is no such stream
    refused(path, place(tmp_path, "new"))


def test_removal(exported, tmp_path):
    with (
        IndexStore.open(place(tmp_path), readonly=False),
        pytest.raises(StoreError, match="is indexing docs"),
    ):
        remove_index(place(tmp_path))
    (tmp_path / "docs.old").mkdir()
    (tmp_path / "docs.old" / "leftover").touch()
    remove_index(place(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["docs.ockit-index"]
    with pytest.raises(NotFound, match="no index docs"):
        remove_index(place(tmp_path))
    (tmp_path / "aside").mkdir()
    os.symlink(tmp_path / "aside", tmp_path / "linked")
    remove_index(place(tmp_path, "linked"))
    assert (tmp_path / "aside").is_dir()


def test_an_import_that_was_killed_leaves_nothing_in_the_way(exported, tmp_path):
    part = tmp_path / "new.part"
    part.mkdir()
    (part / "index.db").write_bytes(b"half")
    import_index(exported, place(tmp_path, "new"), embedder="tiny")
    check_sound(place(tmp_path, "new").database)
    assert not part.exists()


def test_names(tmp_path):
    from ockit.environment import Directories

    directories = Directories.of({"OCKIT_HOME": str(tmp_path)})
    assert all_indexes(directories) == []
    for name in ("docs", "a.b", "x_1-2", "9"):
        assert checked_name(name) == name
    for name in ("", ".", "..", "../x", "a/b", "-x", ".x", "a b", "é", "x" * 65, "a\n", "x.part", "x.old"):
        with pytest.raises(UsageError, match="no name for an index") as error:
            checked_name(name)
        assert checked_name(error.value.hint.rpartition(" ")[2])
    texts = ("My Döcs!", "...", "", "東京", "a" * 99, "x.part", "-a-", "a\0/../b", "x.old.part", "x.part.old")
    assert all(checked_name(slug(text)) for text in texts)
    assert slug("My Döcs!") == "my-docs"
    with IndexStore.create(place_of(directories, "docs"), facts()):
        (directories.data / "indexes" / "not").mkdir()
        (directories.data / "indexes" / "docs.part").mkdir()
        (directories.data / "indexes" / "docs.part" / "index.db").touch()
    assert all_indexes(directories) == [IndexPlace(directories.data / "indexes" / "docs", "docs")]
