"""Embedders and rerankers of sentence-transformers, in a process of their own: tiny random ones, made here."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from ockit.engines.embedders import open_embedder, open_reranker
from ockit.engines.model_directory import find_model, identity_of
from ockit.environment import Environment
from ockit.errors import ModelFileError, NotFound, UsageError
from tiny_embedders import tiny_embedder, tiny_reranker

TEXTS = ["the cat sat on the mat", "", "a dog, ran?", "\ud800 tree", "one " * 400, "[CLS] red"]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    tiny_embedder(root / "plain")
    shutil.copytree(root / "plain", root / "prompted")
    prompts = {"prompts": {"query": "what is ", "document": "the "}}
    (root / "prompted" / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    tiny_reranker(root / "ranker")
    tiny_reranker(root / "classes", labels=3)
    return root


@pytest.fixture
def environment(models, tmp_path):
    with Path(os.devnull).open("rb") as stdin:
        variables = {"PATH": os.defpath, "OCKIT_HOME": str(tmp_path), "HOME": str(tmp_path)}
        yield Environment(stdin, sys.stdout, sys.stderr, variables, models)


def test_vectors_are_those_of_the_library(models, environment):
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(models / "prompted"), device="cpu")
    known = [text.encode("utf-8", "replace").decode() for text in TEXTS]
    opened = open_embedder("./prompted", environment)  # below the working directory
    try:
        info = opened.load()
        assert (info.dimension, info.pooling, info.max_tokens) == (32, "mean", 48)
        assert info.name == str(models / "prompted")
        assert (info.query_prefix, info.passage_prefix) == ("what is ", "the ")
        assert info.identity == identity_of(models / "prompted")
        for role, prefix in (("query", "what is "), ("passage", "the ")):
            ours = opened.embed(TEXTS, role)
            theirs = model.encode([prefix + text for text in known], normalize_embeddings=True)
            assert ((ours * theirs).sum(axis=1) > 0.99999).all()
        many = opened.embed(TEXTS * 40, "passage")
        assert ((many[: len(TEXTS)] * many[-len(TEXTS) :]).sum(axis=1) > 0.99999).all()
    finally:
        opened.close()


def test_a_reranker_scores_pairs(models, environment):
    from sentence_transformers import CrossEncoder
    from torch.nn import Sigmoid

    texts = ["the cat", "a dog sat under the blue tree", "red " * 300]
    opened = open_reranker(str(models / "ranker"), environment)
    try:
        scores = opened.score("what is the cat", texts)
        pairs = [("what is the cat", text) for text in texts]
        expected = CrossEncoder(str(models / "ranker"), device="cpu").predict(pairs, activation_fn=Sigmoid())
        assert scores == pytest.approx(list(expected), abs=1e-5)
        assert opened.score("\ud800", []) == []
    finally:
        opened.close()


def test_a_classifier_is_no_reranker(models, environment):
    opened = open_reranker(str(models / "classes"), environment)
    try:
        with pytest.raises(ModelFileError, match="tells 3 classes apart"):
            opened.score("what", ["a cat"])
    finally:
        opened.close()


def test_the_identity_follows_the_weights(models, tmp_path):
    before = identity_of(models / "plain")
    copy = shutil.copytree(models / "plain", tmp_path / "copy")
    assert identity_of(copy) == before
    (copy / "README.md").write_text("other words")
    assert identity_of(copy) == before
    weights = copy / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert identity_of(copy) != before
    assert identity_of(models / "prompted") != before  # its prompts decide its vectors


@pytest.mark.parametrize("variable", ["HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HOME"])
def test_a_name_is_looked_up_in_the_hubs_cache(models, tmp_path, variable):
    below = {"HF_HUB_CACHE": "", "HF_HOME": "hub", "XDG_CACHE_HOME": "huggingface/hub"}
    cache = tmp_path / below.get(variable, ".cache/huggingface/hub")
    folder = cache / "models--sentence-transformers--tiny"
    shutil.copytree(models / "plain", folder / "snapshots" / COMMIT)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(COMMIT)
    variables = {"HOME": str(tmp_path / "nobody"), variable: str(tmp_path)}
    for name in ("sentence-transformers/tiny", "tiny"):
        assert find_model(name, variables, tmp_path) == folder / "snapshots" / COMMIT
    (folder / "refs" / "main").write_text("../../..")
    with pytest.raises(NotFound):
        find_model("tiny", variables, tmp_path)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("nobody/nothing", NotFound),
        ("./nothing", NotFound),
        ("", UsageError),
        ("a b", UsageError),
        ("a/b/c", UsageError),
        ("x\x00y", UsageError),
        ("../..", ModelFileError),
        ("nobody/..", UsageError),
        ("~nobody-of-this-name/x", UsageError),
        ("org/model", NotFound),  # lies below the working directory, but is not named ./org/model
    ],
)
def test_a_name_of_nothing_is_an_error(tmp_path, name, kind):
    (tmp_path / "a" / "b" / "org" / "model").mkdir(parents=True)
    with pytest.raises(kind) as caught:
        find_model(name, {"HOME": str(tmp_path)}, tmp_path / "a" / "b")
    assert caught.value.hint


def _pickled(directory: Path) -> None:
    (directory / "model.safetensors").rename(directory / "pytorch_model.bin")


def _dense_pickled(directory: Path) -> None:
    (directory / "2_Dense").mkdir()
    (directory / "2_Dense" / "pytorch_model.bin").write_bytes(b"\x80\x04.")


def _own_modules(directory: Path) -> None:
    (directory / "modules.json").write_text(
        json.dumps([{"idx": 0, "name": "0", "path": "", "type": "os.path.X"}])
    )


def _auto_map(directory: Path) -> None:
    config = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps(config | {"auto_map": {"AutoModel": "evil.Model"}}))


def _router(directory: Path, kind: str, folder: str = "query") -> None:
    (directory / "1_Router").mkdir()
    config = {"types": {folder: kind}, "structure": {"query": [folder]}, "parameters": {}}
    (directory / "1_Router" / "router_config.json").write_text(json.dumps(config))


def _own_module_of_a_router(directory: Path) -> None:
    _router(directory, "evil.Model")


def _hidden_module_of_a_router(directory: Path) -> None:
    _router(directory, "sentence_transformers.sentence_transformer.modules.Dense", ".evil")


def _hidden_module(directory: Path) -> None:
    entries = json.loads((directory / "modules.json").read_text())
    (directory / "modules.json").write_text(json.dumps([*entries, entries[-1] | {"path": "../evil"}]))


def _own_activation(directory: Path) -> None:
    (directory / "2_Dense").mkdir()
    said = {"in_features": 2, "activation_function": "torch.hub.load"}
    (directory / "2_Dense" / "config.json").write_text(json.dumps(said))


def _own_activation_within(directory: Path) -> None:
    config = json.loads((directory / "config.json").read_text())
    said = config | {"sentence_transformers": {"activation_fn": "evil.Model"}}
    (directory / "config.json").write_text(json.dumps(said))


def _own_tokenizer(directory: Path) -> None:
    (directory / "0_Words").mkdir()
    (directory / "0_Words" / "wordembedding_config.json").write_text('{"tokenizer_class": "evil.Words"}')


def _pickled_far_below(directory: Path) -> None:
    place = directory / "1_Router" / "query_0_Dense" / "inner"
    place.mkdir(parents=True)
    (place / "pytorch_model.bin").write_bytes(b"\x80\x04.")


def _cut(directory: Path) -> None:
    weights = directory / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-5])


def _bad_json(directory: Path) -> None:
    (directory / "config.json").write_text("{" * 1000)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_pickled, "pickled"),
        (_dense_pickled, "pickled"),
        (_own_modules, "code of its own"),
        (_auto_map, "code of its own"),
        (_own_module_of_a_router, "code of its own"),
        (_hidden_module_of_a_router, "code of its own"),
        (_hidden_module, "code of its own"),
        (_own_activation, "code of its own"),
        (_own_activation_within, "code of its own"),
        (_own_tokenizer, "code of its own"),
        (_pickled_far_below, "pickled"),
        (_cut, "goes past the end"),
        (_bad_json, "no JSON"),
    ],
)
def test_what_could_run_code_or_is_damaged_is_refused_before_anything_starts(
    models, environment, tmp_path, damage, words
):
    copy = shutil.copytree(models / "plain", tmp_path / "copy")
    damage(copy)
    for opening in (open_embedder, open_reranker):
        with pytest.raises(ModelFileError, match=words):
            opening(str(copy), environment)


def test_classes_of_the_library_are_no_code_of_a_model(models, tmp_path):
    copy = shutil.copytree(models / "plain", tmp_path / "copy")
    _router(copy, "sentence_transformers.sentence_transformer.modules.Dense")
    (copy / "2_Dense").mkdir()
    said = {"in_features": 2, "activation_function": "torch.nn.modules.activation.Tanh"}
    (copy / "2_Dense" / "config.json").write_text(json.dumps(said))
    assert find_model(str(copy), {}, tmp_path) == copy


def test_a_folder_that_holds_itself_is_no_model(models, tmp_path):
    copy = shutil.copytree(models / "plain", tmp_path / "copy")
    for name in ("again", "and again"):
        (copy / name).symlink_to(copy)
    with pytest.raises(ModelFileError, match="more than 1000 files"):
        find_model(str(copy), {}, tmp_path)


def test_what_the_library_cannot_load_is_an_error(models, environment, tmp_path):
    copy = shutil.copytree(models / "plain", tmp_path / "copy")
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"model_type": "no such kind"}))
    opened = open_embedder(str(copy), environment)
    try:
        with pytest.raises(ModelFileError, match="cannot load it"):
            opened.load()
    finally:
        opened.close()
