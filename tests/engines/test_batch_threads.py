"""Thread counts of an embedder's batches: the fastest of late, tried again, doubted when it slumps."""

from __future__ import annotations

import pytest

from ockit.engines import batch_threads
from ockit.engines.batch_threads import SHORT, TRY_AFTER, TRY_EVERY, BatchThreads


@pytest.fixture
def threads(monkeypatch):
    monkeypatch.setattr(batch_threads, "physical_cores", lambda: 8)
    monkeypatch.setattr(batch_threads, "is_busy", lambda: False)
    return BatchThreads()


def run(threads: BatchThreads, speeds: dict[int, float], batches: int) -> list[int]:
    """The counts chosen on a machine of these speeds, in tokens a second."""
    chosen = []
    for _ in range(batches):
        count = threads.choose(500)
        threads.took(count, 500, 500 / speeds[count])
        chosen.append(count)
    return chosen


def test_each_count_is_tried_and_the_fastest_kept(threads):
    chosen = run(threads, {8: 900.0, 4: 1000.0, 1: 300.0}, TRY_AFTER)
    assert set(chosen[:3]) == {1, 4, 8}
    assert set(chosen[3:]) == {4}


def test_the_others_are_tried_again_now_and_then(threads):
    chosen = run(threads, {8: 900.0, 4: 1000.0, 1: 300.0}, 10 * TRY_EVERY)
    assert {1, 4, 8} == set(chosen[3:])
    assert chosen.count(4) > 0.96 * len(chosen)


def test_a_count_that_slumps_is_doubted_at_once(threads):
    run(threads, {8: 2000.0, 4: 1000.0, 1: 300.0}, 10)
    chosen = run(threads, {8: 100.0, 4: 90.0, 1: 280.0}, 20)  # other programs have come
    assert chosen[0] == 8
    assert chosen[-1] == 1
    chosen = run(threads, {8: 2000.0, 4: 1000.0, 1: 300.0}, 4 * TRY_AFTER)  # and have gone
    assert chosen[-1] == 8


def test_a_question_neither_waits_nor_teaches(threads):
    assert threads.choose(SHORT - 1) == 4
    threads.took(4, SHORT - 1, 100.0)
    assert run(threads, {8: 900.0, 4: 1000.0, 1: 300.0}, 4)[-1] == 4


def test_one_core_has_no_choice(monkeypatch):
    monkeypatch.setattr(batch_threads, "physical_cores", lambda: 1)
    alone = BatchThreads()
    assert set(run(alone, {1: 300.0}, 3 * TRY_EVERY)) == {1}
