"""Low-rank changes: merged into an embedder's file, refused where they are damaged or for another model."""

from __future__ import annotations

import shutil
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from ockit.errors import ModelFileError, NotFound, UsageError
from ockit.formats.embedder_cache import EmbedderSource, converted
from ockit.formats.low_rank import KIND, read_changes, write_changes
from ockit.formats.sealed import Numbers, read_sealed, write_sealed
from ockit.formats.sentence_model import FILES
from tiny_embedders import tiny_embedder

QUERY = "encoder.layer.0.attention.self.query"
DOWN = "encoder.layer.1.output.dense"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_embedder(tmp_path_factory.mktemp("tiny") / "model")


def source_of(directory, changes=None):
    digests = {name: sha256((directory / name).read_bytes()).hexdigest() for name in FILES}
    return EmbedderSource("tiny", directory, digests, changes)


def some_changes(seed=0):
    random = np.random.default_rng(seed)
    shapes = {QUERY: (32, 32), DOWN: (32, 64)}
    return {
        name: (random.normal(0, 0.1, (4, width)), random.normal(0, 0.1, (height, 4)))
        for name, (height, width) in shapes.items()
    }


def test_the_file_is_that_of_a_model_with_the_sum_of_both(model, tmp_path):
    pairs = some_changes()
    write_changes(tmp_path / "changes", pairs, "")
    merged = shutil.copytree(model, tmp_path / "merged")
    weights = load_file(merged / "model.safetensors")
    for name, (first, second) in pairs.items():
        weights[f"{name}.weight"] += second.astype(np.float16).astype(np.float32) @ first.astype(
            np.float16
        ).astype(np.float32)
    save_file(weights, merged / "model.safetensors")
    made = converted(source_of(model, read_changes(tmp_path / "changes")), tmp_path / "cache")
    assert made.read_bytes() == converted(source_of(merged), tmp_path / "cache2").read_bytes()
    plain = converted(source_of(model), tmp_path / "cache3")
    assert made.read_bytes() != plain.read_bytes()
    assert made.name != plain.name


def test_the_identity_follows_the_changes(model, tmp_path):
    seen = {source_of(model).identity}
    for seed in range(3):
        write_changes(tmp_path / "changes", some_changes(seed), "")
        seen.add(replace(source_of(model), changes=read_changes(tmp_path / "changes")).identity)
    assert len(seen) == 4


@pytest.mark.parametrize("at", [12, 200, -1, -1000])
def test_a_damaged_file_is_refused(tmp_path, at):
    path = tmp_path / "changes"
    write_changes(path, some_changes(), "")
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match=str(path)):
        read_changes(path)


def test_a_missing_file_or_one_of_another_kind_is_refused(tmp_path):
    with pytest.raises(NotFound):
        read_changes(tmp_path / "nothing")
    write_sealed(tmp_path / "other", "tea", {}, {"x": Numbers("F16", (1,), b"ab")})
    with pytest.raises(ModelFileError, match="of the kind 'tea'"):
        read_changes(tmp_path / "other")
    write_sealed(tmp_path / "half", KIND, {}, {f"{QUERY}.A": Numbers("F16", (1, 1), b"ab")})
    with pytest.raises(ModelFileError, match="no half of a low-rank change"):
        read_changes(tmp_path / "half")


@pytest.mark.parametrize(
    "name", ["encoder.layer.7.output.dense", f"{QUERY}.bias", "encoder.layer.1.intermediate.dense"]
)
def test_changes_for_another_model_are_refused(model, tmp_path, name):
    write_changes(tmp_path / "changes", {name: (np.ones((2, 32)), np.ones((32, 2)))}, "")
    with pytest.raises(
        ModelFileError, match=r"made for another model|which the model has not|is for a matrix"
    ):
        converted(source_of(model, read_changes(tmp_path / "changes")), tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*.gguf"))


def test_changes_that_make_no_numbers_are_refused(model, tmp_path):
    write_changes(tmp_path / "changes", {QUERY: (np.full((2, 32), 6e4), np.full((32, 2), 6e4))}, "")
    with pytest.raises(ModelFileError, match="makes what is no number"):
        converted(source_of(model, read_changes(tmp_path / "changes")), tmp_path / "cache")


def test_what_was_sealed_comes_back(tmp_path):
    tensors = {"b": Numbers("I8", (2, 3), b"abcdef"), "a": Numbers("F32", (1,), b"\0\0\x80?")}
    digest = write_sealed(tmp_path / "x", "tea", {"note": "é", "n": [1, 2]}, tensors)
    sealed = read_sealed(tmp_path / "x", "tea")
    assert (sealed.digest, sealed.facts, sealed.tensors) == (digest, {"note": "é", "n": [1, 2]}, tensors)
    assert load_file(tmp_path / "x")["a"].tolist() == [1.0]  # the format's own library reads it
    with pytest.raises(UsageError):
        write_sealed(tmp_path / "y", "tea", {}, {"a": Numbers("F32", (2,), b"1234")})
