"""models.json: damaged, of another version, unwritable."""

import json
from pathlib import Path

import pytest

from ockit.errors import OckitError, StoreError
from ockit.models.registry import Registry

ROW = {"name": "kept", "path": "/somewhere/kept.gguf"}


def write(registry, content):
    registry.path.parent.mkdir(parents=True, exist_ok=True)
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    registry.path.write_bytes(data)
    return data


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"null",
        b"[]",
        b'"text"',
        b"[" * 100_000,
        b'{"schema_version": ' + b"9" * 10_000 + b"}",
        {"models": []},
        {"schema_version": "1", "models": []},
        {"schema_version": True, "models": []},
        {"schema_version": 1, "models": {}},
        {"schema_version": 1, "models": [1]},
        {"schema_version": 1, "models": [{"name": "x"}]},
        {"schema_version": 1, "models": [{"name": "x", "path": "relative"}]},
        {"schema_version": 1, "models": [{"name": "x", "path": "/nul\0"}]},
        {"schema_version": 1, "models": [{"name": "\x1b[2J", "path": "/x"}]},
        {"schema_version": 1, "models": [{**ROW, "size": "big"}]},
        {"schema_version": 1, "models": [{**ROW, "sampling": []}]},
        {"schema_version": 1, "models": [ROW, ROW]},
        {"schema_version": 1, "models": [], "aliases": {"a": 1}},
        {"schema_version": 1, "models": [], "aliases": []},
        {"schema_version": 1, "models": [], "default": 7},
    ],
    ids=lambda content: str(content)[:60],
)
def test_a_damaged_list_is_copied_aside_and_reported(registry, tiny, content):
    data = write(registry, content)
    assert registry.resolve().name == "smollm2-135m-instruct"
    registry.entries()
    assert len(registry.notices) == 1
    (copy,) = registry.path.parent.glob("models.json.damaged-*")
    assert copy.name in registry.notices[0]
    assert copy.read_bytes() == registry.path.read_bytes() == data
    registry.add(tiny())  # the next change starts from what was sound
    assert copy.read_bytes() == data
    assert Registry.resolve(registry, "tiny").name == "tiny"


def test_what_is_sound_in_a_damaged_list_is_used(registry, directories, tiny):
    write(
        registry,
        {"schema_version": 1, "models": [ROW, {"name": 1}], "aliases": {"k": "kept"}, "default": "kept"},
    )
    assert registry.find("k").name == "kept"
    registry.add(tiny())
    fresh = Registry(directories)
    assert [entry.name for entry in fresh.entries()] == ["smollm2-135m-instruct", "kept", "tiny"]
    assert fresh.notices == []


def test_a_huge_list_is_not_read(registry):
    write(registry, b" " * ((16 << 20) + 1))
    registry.entries()
    assert "bytes" in registry.notices[0]


def test_a_newer_list_is_left_alone(registry, tiny):
    data = write(registry, {"schema_version": 2, "models": [], "new": True})
    for action in (registry.resolve, registry.entries, lambda: registry.add(tiny())):
        with pytest.raises(StoreError, match="newer ockit"):
            action()
    assert registry.path.read_bytes() == data
    assert list(registry.path.parent.glob("*damaged*")) == []


def test_a_directory_in_its_place(registry, tiny):
    registry.path.mkdir(parents=True)
    for action in (registry.resolve, lambda: registry.add(tiny())):
        with pytest.raises(OckitError) as caught:
            action()
        assert caught.value.where == str(registry.path)


def test_a_file_where_the_directory_should_be(home, tiny, ockit):
    home.mkdir()
    (home / "data").write_text("in the way")
    for argv in (("list",), ("add", tiny()), ("default", "smollm2")):
        ran = ockit("models", *argv)
        assert (ran.code, ran.err.count("error:")) == (1, 1)
        assert str(home / "data") in ran.err
    assert (home / "data").read_text() == "in the way"


def test_a_home_that_cannot_be_written(tiny, ockit):
    if not Path("/sys/kernel").exists():
        pytest.skip("no /sys, where nothing can be made, whoever asks")
    home = {"OCKIT_HOME": "/sys/kernel/home"}
    assert ockit("models", "list", **home).code == 0
    ran = ockit("models", "add", tiny(), **home)
    assert (ran.code, ran.err.count("error:")) == (1, 1)
    assert "/sys/kernel/home" in ran.err
