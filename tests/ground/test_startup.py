"""What a start does not do: import what is heavy, or import commands nobody asked for. Times are benchmarks."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    "torch", "transformers", "numpy", "faiss", "llama_cpp", "prompt_toolkit", "rich", "jinja2", "jsonschema", "psutil",
    "huggingface_hub", "pydantic", "matplotlib", "click",
}  # fmt: skip
LIST = """
import sys
from ockit.__main__ import main
sys.argv = ["ockit", *sys.argv[1:]]
code = main()
print(code, *sorted(sys.modules), file=sys.stderr)
"""


def modules_after(run_ockit, *args):
    ran = subprocess.run(
        [sys.executable, "-c", LIST, *args], capture_output=True, text=True, check=True, cwd=run_ockit.cwd,
        env=run_ockit.variables(), stdin=subprocess.DEVNULL,
    )  # fmt: skip
    code, *names = ran.stderr.splitlines()[-1].split()
    return int(code), set(names)


@pytest.mark.parametrize(
    "args",
    [
        ["--help"],
        ["--version"],
        ["models", "list"],
        ["config", "show"],
        ["dirs"],
        ["nope"],
        ["chat", "--help"],
    ],
)
def test_nothing_heavy_is_imported(run_ockit, args):
    _, names = modules_after(run_ockit, *args)
    assert "ockit.app" in names
    assert names & HEAVY == set()


def test_only_the_command_that_is_called_is_imported(run_ockit):
    assert {name for name in modules_after(run_ockit, "--help")[1] if name.startswith("ockit.commands.")} == {
        "ockit.commands.invocation"
    }
    code, names = modules_after(run_ockit, "dirs")
    assert code == 0
    assert {name for name in names if name.startswith("ockit.commands.")} == {
        "ockit.commands.invocation", "ockit.commands.dirs",
    }  # fmt: skip
