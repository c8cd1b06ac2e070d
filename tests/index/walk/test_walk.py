"""What the walk takes and leaves: every reason has its word, and every entry is taken or counted."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from ockit.index.walk.rules import file_left_out, folder_left_out
from ockit.index.walk.walker import Walk


def paths(walk: Walk) -> list[str]:
    return [found.path for found in walk]


def test_each_reason_has_its_word(tmp_path: Path) -> None:
    for folder in ("node_modules", "src/__pycache__", ".git", "env/lib", "cache", "build", "src/build"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "x.py").write_text("x = 1\n")
    for name in (
        "a.md",
        "pyproject.toml",
        ".hidden",
        ".env",
        "id_rsa",
        "package-lock.json",
        "lib.min.js",
        "x.log",
    ):
        (tmp_path / name).write_text("words")
    (tmp_path / "env" / "pyvenv.cfg").write_text("")
    (tmp_path / "cache" / "CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55")
    (tmp_path / ".ockitignore").write_text("*.log\n")
    (tmp_path / "link.md").symlink_to("a.md")
    (tmp_path / "loop").symlink_to(".")
    (tmp_path / "outside").symlink_to("/etc")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "socket"))
    walk = Walk([str(tmp_path)], exclude=("*.toml",))
    assert paths(walk) == ["a.md", "src/build/x.py"]
    expected = {
        "generated": 7,
        "hidden": 3,
        "secret": 2,
        "ignored": 1,
        "excluded": 1,
        "link": 3,
        "special": 2,
    }
    assert walk.skipped == expected
    assert walk.unlisted == []


def test_names_of_any_bytes_come_back_as_they_are(tmp_path: Path) -> None:
    names = [b"plain", b"new\nline", b"esc\x1b[31m", b"\xff\xfe not utf-8", "ümläut".encode(), b"-rf", b" "]
    for name in names:
        (tmp_path / os.fsdecode(name)).write_text("words")
    assert {os.fsencode(path) for path in paths(Walk([str(tmp_path)]))} == set(names)


def test_overlapping_roots_are_walked_once(tmp_path: Path) -> None:
    for name in ("a.md", "in/b.md", "in/deep/c.md", ".hidden/d.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("words")
    top = str(tmp_path)
    walk = Walk([f"{top}/in", top, f"{top}/.hidden", f"{top}/in/deep"], named=())
    assert [(found.root, found.path) for found in walk] == [
        (1, "a.md"),
        (1, "in/b.md"),
        (1, "in/deep/c.md"),
        (2, "d.md"),  # the outer walk leaves it out, but it was asked for
    ]
    walk = Walk([top, f"{top}/in", f"{top}/.hidden"], named=((1, "b.md"), (2, "d.md")))
    assert [(found.root, found.path) for found in walk][2:] == [(0, "in/deep/c.md"), (2, "d.md")]


def test_a_tree_deeper_than_a_path_may_be_long(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(40):
        os.mkdir("d" * 200, dir_fd=here)
        inner = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    (tmp_path / "a.md").write_text("words")
    walk = Walk([str(tmp_path)])
    assert paths(walk) == ["a.md"]
    assert [one.what for one in walk.unlisted] == ["file name too long"]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    walk = Walk([str(tmp_path / "missing")])
    assert paths(walk) == []
    assert [(one.root, one.path) for one in walk.unlisted] == [(0, "")]


def test_include_takes_folders_and_patterns(tmp_path: Path) -> None:
    for name in ("a.md", "b.txt", "docs/c.rst", "docs/deep/d.txt", "src/e.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("words")
    assert paths(Walk([str(tmp_path)], include=("docs/", "*.md"))) == [
        "a.md",
        "docs/c.rst",
        "docs/deep/d.txt",
    ]
    assert paths(Walk([str(tmp_path)], include=("*.txt",), exclude=("deep",))) == ["b.txt"]


SECRET = (
    ".env .env.local prod.env .netrc id_rsa id_ed25519.bak server.pem tls.KEY vault.kdbx credentials "
    "credentials.json .npmrc .git-credentials terraform.tfstate secrets.yaml release.asc client_secret_1.json "
    "application_default_credentials.json aws_credentials.csv prod.tfvars.json secret.yaml kubeconfig prod.env.bak "
    "server.key.bak server.key~ tls.pem.old credentials.orig id_rsa.1 .env.old~ #.env# db-secret.yml accessKeys.csv"
)
OPEN = (
    "env.py credentials.py credentials.md .env.example id_rsa.pub key.py monkey keys.md secrets.py pem.txt "
    "id_rsa.pub.bak notes.md.bak .env.example.old my_credentials.py secret.md"
)


@pytest.mark.parametrize("name", SECRET.split())
def test_names_of_secrets(name: str) -> None:
    assert file_left_out(name) == "secret"


@pytest.mark.parametrize("name", OPEN.split())
def test_names_that_only_look_like_secrets(name: str) -> None:
    assert file_left_out(name) == ("hidden" if name.startswith(".") else None)


def test_build_is_an_output_only_beside_what_builds() -> None:
    assert folder_left_out("build", {"setup.py", "build"}) == "generated"
    assert folder_left_out("build", {"commands.py", "build"}) is None
    assert folder_left_out("node_modules", set()) == "generated"
    assert folder_left_out(".git", set()) == "hidden"
