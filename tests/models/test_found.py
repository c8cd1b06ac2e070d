"""Models of other programs, in caches built on disk as those programs build them."""

import hashlib
import json
import os

import pytest
from gguf import GGUFValueType as T

from ockit.models import found
from ockit.models.facts import FactBook
from tiny_models import write_model


@pytest.fixture
def look(directories, tmp_path):
    """Looks below the test's own home."""

    def search(known=None, **variables):
        book = FactBook(directories)
        rows, problems = found.search({"HOME": str(tmp_path), **variables}, book, known or {})
        book.save()
        return rows, problems

    return search


def blob(root, path):
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    (root / "blobs").mkdir(parents=True, exist_ok=True)
    (root / "blobs" / f"sha256-{digest}").write_bytes(data)
    return f"sha256:{digest}"


def manifest(root, where, *layers):
    path = root / "manifests" / where
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        {"mediaType": f"application/vnd.ollama.image.{kind}", "digest": digest, "size": 1}
        for kind, digest in layers
    ]
    path.write_text(json.dumps({"schemaVersion": 2, "layers": rows}))
    return path


def test_ollama(look, tmp_path, tiny, ockit):
    root = tmp_path / ".ollama" / "models"
    model, other = blob(root, tiny("a")), blob(root, tiny("b", add=b"x"))
    eyes = blob(root, write_model(tmp_path / "eyes", extra={"general.type": ("mmproj", T.STRING)}))
    manifest(root, "registry.ollama.ai/library/llama3.2/3b", ("model", model), ("template", model))
    manifest(root, "registry.ollama.ai/library/llama3.2/latest", ("model", model))  # the same blob: one row
    manifest(root, "registry.ollama.ai/me/mine/latest", ("model", other), ("projector", eyes))
    rows, problems = look()
    assert problems == []
    assert [(row.name, row.problem is None) for row in rows] == [
        ("llama3.2:3b", True),
        ("me/mine:latest", True),
        ("me/mine:latest", False),
    ]
    first = rows[0]
    assert first.path == root / "blobs" / model.replace(":", "-")
    assert first.add_line == f"ockit models add {first.path} --name llama3.2-3b"
    assert "mmproj" in rows[2].problem
    assert ockit(*first.add_line.split()[1:]).code == 0
    assert ockit("models", "list", "--found", "--json").json["found"][0]["added_as"] == "llama3.2-3b"


def test_ollama_elsewhere_and_its_newer_manifests(look, tmp_path, tiny):
    root = tmp_path / "elsewhere"
    digest = blob(root, tiny())
    path = manifest(root, "x", ("model", digest))
    linked = root / "manifests-v2" / "ollama.com" / "library" / "qwen3" / "4b"
    linked.parent.mkdir(parents=True)
    stored = root / "blobs" / "sha256-manifest"
    path.rename(stored)
    linked.symlink_to(stored)
    rows, problems = look(OLLAMA_MODELS=str(root))
    assert ([row.name for row in rows], problems) == (["qwen3:4b"], [])


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"{}", b'{"layers": 3}', b'{"layers": [{}]}', b"[" * 100_000, b"\xff"],
)
def test_damaged_manifests_are_reported(look, tmp_path, content):
    path = manifest(tmp_path / ".ollama" / "models", "registry.ollama.ai/library/m/t")
    path.write_bytes(content)
    rows, problems = look()
    assert (rows, len(problems)) == ([], 1)
    assert str(path) in problems[0]


@pytest.mark.parametrize("digest", ["sha256:../../../secret", "sha256:" + "A" * 64, "md5:1", 7, None])
def test_digests_lead_nowhere_else(look, tmp_path, digest):
    manifest(tmp_path / ".ollama" / "models", "registry.ollama.ai/library/m/t", ("model", digest))
    rows, problems = look()
    assert (rows, len(problems)) == ([], 1)


def test_a_blob_that_is_missing_is_marked(look, tmp_path):
    manifest(
        tmp_path / ".ollama" / "models", "registry.ollama.ai/library/m/t", ("model", "sha256:" + "0" * 64)
    )
    (row,), _ = look()
    assert (row.problem, row.add_line) == ("no such file", None)


def test_lm_studio(look, tmp_path, tiny):
    new = tiny(".lmstudio/models/org/repo/File-Q4.gguf")
    old = tiny(".cache/lm-studio/models/org/old/Old Name.gguf", add=b"x")
    rows, _ = look()
    assert [(row.name, row.where, row.path) for row in rows] == [
        ("org/repo/File-Q4", "LM Studio", new),
        ("org/old/Old Name", "LM Studio", old),
    ]
    assert rows[1].add_line == f"ockit models add '{old}' --name old-name"
    moved = tiny("disk/models/org/repo/moved.gguf", add=b"y")
    (tmp_path / ".lmstudio-home-pointer").write_text(str(tmp_path / "disk"))
    assert moved in [row.path for row in look()[0]]


def snapshot(root, repository, name, data):
    folder = root / f"models--{repository.replace('/', '--')}"
    stored = folder / "blobs" / hashlib.sha256(data).hexdigest()
    link = folder / "snapshots" / "0123abc" / name
    stored.parent.mkdir(parents=True, exist_ok=True)
    link.parent.mkdir(parents=True, exist_ok=True)
    stored.write_bytes(data)
    link.symlink_to(os.path.relpath(stored, link.parent))
    return link


@pytest.mark.parametrize(
    ("variable", "below"),
    [
        (None, ".cache/huggingface/hub"),
        ("HF_HOME", "h/hub"),
        ("HF_HUB_CACHE", "c"),
        ("XDG_CACHE_HOME", "x/huggingface/hub"),
    ],
)
def test_hugging_face(look, tmp_path, tiny, variable, below):
    root = tmp_path / below
    link = snapshot(root, "org/repo-GGUF", "model-q8.gguf", tiny().read_bytes())
    snapshot(root, "org/other", "config.json", b"{}")
    values = {"HF_HOME": "h", "HF_HUB_CACHE": "c", "XDG_CACHE_HOME": "x"}
    rows, problems = look(**({variable: str(tmp_path / values[variable])} if variable else {}))
    assert problems == []
    assert [(row.name, row.where, row.path) for row in rows] == [
        ("org/repo-GGUF/model-q8", "Hugging Face", link)
    ]


def test_a_link_out_of_the_cache_is_not_followed(look, tmp_path, tiny):
    outside = tiny("outside.gguf")
    folder = tmp_path / ".cache" / "huggingface" / "hub" / "models--a--b" / "snapshots" / "1"
    folder.mkdir(parents=True)
    (folder / "x.gguf").symlink_to(outside)
    (folder / "dir").symlink_to(tmp_path)
    (folder / "loop.gguf").symlink_to("loop.gguf")
    (folder / "gone.gguf").symlink_to("nothing.gguf")
    rows, problems = look()
    assert rows == []
    assert any("leads out of" in text for text in problems)


def test_llama_cpp(look, tmp_path, tiny):
    path = tiny("lc/org_repo_model.gguf")
    (row,), _ = look(LLAMA_CACHE=str(tmp_path / "lc"))
    assert (row.where, row.path) == ("llama.cpp", path)


def test_damaged_files_and_later_parts(look, tmp_path, tiny):
    tiny(".lmstudio/models/a/b/whole.gguf")
    (tmp_path / ".lmstudio/models/a/b/broken.gguf").write_bytes(b"GGUF\x03\0\0\0")
    tiny(".lmstudio/models/a/b/s-00002-of-00002.gguf")
    rows, _ = look()
    assert [(row.name, row.problem is None, row.facts is None) for row in rows] == [
        ("a/b/broken", False, True),
        ("a/b/whole", True, False),
    ]
    assert rows[0].add_line is None


def test_what_cannot_be_read_is_reported(look, tmp_path, tiny):
    (tmp_path / ".ollama").write_text("a file")
    tiny(".lmstudio/models/a/b/whole.gguf")
    locked = tmp_path / ".lmstudio" / "models" / "a" / "locked"
    locked.mkdir()
    locked.chmod(0)
    rows, problems = look()
    locked.chmod(0o700)
    assert [row.name for row in rows] == ["a/b/whole"]
    if os.geteuid() != 0:
        assert any(str(locked) in text for text in problems)


def test_the_walk_is_bounded(look, tmp_path, tiny, monkeypatch):
    tiny(".lmstudio/models/" + "d/" * 20 + "deep.gguf")
    assert look()[0] == []
    for i in range(5):
        tiny(f".lmstudio/models/many/{i}.gguf", add=bytes([i]))
    monkeypatch.setattr(found, "MAX_FILES", 3)
    rows, problems = look()
    assert (len(rows), len(problems)) == (3, 1)
    walk = found.Walk(entries_left=4)
    assert len(list(walk.files(tmp_path / ".lmstudio" / "models"))) < 5
    assert len(walk.problems) == 1


def test_the_command_shows_names_safely(ockit, tiny):
    tiny(".lmstudio/models/a/evil\x1b[2J\u202e/m.gguf")
    ran = ockit("models", "list", "--found")
    assert ran.code == 0
    assert not set(ran.out + ran.err) & set("\x1b\u202e")
    assert "<U+202E>" in ran.out
    (row,) = ockit("models", "list", "--found", "--json").json["found"]
    assert "\u202e" in row["path"]


def test_nothing_found_says_where_it_looked(ockit):
    ran = ockit("models", "list", "--found")
    assert (ran.code, ran.out) == (0, "")
    assert ".ollama" in ran.err
