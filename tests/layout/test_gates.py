"""The gates before a commit fetch nothing, and the one in .ci/run tests the README's own command."""

from __future__ import annotations

import re
import subprocess
import sys

from layout.tree import ROOT, marked_block


def test_the_hooks_are_valid_and_fetch_nothing():
    config = ROOT / ".pre-commit-config.yaml"
    check = [sys.executable, "-P", "-m", "pre_commit", "validate-config", config]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    text = config.read_text(encoding="utf-8")
    assert set(re.findall(r"repo: (\S+)", text)) == {"local"}
    assert set(re.findall(r"language: (\S+)", text)) == {"system"}


def test_ci_runs_the_readmes_test_command():
    extraction = re.search(r"^command=\$\((.*)\)$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.M)
    assert extraction is not None
    done = subprocess.run(["bash", "-c", extraction[1]], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == marked_block(ROOT / "README.md", "tests")
