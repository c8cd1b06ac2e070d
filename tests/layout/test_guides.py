"""What README.md and the guides show is what happens: transcripts are run, commands and tables are compared."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ockit.errors
from layout.blocks import Block, blocks
from layout.tree import ROOT, marked_block, package_dir
from ockit.errors import ExitCode, OckitError

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TRANSCRIPTS = [block for page in PAGES for block in blocks(page) if block.language == "console"]


@pytest.mark.parametrize("block", TRANSCRIPTS, ids=str)
def test_a_transcript_is_what_happens(block: Block, tmp_path: Path):
    """Runs the block's commands one after the other in a directory that holds `docs` alone, with an empty home."""
    variables = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path / "home"),
        "OCKIT_HOME": str(tmp_path / "ockit"),
        "LANG": "C.UTF-8",
    }
    here = tmp_path / "here"
    shutil.copytree(ROOT / "docs", here / "docs", ignore=shutil.ignore_patterns("__pycache__"))
    for command in block.commands:
        done = subprocess.run(
            ["bash", "-c", command.text],
            cwd=here,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.stdout == command.output, f"{block.path.name}:{command.line}: $ {command.text}"


def test_the_readme_has_a_transcript_of_a_real_answer():
    commands = [c.text for block in TRANSCRIPTS if block.path.name == "README.md" for c in block.commands]
    assert any(text.startswith("ockit ask ") and "--temp 0" in text for text in commands)


def test_the_readme_has_two_set_up_commands():
    """One ends in ``ockit chat``, one runs the tests; both install from the pins."""
    chat, tests = (marked_block(ROOT / "README.md", marker).strip() for marker in ("set-up", "tests"))
    for command, end, what in (
        (chat, ".venv/bin/ockit chat", "."),
        (tests, ".venv/bin/pytest -n 2 --dist loadfile", "'.[dev]'"),
    ):
        assert "\n" not in command
        assert command.split(" && ") == [
            "python3 -m venv .venv",
            f".venv/bin/pip install -c constraints.txt -e {what}",
            end,
        ]


def test_the_cuda_line_is_the_doctors():
    """But for the spelling of pip's place. It names the pinned version, and leaves pip's cache of CPU builds alone."""
    from ockit.commands.machine_checks import reinstall_line

    line = (
        marked_block(ROOT / "README.md", "cuda").strip().replace(".venv/bin/pip", f"{sys.executable} -m pip")
    )
    pin = line.split()[-1]
    assert pin in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert "--no-cache-dir" in line
    assert shlex.split(line) == shlex.split(reinstall_line(pin.partition("==")[2], "GGML_CUDA"))


def test_every_sh_block_names_things_that_are_there():
    """A file or folder of the repository in a command exists; a program of the environment is installed."""
    wrong = []
    for page in PAGES:
        for block in blocks(page):
            if block.language != "sh":
                continue
            for name in re.findall(r"(?<![\w./-])((?:tests|docs|benchmarks|\.ci)/[\w./-]+)", block.text):
                if not (ROOT / name).exists():
                    wrong.append(f"{block}: {name}")
            for name in re.findall(r"\.venv/bin/([\w-]+)", block.text):
                if not (Path(sys.executable).parent / name).exists():
                    wrong.append(f"{block}: .venv/bin/{name}")
    assert wrong == []


def test_links_lead_somewhere():
    wrong = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:)([^)#]*)(?:#[\w-]*)?\)", text):
            if target and not (page.parent / target).exists():
                wrong.append(f"{page.name}: {target}")
    assert wrong == []


def test_command_help_is_current():
    check = [sys.executable, "-P", ROOT / "docs" / "generate.py", "--check"]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_exit_code_and_every_error_is_documented():
    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    codes = {name: int(code) for code, name in re.findall(r"^\| (\d+) \| `(\w+)` \|", text, re.M)}
    assert codes == {code.name: code.value for code in ExitCode}
    errors = {name: int(code) for name, code in re.findall(r"^\| `(\w+)` \| (\d+) \|", text, re.M)}
    kinds = [
        kind
        for kind in vars(ockit.errors).values()
        if isinstance(kind, type) and issubclass(kind, OckitError)
    ]
    assert errors == {kind.__name__: kind.exit_code.value for kind in kinds if kind is not OckitError}


@pytest.mark.sweep
@pytest.mark.timeout(3600)
def test_the_set_up_command_works_in_a_fresh_clone(tmp_path: Path):
    """The README's own line, in a clone: it installs everything, then the chat answers and ends."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    assert set(package_dir().values()) <= {path.name for path in clone.iterdir()}
    command = marked_block(clone / "README.md", "set-up")
    variables = {**os.environ, "OCKIT_HOME": str(tmp_path / "ockit")}
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=clone,
        env=variables,
        input="Say hello.\n/exit\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1].strip()
