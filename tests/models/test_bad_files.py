"""Files that are no models: each one message, the documented exit code, nothing noted."""

import os
import struct

import pytest
from gguf import GGUFValueType as T

from tiny_models import embedded_model, write_model

NAMES = [
    "evil\x1b[2J.gguf",
    "evil\u202efugg.gguf",
    "line\nbreak.gguf",
    "title\x1b]0;x\x07.gguf",
    "c1\x9b31m.gguf",
]


def not_a_model(tmp_path, kind):
    path = tmp_path / "bad.gguf"
    if kind == "directory":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "dangling link":
        path.symlink_to(tmp_path / "nowhere")
    elif kind == "loop of links":
        path.symlink_to(path)
    elif kind == "below a file":
        (tmp_path / "file").write_text("x")
        path = tmp_path / "file" / "bad.gguf"
    elif kind == "empty":
        path.touch()
    elif kind == "text":
        path.write_text("hello")
    elif kind == "web page":
        path.write_text("<!doctype html><html></html>")
    elif kind == "truncated":
        with open(embedded_model(), "rb") as file:
            path.write_bytes(file.read(3 << 20))
    elif kind == "huge count":
        path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 2**63 - 1))
    return path


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("missing", 3),
        ("dangling link", 3),
        ("below a file", 3),
        ("directory", 1),
        ("pipe", 1),
        ("loop of links", 1),
        ("empty", 1),
        ("text", 1),
        ("web page", 1),
        ("truncated", 1),
        ("huge count", 1),
    ],
)
def test_one_message_each(ockit, home, tmp_path, kind, code):
    path = not_a_model(tmp_path, kind)
    ran = ockit("models", "add", path)
    assert (ran.code, ran.out, ran.err.count("error: ")) == (code, "", 1)
    assert "try: " in ran.err
    assert str(path) in ran.err
    assert not (home / "data" / "models.json").exists()
    assert ockit("models", "show", path).code == code


def test_an_unreadable_file(ockit, tiny):
    path = tiny()
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user reads every file, whatever its permissions")
    ran = ockit("models", "add", path)
    assert (ran.code, "cannot be read" in ran.err) == (1, True)


def test_a_renamed_model_is_still_one(registry, tiny):
    assert registry.add(tiny("model.txt")).outcome == "added"
    assert registry.resolve("./model.txt").source == "added"


@pytest.mark.parametrize("name", NAMES)
def test_file_names_that_would_steer_a_terminal(ockit, tiny, name):
    path = tiny(name)
    added = ockit("models", "add", path)
    assert added.code == 0
    known = ockit("models", "list", "--json").json["models"][1]
    assert known["path"] == str(path)
    shown = ockit("models", "show", known["name"])
    assert shown.code == 0
    path.unlink()
    gone = ockit("models", "list")
    for text in (added.err, shown.out, gone.out, gone.err):
        assert not set(text) & set("\x1b\x9b\u202e\x07")
    assert len([line for line in shown.out.splitlines() if line.startswith("path:")]) == 1


def test_a_file_name_that_is_not_utf8(registry, directories, tmp_path, tiny_source):
    from ockit.models.registry import Registry

    path = os.fsencode(tmp_path) + b"/b\xffd.gguf"
    with open(path, "wb") as file:
        file.write(tiny_source.read_bytes())
    entry = registry.add(os.fsdecode(path)).entry
    assert os.fsencode(Registry(directories).resolve(entry.name).path) == path


def test_names_inside_a_file(registry, tmp_path):
    path = write_model(tmp_path / "model.gguf", name="\x1b[31mBad\u202e/../Name")
    assert registry.add(path).entry.name == "31mbad-..-name-f32"


@pytest.mark.parametrize(
    ("kind", "architecture", "extra"),
    [
        ("mmproj", "clip", {}),
        ("mmproj", "llama", {"general.type": ("mmproj", T.STRING)}),
        ("adapter", "llama", {"general.type": ("adapter", T.STRING)}),
        ("embedding", "llama", {"llama.pooling_type": (1, T.UINT32)}),
        ("embedding", "nomic-bert", {}),
    ],
)
def test_what_cannot_chat_is_refused(ockit, tmp_path, kind, architecture, extra):
    path = write_model(
        tmp_path / "other.gguf", extra={"general.architecture": (architecture, T.STRING), **extra}
    )
    ran = ockit("models", "add", path)
    assert (ran.code, kind in ran.err) == (1, True)


def test_a_vocabulary_is_refused(ockit, data_dir):
    ran = ockit("models", "add", data_dir("vocab") / "ggml-vocab-llama-bpe.gguf")
    assert (ran.code, "vocabulary" in ran.err) == (1, True)


def test_advice_that_makes_no_sense_is_not_followed(registry, tmp_path):
    extra = {
        "general.sampling.temp": (0.6, T.FLOAT32),
        "general.sampling.top_p": (float("nan"), T.FLOAT32),
        "general.sampling.top_k": (20, T.INT32),
        "general.sampling.min_p": ("much", T.STRING),
        "general.sampling.penalty_repeat": (-1.0, T.FLOAT32),
    }
    entry = registry.add(write_model(tmp_path / "advised.gguf", extra=extra)).entry
    assert entry.sampling == {"temperature": pytest.approx(0.6), "top_k": 20}
