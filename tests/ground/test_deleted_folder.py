"""A working directory that was deleted: relative paths lead nowhere and say so, absolute ones work."""

import os
import subprocess
from pathlib import Path

import pytest

from ockit.environment import DeletedFolder
from ockit.errors import NotFound

GONE = 'mkdir gone; cd gone; rmdir ../gone; exec "$0" "$@"'


def test_what_can_be_put_behind_it():
    gone = DeletedFolder("/(deleted)")
    assert gone / "/etc/hosts" == Path("/etc/hosts")
    assert type(gone / Path("/etc")) is type(Path("/etc"))
    for relative in (".", "..", "notes.md", Path("a/b"), ""):
        with pytest.raises(NotFound, match="has been deleted"):
            gone / relative
    assert not gone.exists()
    assert not gone.resolve().is_relative_to("/")
    assert (str(gone), str(gone.parent)) == ("/(deleted)", "/")
    assert os.path.relpath("/etc/hosts", gone) == "../etc/hosts"


@pytest.mark.parametrize(
    "words",
    [
        ("index", "."),
        ("index", ".", "--dry-run", "--yes"),
        ("index", "..", "--watch"),
        ("ask", "--index-dir", ".", "hello"),
        ("ask", "-f", "notes.md", "hello"),
        ("ask", "--schema", "schema.json", "hello"),
        ("indexes", "import", "kept.index"),
        ("indexes", "import-sentences", "rows.jsonl"),
        ("models", "add", "model.gguf"),
        ("inspect", "./model.gguf"),
    ],
)
def test_a_relative_path(run_ockit, words):
    ran = subprocess.run(
        ["bash", "-c", GONE, *run_ockit.command(), *words],
        cwd=run_ockit.cwd,
        capture_output=True,
        text=True,
        env=run_ockit.variables(),
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, "the folder you stand in has been deleted" in ran.stderr) == (3, True), ran
    assert "try: cd to another folder" in ran.stderr
    assert not (run_ockit.home / "data" / "indexes").exists()


def test_absolute_paths_work(run_ockit):
    def run(*words):
        command = ["bash", "-c", GONE, *run_ockit.command(), *words]
        return subprocess.run(
            command,
            cwd=run_ockit.cwd,
            capture_output=True,
            text=True,
            env=run_ockit.variables(),
            timeout=60,
            check=False,
        )

    folder = run_ockit.cwd / "notes"
    folder.mkdir()
    (folder / "whale.md").write_text("# Whales\n\nThe blue whale eats krill.\n")
    assert run("index", str(folder)).returncode == 0
    found = run("search", "krill")
    assert found.returncode == 0, found
    assert str(folder / "whale.md") in found.stdout
    exported = run_ockit.cwd / "kept.index"
    assert run("indexes", "export", "notes", "kept.index").returncode == 3
    assert run("indexes", "export", "notes", str(exported)).returncode == 0
    assert exported.exists()
