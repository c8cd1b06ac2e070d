"""Headers of safetensors files: what the format's own library writes, and what nobody should write."""

from __future__ import annotations

import json
import os
import random
import struct
from pathlib import Path

import pytest

from ockit.errors import ModelFileError, NotFound
from ockit.formats.safetensors_header import MAX_HEADER, read_safetensors


def raw(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(dtype: object = "F32", shape: object = (2,), offsets: object = (0, 8)) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_what_the_library_writes_is_read(tmp_path):
    import numpy as np
    from safetensors.numpy import save_file

    tensors = {
        "b.weight": np.ones((3, 4), np.float16),
        "a": np.zeros((2,), np.float32),
        "none": np.zeros((0, 5)),
    }
    save_file(tensors, tmp_path / "m.safetensors", metadata={"format": "pt"})
    header = read_safetensors(tmp_path / "m.safetensors")
    assert {name: tensor.shape for name, tensor in header.tensors.items()} == {
        "b.weight": (3, 4),
        "a": (2,),
        "none": (0, 5),
    }
    assert header.metadata == {"format": "pt"}
    tensor = header.tensors["b.weight"]
    assert (tmp_path / "m.safetensors").read_bytes()[tensor.start : tensor.end] == tensors[
        "b.weight"
    ].tobytes()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"abc", "goes past the end"),
        (struct.pack("<Q", 2**63) + b"{", "goes past the end"),
        (b"GGUF\x03\0\0\0 and more of it", "no safetensors file"),
        (raw(b"[]"), "does not begin with {"),
        (raw(b'{"a": '), "no JSON object"),
        (raw(b'{"a":' + b"[" * 100_000), "no JSON object"),
        (raw(b'{"a": {}, "a": {}}'), "names 'a' twice"),
        (raw({"a": 1}), "lacks its dtype"),
        (raw({"a": entry(dtype="F128")}, bytes(8)), "not known"),
        (raw({"a": entry(dtype=["F32"])}, bytes(8)), "not known"),
        (raw({"a": entry(shape=[-2])}, bytes(8)), "has the shape"),
        (raw({"a": entry(shape=[True, 2])}, bytes(8)), "has the shape"),
        (raw({"a": entry(shape=[2.0])}, bytes(8)), "has the shape"),
        (raw({"a": entry(shape=[1] * 9 + [2])}, bytes(8)), "has the shape"),
        (raw({"a": entry(shape=[2**62, 2**62, 0, 2])}, bytes(8)), "does not fill"),
        (raw({"a": entry(shape=[3])}, bytes(8)), "does not fill 8 bytes"),
        (raw({"a": entry(offsets=[8, 0])}, bytes(8)), "has the offsets"),
        (raw({"a": entry(offsets=[0, 4, 8])}, bytes(8)), "has the offsets"),
        (raw({"a": entry()}, bytes(7)), "goes past the end"),
        (raw({"a": entry()}, bytes(9)), "1 bytes follow"),
        (raw({"a": entry(), "b": entry(offsets=[4, 12])}, bytes(12)), "overlaps"),
        (raw({"a": entry(), "b": entry(offsets=[12, 20])}, bytes(20)), "leaves a hole"),
        (raw({"__metadata__": {"a": 1}}), "__metadata__"),
        (raw({"a": entry(shape=[10**30])}, bytes(8)), "has the shape"),
    ],
)
def test_what_contradicts_itself_is_refused_with_its_place(tmp_path, data, words):
    path = written(tmp_path / "m.safetensors", data)
    with pytest.raises(ModelFileError) as caught:
        read_safetensors(path)
    assert words in caught.value.what
    assert caught.value.where == str(path)
    assert caught.value.hint


def test_a_header_beyond_the_limit_is_not_read(tmp_path):
    path = tmp_path / "m.safetensors"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", MAX_HEADER + 1) + b"{")
        file.truncate(MAX_HEADER * 2)  # a sparse file: it costs nothing
    with pytest.raises(ModelFileError, match="the limit is"):
        read_safetensors(path)


def test_only_plain_files_are_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for place, kind in (("pipe", "named pipe"), (".", "directory")):
        with pytest.raises(ModelFileError, match=kind):
            read_safetensors(tmp_path / place)
    with pytest.raises(NotFound):
        read_safetensors(tmp_path / "none")


def test_mutants_are_read_or_refused(tmp_path):
    whole = raw({"a": entry(), "b": entry("F16", (2, 2), (8, 16)), "__metadata__": {"k": "v"}}, bytes(16))
    chance = random.Random(4)
    outcomes = {"read": 0, "refused": 0}
    for _ in range(2000):
        mutant = bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            mutant[chance.randrange(len(mutant))] = chance.randrange(256)
        path = written(
            tmp_path / "m", bytes(mutant[: chance.choice([len(mutant), chance.randrange(len(mutant))])])
        )
        try:
            read_safetensors(path)
            outcomes["read"] += 1
        except ModelFileError:
            outcomes["refused"] += 1
    assert outcomes["refused"] > 1000
    assert outcomes["read"] > 20  # those whose numbers or names alone were changed
