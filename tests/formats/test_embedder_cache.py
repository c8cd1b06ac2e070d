"""The embedder's file in the cache: made once, by one process, believed as long as it is what was made."""

from __future__ import annotations

import json
import mmap
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from ockit.errors import ModelFileError, NotFound, StoreError
from ockit.formats.embedder_cache import EmbedderSource, converted, usable
from ockit.formats.gguf_header import read_header
from ockit.formats.sentence_model import FILES, read_bert
from tiny_embedders import tiny_embedder


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_embedder(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture
def source(model, tmp_path):
    directory = shutil.copytree(model, tmp_path / "source")
    return source_of(directory)


def source_of(directory: Path) -> EmbedderSource:
    digests = {name: sha256((directory / name).read_bytes()).hexdigest() for name in FILES}
    return EmbedderSource("tiny", directory, digests)


def changed(directory: Path, name: str, **values: object) -> None:
    path = directory / name
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_the_file_describes_the_model(source, tmp_path):
    header = read_header(converted(source, tmp_path / "cache"))
    facts = read_bert(source.directory)
    assert header.architecture == "bert"
    assert header.n_layers == facts.n_layers == 2
    assert header.n_vocab == len(facts.tokens)
    assert header.metadata["bert.attention.causal"] is False
    kinds = {tensor.name: tensor.kind.name for tensor in header.tensors}
    assert kinds["token_embd.weight"] == kinds["blk.1.ffn_down.weight"] == "F16"
    assert (
        kinds["position_embd.weight"]
        == kinds["blk.0.attn_q.bias"]
        == kinds["token_embd_norm.weight"]
        == "F32"
    )
    assert len(kinds) == 5 + 16 * facts.n_layers


def test_a_kept_file_is_not_made_again(source, tmp_path):
    made = converted(source, tmp_path / "cache")
    before = made.stat()
    shutil.rmtree(source.directory)  # so that nothing could be made
    assert converted(source, tmp_path / "cache") == made
    assert made.stat().st_ino == before.st_ino
    assert made.stat().st_mode & 0o777 == 0o600
    assert sorted(path.suffix for path in made.parent.iterdir()) == [".gguf", ".json", ".lock"]


def test_the_file_of_another_version_goes_when_a_new_one_is_made(source, tmp_path):
    old = converted(source, tmp_path / "cache")
    for name in ("tiny-0123.gguf", "tiny-other-0123456789abcdef.gguf", "mine.gguf"):
        (old.parent / name).write_bytes(b"x")
    with old.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        before = bytes(mapped)
        tokenizer = json.loads((source.directory / "config.json").read_text())
        (source.directory / "config.json").write_text(json.dumps(tokenizer, indent=3))
        new = converted(source_of(source.directory), tmp_path / "cache")
        assert new != old
        assert bytes(mapped) == before
    kept = {path.name for path in old.parent.iterdir() if path.suffix != ".lock"}
    assert kept == {
        new.name, new.with_suffix(".json").name, "tiny-0123.gguf", "tiny-other-0123456789abcdef.gguf", "mine.gguf",
    }  # fmt: skip
    assert converted(source_of(source.directory), tmp_path / "cache") == new


def test_a_touched_file_is_hashed_and_kept(source, tmp_path):
    made = converted(source, tmp_path / "cache")
    inode = made.stat().st_ino
    os.utime(made, (1, 1))
    shutil.rmtree(source.directory)
    assert converted(source, tmp_path / "cache").stat().st_ino == inode
    assert json.loads(made.with_suffix(".json").read_text())["stamp"][3] == 1_000_000_000


@pytest.mark.parametrize("damage", ["bit", "short", "gone", "no stamp", "stamp", "directory of noise"])
def test_a_damaged_file_is_made_anew(source, tmp_path, damage):
    made = converted(source, tmp_path / "cache")
    whole = made.read_bytes()
    beside = made.with_suffix(".json")
    if damage == "bit":
        made.write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
    elif damage == "short":
        made.write_bytes(whole[: len(whole) // 2])
    elif damage == "gone":
        made.unlink()
    elif damage == "no stamp":
        beside.unlink()
    elif damage == "stamp":
        beside.write_text("[1, 2")
    else:
        made.with_suffix(".part").write_bytes(b"what a killed process left")
        made.unlink()
    assert converted(source, tmp_path / "cache").read_bytes() == whole
    assert not made.with_suffix(".part").exists()


def test_a_changed_source_is_refused(source, tmp_path):
    weights = source.directory / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(ModelFileError, match="not the file that was installed"):
        converted(source, tmp_path / "cache")
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".lock"]


def test_the_identity_follows_every_file_that_decides(source):
    seen = {source.identity}
    for name in FILES:
        seen.add(replace(source, digests={**source.digests, name: "0" * 64}).identity)
    assert len(seen) == len(FILES) + 1


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("config.json", {"model_type": "roberta"}, "model_type"),
        ("config.json", {"hidden_act": "relu"}, "hidden_act"),
        ("config.json", {"num_hidden_layers": 3}, "is missing"),
        ("config.json", {"hidden_size": 36}, "has the shape"),
        ("config.json", {"vocab_size": 7}, "tokens, but a vocab_size"),
        ("config.json", {"num_attention_heads": 5}, "heads"),
        ("config.json", {"intermediate_size": "64"}, "intermediate_size"),
        ("tokenizer_config.json", {"do_lower_case": False}, "keeps case"),
        ("1_Pooling/config.json", {"pooling_mode_max_tokens": True}, "its pooling"),
        ("sentence_bert_config.json", {"max_seq_length": 1}, "max_seq_length"),
    ],
)
def test_a_model_that_would_run_otherwise_is_refused(source, tmp_path, name, values, words):
    changed(source.directory, name, **values)
    with pytest.raises(ModelFileError, match=words):
        converted(source_of(source.directory), tmp_path / "cache")


def test_a_missing_file_is_named(source, tmp_path):
    (source.directory / "vocab.txt").unlink()
    with pytest.raises(NotFound) as caught:
        converted(source, tmp_path / "cache")
    assert caught.value.where == str(source.directory / "vocab.txt")


def test_numbers_that_are_none_are_refused(source, tmp_path):
    import numpy as np
    from safetensors.numpy import load_file, save_file

    weights = source.directory / "model.safetensors"
    tensors = load_file(weights)
    tensors["embeddings.LayerNorm.bias"][3] = np.nan
    save_file(tensors, weights)
    with pytest.raises(ModelFileError, match=r"LayerNorm\.bias holds what is no number"):
        converted(source_of(source.directory), tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*.gguf"))


def test_a_cache_that_cannot_be_written_says_so(source, tmp_path):
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(StoreError) as caught:
        converted(source, tmp_path / "cache")
    assert "OCKIT_HOME" in str(caught.value.hint)


def test_where_the_cache_cannot_be_written_a_file_lasts_as_long_as_its_mapping(source, tmp_path):
    with usable(source, tmp_path / "cache") as kept:
        whole = kept.read_bytes()
    assert kept.read_bytes() == whole
    (tmp_path / "file").write_text("a file")
    with usable(source, tmp_path / "file") as unkept:
        assert unkept.read_bytes() == whole
    assert not unkept.exists()
    assert (tmp_path / "file").read_text() == "a file"
    (source.directory / "vocab.txt").unlink()
    with pytest.raises(NotFound), usable(source, tmp_path / "file"):
        pass


CHILD = """
import json, sys
from pathlib import Path
from ockit.formats import embedder_cache
said = json.loads(sys.argv[1])
source = embedder_cache.EmbedderSource("tiny", Path(said["directory"]), said["digests"])
convert, made = embedder_cache.convert, []
embedder_cache.convert = lambda *arguments: (made.append(1), convert(*arguments))
path = embedder_cache.converted(source, Path(said["cache"]))
print(len(made), path.stat().st_ino)
"""


def test_of_processes_that_come_at_once_one_makes_it(source, tmp_path):
    said = {
        "directory": str(source.directory),
        "digests": dict(source.digests),
        "cache": str(tmp_path / "cache"),
    }
    children = [
        subprocess.Popen(
            [sys.executable, "-c", CHILD, json.dumps(said)], stdout=subprocess.PIPE, text=True, cwd=tmp_path
        )
        for _ in range(3)
    ]
    ends = [child.communicate(timeout=60)[0].split() for child in children]
    assert sorted(made for made, _ in ends) == ["0", "0", "1"]
    assert len({inode for _, inode in ends}) == 1
