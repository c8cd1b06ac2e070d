import hashlib
import os
from pathlib import Path

import pytest

from ockit.errors import ModelFileError, NotFound, UsageError
from ockit.models.registry import Registry


def test_without_a_name_it_is_the_embedded_model(registry):
    assert registry.resolve().name == registry.default() == "smollm2-135m-instruct"
    assert registry.resolve("SmolLM2").name == "smollm2-135m-instruct"
    assert not registry.path.exists()


def test_an_added_model(registry, directories, tmp_path, tiny):
    path = tiny("My Tiny-Q8.gguf")
    entry = registry.add(path).entry
    assert entry.name == "my-tiny-q8"
    assert entry.path == path
    assert entry.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (entry.size, entry.architecture, entry.quantization) == (path.stat().st_size, "llama", "F32")
    assert (entry.n_ctx_train, entry.source, entry.template) == (512, "added", None)
    again = Registry(directories)
    assert again.resolve("MY-tiny-Q8") == entry
    assert again.resolve(str(path)) == entry  # the path of a known model is that model
    assert [found.name for found in again.entries()] == ["smollm2-135m-instruct", "my-tiny-q8"]
    assert registry.path.stat().st_mode & 0o777 == 0o600
    assert sorted(file.name for file in tmp_path.rglob("*.gguf")) == [path.name]  # never copied


def test_the_home_and_relative_paths(registry, tmp_path, tiny, monkeypatch):
    path = tiny("sub/tiny.gguf")
    monkeypatch.setenv("HOME", str(tmp_path))
    entry = registry.resolve("~/sub/tiny.gguf")
    assert (entry.path, entry.source, entry.name, entry.label) == (path, "path", str(path), "tiny")
    for text in ("sub/tiny.gguf", "./sub/tiny.gguf", "sub/../sub/tiny.gguf", str(path)):
        assert registry.resolve(text).path == path
    assert registry.resolve(entry.name) == entry  # a saved conversation finds its model again


def test_a_name_before_a_path(registry, tmp_path, tiny):
    tiny("one/x")
    added = registry.add(tiny("b.gguf"), name="one/x").entry
    assert registry.resolve("one/x") == added
    assert registry.resolve("./one/x").source == "path"


@pytest.mark.parametrize("typed", ["smolm2", "smollm2-135m", "tinny"])
def test_near_names(registry, tiny, typed):
    registry.add(tiny())
    with pytest.raises(NotFound) as caught:
        registry.resolve(typed)
    assert caught.value.hint == "ockit models list"
    assert ("tiny" if typed == "tinny" else "smollm2") in caught.value.what


@pytest.mark.parametrize(
    "typed",
    ["", "nothing/like/it", "x" * 5000, "a/" * 3000, "no\0pe", "no\0pe.gguf", "~nobody-here/x"],
    ids=lambda typed: typed[:20],
)
def test_names_that_are_nothing(registry, typed):
    with pytest.raises(NotFound) as caught:
        registry.resolve(typed)
    assert caught.value.hint


def test_a_file_without_a_path_is_pointed_to(registry, tiny):
    tiny("plain")
    with pytest.raises(NotFound) as caught:
        registry.resolve("plain")
    assert "./plain" in caught.value.hint


def test_the_same_file_twice(registry, tmp_path, tiny):
    path = tiny()
    first = registry.add(path)
    (tmp_path / "link.gguf").symlink_to(path)
    for again in (registry.add(path), registry.add(tmp_path / "link.gguf"), registry.add(path, name="TINY")):
        assert (again.outcome, again.entry) == ("already", first.entry)
    with pytest.raises(UsageError) as caught:
        registry.add(path, name="other")
    assert "ockit models alias tiny other" in caught.value.hint
    assert len(registry.entries()) == 2


def test_the_embedded_file_is_there_already(registry, tmp_path):
    link = tmp_path / "smol.gguf"
    link.symlink_to(registry.resolve().path)
    assert registry.add(link).outcome == "already"
    assert registry.resolve("./smol.gguf").source == "embedded"
    with pytest.raises(UsageError):
        registry.add(link, template="chatml")


def test_a_taken_name(registry, tiny):
    registry.add(tiny("a.gguf"))
    registry.alias("a", "other")
    for name in ("a", "A", "other", "smollm2", "SmolLM2-135M-Instruct"):
        with pytest.raises(UsageError) as caught:
            registry.add(tiny("b.gguf", add=b"x"), name=name)
        assert f"{name}-2" in caught.value.hint
    assert len(registry.entries()) == 2


def test_names_for_files_that_have_none(registry, tiny):
    assert registry.add(tiny("sha256-" + "0" * 64)).entry.name == "tiny-chat-f32"
    assert registry.add(tiny("x/ggml-model-q4_0.gguf"), name="n").entry.name == "n"


def test_a_file_that_is_gone(registry, tiny):
    path = tiny()
    registry.add(path)
    path.unlink()
    with pytest.raises(NotFound) as caught:
        registry.resolve("tiny")
    assert (caught.value.where, "ockit models rm tiny" in caught.value.hint) == (str(path), True)
    assert registry.find("tiny").path == path
    assert registry.remove("tiny").name == "tiny"


def test_a_file_that_was_moved_below_a_file(registry, tiny):
    path = tiny("sub/tiny.gguf")
    registry.add(path)
    path.unlink()
    path.parent.rmdir()
    path.parent.write_text("now a file")
    with pytest.raises(NotFound, match="is gone"):
        registry.resolve("tiny")


def test_a_file_that_has_changed(registry, tiny):
    path = tiny()
    before = registry.add(path, template="chatml").entry
    registry.alias("tiny", "t")
    tiny(add=b"more")
    with pytest.raises(ModelFileError) as caught:
        registry.resolve("t")
    assert "ockit models add" in caught.value.hint
    again = registry.add(path)
    assert (again.outcome, again.entry.name, again.entry.aliases) == ("updated", "tiny", ("t",))
    assert again.entry.sha256 != before.sha256
    assert again.entry.template == "chatml"
    assert registry.resolve("t") == again.entry


def test_a_new_date_is_a_notice_until_verified(registry, directories, tiny):
    path = tiny()
    entry = registry.add(path).entry
    os.utime(path, ns=(1, 1))
    assert registry.resolve("tiny").path == path
    assert "--verify" in registry.notices[0]
    assert registry.verify(registry.find("tiny")) == entry.sha256
    fresh = Registry(directories)
    fresh.resolve("tiny")
    assert fresh.notices == []


def test_other_content_of_the_same_size_is_seen_by_verify(registry, tiny):
    path = tiny()
    entry = registry.add(path).entry
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match="sha256"):
        registry.verify(entry)


def test_the_default(registry, directories, tiny):
    path = tiny()
    registry.add(path)
    registry.alias("tiny", "t")
    registry.set_default("T")
    assert Registry(directories).resolve().name == "tiny"
    registry.remove("tiny")
    assert registry.default() == "smollm2-135m-instruct"
    with pytest.raises(NotFound):
        registry.resolve("t")  # the alias went with it
    assert path.exists()
    with pytest.raises(UsageError, match="not been added"):
        registry.set_default(str(path))
    with pytest.raises(NotFound):
        registry.set_default("tiny")


def test_a_default_that_is_gone_says_so(registry, tiny):
    path = tiny()
    registry.add(path)
    registry.set_default("tiny")
    path.unlink()
    with pytest.raises(NotFound, match="tiny is gone"):
        registry.resolve()


def test_aliases(registry, tiny):
    registry.add(tiny())
    registry.alias("smollm2", "small")
    assert registry.resolve("small").aliases == ("smollm2", "small")
    assert registry.alias("smollm2", "small").name == "smollm2-135m-instruct"  # again is no error
    with pytest.raises(UsageError, match="taken"):
        registry.alias("tiny", "small")
    with pytest.raises(UsageError, match="taken"):
        registry.alias("tiny", "tiny")
    with pytest.raises(UsageError, match="built in"):
        registry.unalias("smollm2", "smollm2")
    with pytest.raises(NotFound):
        registry.unalias("tiny", "small")
    assert registry.unalias("small", "small").aliases == ("smollm2",)


def test_the_embedded_model_stays(registry):
    with pytest.raises(UsageError, match="embedded"):
        registry.remove("smollm2")


def test_templates_by_name(registry, tiny):
    with pytest.raises(NotFound, match="template"):
        registry.add(tiny(), template="nonsense")
    assert registry.add(tiny(), template="zephyr").entry.template == "zephyr"
    changed = registry.add(tiny(), template="jinja")
    assert (changed.outcome, changed.entry.template) == ("updated", "jinja")


def test_links_keep_their_name(registry, tmp_path, tiny):
    (tmp_path / "nice-name.gguf").symlink_to(tiny("blobs/abc"))
    assert registry.add("nice-name.gguf").entry.path == Path(tmp_path / "nice-name.gguf")
