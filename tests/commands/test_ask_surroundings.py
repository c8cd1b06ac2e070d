"""Where ``ockit ask`` is run decides nothing: what lies in the current directory is neither imported nor trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from asking import QUICK, error_of, saved

MODULES = (
    "json.py",
    "ockit.py",
    "typer.py",
    "sqlite3.py",
    "llama_cpp.py",
    "numpy.py",
    "sitecustomize.py",
    "signal.py",
)
FOLDERS = ("index", "moderation", "plugins", "ockit_cli", "ockit", "ctypes", "quantize")


@pytest.mark.parametrize("module", [False, True], ids=["ockit", "python -m ockit"])
def test_nothing_that_lies_around_is_imported(module: bool, run_ockit: Any, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    for name in MODULES:
        (place / name).write_text("open('imported', 'a').write(__name__)\n")
    for name in FOLDERS:
        (place / name).mkdir()
        (place / name / "__init__.py").write_text("open('imported', 'a').write(__name__)\n")
    (place / "config.toml").write_text("model = 'nonsense'\n")
    if module:
        # Python itself looks for a package before a word of ours runs, unless it is told not to
        for name in ("ockit.py", "sitecustomize.py"):
            (place / name).unlink()
        (place / "ockit" / "__init__.py").unlink()
        (place / "ockit").rmdir()
    done = run_ockit("ask", "--max-tokens", "2", "hi", env=QUICK, cwd=place, module=module)
    assert done.code == 0, done
    assert not (place / "imported").exists()


def test_a_directory_that_is_gone(run_ockit: Any, tmp_path: Path) -> None:
    import subprocess

    place = tmp_path / "gone"
    place.mkdir()
    command = f'cd "{place}" && rmdir "{place}" && exec {run_ockit.command()[0]} ask --max-tokens 2 hi'
    done = subprocess.run(
        ["sh", "-c", command],
        env=run_ockit.variables(QUICK),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done


@pytest.mark.parametrize("text", ['{"type": "nonsense"}', "no json", '{"$ref": "http://x/y"}'])
def test_an_error_while_the_model_loads_is_the_only_thing_said(
    text: str, run_ockit: Any, tmp_path: Path
) -> None:
    """The command ends under the thread that loads."""
    (tmp_path / "bad.json").write_text(text)
    for _ in range(4):
        error_of(run_ockit("ask", "--schema", str(tmp_path / "bad.json"), "hi", env=QUICK), 2)


def test_a_bad_settings_file(run_ockit: Any, ockit_home: Path) -> None:
    (ockit_home / "config").mkdir(parents=True)
    (ockit_home / "config" / "config.toml").write_text("temperature = 0.5\ntop_p = 7\n")
    assert "config.toml:2" in error_of(run_ockit("ask", "hi", env=QUICK), 2)
    assert saved(ockit_home) == []


def test_closed_streams(run_ockit: Any) -> None:
    """A daemon may run it with no standard input, output or error at all."""
    import subprocess

    for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        done = subprocess.run(
            ["sh", "-c", f"exec {run_ockit.command()[0]} ask --max-tokens 2 hi {closed}"],
            env=run_ockit.variables(QUICK),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert done.returncode in (0, 1), (closed, done)
        assert b"Traceback" not in done.stderr, (closed, done)
