"""How many threads: measured within bounds, remembered, and never taken from a trial that was ended."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ockit.engines.threads import ThreadCounts, usable_cores

CHILD = """
import json, sys
from ockit.engines import threads
from ockit.engines.context import Context
from ockit.engines.loading import AbortFlag, load_model
from ockit.engines.options import LoadOptions
options, abort = LoadOptions(sys.argv[1], n_ctx=512), AbortFlag()
context = Context(load_model(options, 0), options, abort)
context.reserve(threads.PREFILL_TOKENS + 1)
ended = threads._seconds(context.pointer, abort, 1, [threads.PREFILL_TOKENS], 0.001)
raised = bool(abort)
whole = threads._seconds(context.pointer, abort, 1, [threads.PREFILL_TOKENS], 60)
counts = threads.measure(context.pointer, abort)
print(json.dumps([ended, raised, whole, counts, bool(abort)]))
"""


def test_a_trial_has_an_end(embedded_model: Path) -> None:
    command = [sys.executable, "-P", "-c", CHILD, str(embedded_model)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    ended, raised, whole, counts, still_raised = json.loads(done.stdout)
    assert ended is None
    assert whole > 0.001
    assert (raised, still_raised) == (False, False)
    assert all(1 <= count <= usable_cores() for count in counts)


def test_counts_are_remembered_by_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getloadavg", lambda: (0.0, 0.0, 0.0))
    path = tmp_path / "threads.json"
    ThreadCounts(path).save("one", (2, 4))
    ThreadCounts(path).save("two", (1, 1))
    assert ThreadCounts(path).load("one") == (2, 4)
    assert ThreadCounts(path).load("two") == (1, 1)
    assert ThreadCounts(path).load("three") is None


def test_counts_of_a_busy_machine_hold_while_it_is_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = ThreadCounts(tmp_path / "threads.json")
    monkeypatch.setattr("os.getloadavg", lambda: (99.0, 0.0, 0.0))
    counts.save("one", (1, 1))
    assert counts.load("one") == (1, 1)
    monkeypatch.setattr("os.getloadavg", lambda: (0.0, 99.0, 99.0))
    assert counts.load("one") is None
