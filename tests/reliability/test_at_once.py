"""Several ``ockit ask`` at the same moment on one store: every answer is saved, none fails."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from asking import QUICK, saved


@pytest.mark.parametrize("count", [2, 4])
def test_all_answer_and_all_are_saved(count: int, run_ockit: Any, ockit_home: Path) -> None:
    """Even the first ones: they all make the database at once."""
    command = [*run_ockit.command(), "ask", "--temp", "0", "--max-tokens", "24"]
    processes = [
        subprocess.Popen(
            [*command, f"Question {number}: name a colour."],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=run_ockit.variables(QUICK),
        )
        for number in range(count)
    ]
    told = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0] * count, told
    assert all(b"error" not in err and b"warning" not in err for _, err in told)
    answers = {session[0].text: session[1] for session in saved(ockit_home)}
    assert len(answers) == count
    for number, (out, _) in enumerate(told):
        answer = answers[f"Question {number}: name a colour."]
        assert answer.state == "complete"
        assert answer.text == out.decode().removesuffix("\n")
