"""The benchmarks run, and count what they say they count. Whether their claims hold is not for a test."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ockit.commands.machine_checks import cards_present

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
SCRIPTS = sorted(path.name for path in FOLDER.glob("*.py") if "__main__" in path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def ratios() -> Any:
    spec = importlib.util.spec_from_file_location("ratios", FOLDER / "ratios.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["ratios"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_says_what_it_claims(script: str) -> None:
    done = run(script, "--help")
    assert done.returncode == 0, done.stderr
    assert "Claim" in done.stdout
    assert "--quick" in done.stdout
    assert f"`{script}`" in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_a_quick_run(ratios: Any) -> None:
    done = run("startup.py", "--quick")
    assert done.returncode in (0, 1), done.stderr
    assert done.stdout.count("3 pairs; other programs took") == 2
    assert done.stdout.count("imports of the heavy modules: none") == 2
    assert done.stdout.splitlines()[-1] == f"machine: {ratios.machine()}"


@pytest.mark.skipif(bool(cards_present()), reason="this machine has a graphics card")
def test_without_a_card_there_is_nothing_to_measure() -> None:
    done = run("gpu.py", "--quick")
    assert (done.returncode, done.stdout) == (0, "skipped: this machine has no graphics card\n")


def test_both_sides_take_turns(ratios: Any) -> None:
    order: list[str] = []
    pairs = ratios.in_turn(
        lambda: order.append("a") or len(order), lambda: order.append("b") or len(order), 4, patience_s=0.0
    )
    assert "".join(order) == "abbaabba"
    assert (pairs.ours, pairs.reference, pairs.set_aside) == ([1, 4, 5, 8], [2, 3, 6, 7], 0)


@pytest.mark.parametrize(
    ("others", "kept"),
    [
        ([0.0, 0.5, 0.1, 0.0, 0.0], [0, 2, 3]),
        ([0.3, 0.9, 0.2, 0.8, 0.4], [0, 2, 4]),
        ([0.9, 0.9, 0.0], [0, 1, 2]),
    ],
)
def test_which_pairs_count_is_decided_by_the_load_alone(
    ratios: Any, others: list[float], kept: list[int]
) -> None:
    assert ratios.quietest(others, 3) == kept


def test_the_ratio_is_that_of_the_pairs(ratios: Any) -> None:
    ratio = ratios.Ratio([1.0, 4.0, 9.0], [2.0, 4.0, 3.0])
    assert ratio.each == [0.5, 1.0, 3.0]
    assert ratio.median == 1.0
    assert str(ratio) == "1.000 (quartiles 0.750 to 2.000)"
    assert ratios.quartiles([0.5]) == (0.5, 0.5)
