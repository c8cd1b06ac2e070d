"""Models in several files."""

import hashlib

import pytest
from gguf import GGUFValueType as T

from ockit.errors import ModelFileError, NotFound
from ockit.models.parts import parts_of, read_model, split_stem
from tiny_models import write_model


def part(folder, number, count, *, of=None):
    name = f"big-Q8-{number:05d}-of-{of or count:05d}.gguf"
    extra = {"split.no": (number - 1, T.UINT16), "split.count": (count, T.UINT16)}
    return write_model(folder / name, extra=extra, seed=number)


@pytest.fixture
def split(tmp_path):
    return [part(tmp_path, number, 3) for number in (1, 2, 3)]


def test_one_file_is_its_own_part(tmp_path):
    assert parts_of(tmp_path / "x.gguf") == (tmp_path / "x.gguf",)
    assert split_stem("a-00001-of-00003.gguf") == "a"


def test_the_header_of_the_whole(split):
    assert parts_of(split[0]) == tuple(split)
    whole, first = read_model(split[0]), read_model_alone(split[0])
    assert whole.n_params == 3 * first.n_params
    assert whole.file_size == sum(path.stat().st_size for path in split)


def read_model_alone(path):
    from ockit.formats.gguf_header import read_header

    return read_header(path)


def test_adding_the_first_part_adds_all(registry, split):
    entry = registry.add(split[0]).entry
    assert entry.name == "big-q8"
    assert entry.size == sum(path.stat().st_size for path in split)
    assert entry.sha256 == hashlib.sha256(b"".join(path.read_bytes() for path in split)).hexdigest()
    assert registry.resolve("big-q8").path == split[0]


def test_a_later_part_points_to_the_first(registry, split):
    for action in (registry.add, registry.resolve):
        with pytest.raises(ModelFileError) as caught:
            action(str(split[1]))
        assert str(split[0]) in caught.value.hint


def test_a_missing_part_is_named(registry, split):
    registry.add(split[0])
    split[2].unlink()
    for action in (lambda: registry.resolve("big-q8"), lambda: registry.add(split[0])):
        with pytest.raises(NotFound, match="big-Q8-00003-of-00003"):
            action()


def test_a_changed_part_is_seen(registry, split):
    registry.add(split[0])
    with open(split[1], "ab") as file:
        file.write(b"more")
    with pytest.raises(ModelFileError, match="has changed"):
        registry.resolve("big-q8")


def test_names_that_do_not_fit_the_content(registry, tmp_path, tiny):
    alone = part(tmp_path, 1, 3)
    renamed = alone.rename(tmp_path / "renamed.gguf")
    with pytest.raises(ModelFileError, match="one of 3 parts"):
        registry.add(renamed)
    tiny("whole-00001-of-00002.gguf")
    tiny("whole-00002-of-00002.gguf")
    with pytest.raises(ModelFileError, match="one of 1 parts"):
        registry.add("whole-00001-of-00002.gguf")
    for name in ("x-00000-of-00003.gguf", "x-00004-of-00003.gguf", "x-00001-of-99999.gguf"):
        with pytest.raises(ModelFileError, match="cannot be"):
            parts_of(tmp_path / name)
