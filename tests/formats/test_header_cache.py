"""A remembered header says what the file says, and is forgotten with the slightest change of the file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import tiny_models
from ockit.errors import ModelFileError, NotFound
from ockit.formats.header_cache import HeaderCache
from ockit.formats.loadable import read_loadable


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.gguf"
    tiny_models.write_model(path)
    return path


@pytest.fixture
def cache(tmp_path: Path) -> HeaderCache:
    return HeaderCache(tmp_path / "headers")


def kept_files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "headers").glob("*.json"))


def test_it_says_the_same_as_the_file(model: Path, cache: HeaderCache, tmp_path: Path) -> None:
    first = cache.read_loadable(model)
    assert len(kept_files(tmp_path)) == 1
    again = cache.read_loadable(model)
    assert again is not first
    assert first == again == read_loadable(model)
    assert again.quantization == first.quantization
    assert again.strings("tokenizer.ggml.tokens") == first.strings("tokenizer.ggml.tokens")


def test_the_embedded_model(embedded_model: Path, cache: HeaderCache) -> None:
    assert (
        cache.read_loadable(embedded_model)
        == cache.read_loadable(embedded_model)
        == read_loadable(embedded_model)
    )


def test_a_change_of_the_same_size_and_date_is_seen(model: Path, cache: HeaderCache) -> None:
    cache.read_loadable(model)
    before = model.stat()
    data = bytearray(model.read_bytes())
    data[8:16] = (2**60).to_bytes(8, "little")  # the count of tensors
    model.write_bytes(bytes(data))
    os.utime(model, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert model.stat().st_size == before.st_size
    with pytest.raises(ModelFileError):
        cache.read_loadable(model)


def test_a_damaged_cache_is_no_authority(model: Path, cache: HeaderCache, tmp_path: Path) -> None:
    wanted = cache.read_loadable(model)
    (kept,) = kept_files(tmp_path)
    whole = kept.read_bytes()
    stamp = whole[: whole.index(b'"header"')]
    for damage in (b"", b"{", b"[]", b"null", whole[:-20], stamp + b'"header": 5}', stamp + b'"header": {}}'):
        kept.write_bytes(damage)
        assert cache.read_loadable(model) == wanted


def test_it_reports_as_the_reader_does(cache: HeaderCache, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        cache.read_loadable(tmp_path / "none.gguf")
    with pytest.raises(ModelFileError):
        cache.read_loadable(tmp_path)


def test_a_cache_that_cannot_be_written_costs_nothing_else(model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert HeaderCache(tmp_path / "file" / "headers").read_loadable(model) == read_loadable(model)
