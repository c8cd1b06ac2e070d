"""The order of verdicts: the action, then what the person must hear of, then the level."""

from __future__ import annotations

import random
from dataclasses import replace

from ockit.messages import ACTIONS, Verdict
from ockit.moderation.policy.gravity import gravest, gravity

PLAIN = Verdict(0, (), {}, (), "allow", "", "embedded", 1.0, "ok")


def test_the_action_comes_first() -> None:
    verdicts = [replace(PLAIN, action=action, level=4 - at % 5) for at, action in enumerate(ACTIONS)]
    mixed = random.Random(5).sample(verdicts, len(verdicts))
    assert [verdict.action for verdict in sorted(mixed, key=gravity)] == list(ACTIONS)


def test_what_was_not_read_outranks_a_level_where_the_text_goes_on() -> None:
    for action in ("allow", "note", "caution"):
        judged = replace(PLAIN, action=action, level=3)
        for status in ("error", "timeout", "not_scanned"):
            assert gravity(replace(PLAIN, action=action, status=status)) > gravity(judged)


def test_a_judgement_outranks_a_fault_where_the_text_is_stopped() -> None:
    for action in ("confirm", "support", "refuse"):
        judged = replace(PLAIN, action=action)
        assert gravity(judged) > gravity(replace(PLAIN, action=action, status="error", level=0))
        assert gravity(replace(judged, level=2)) > gravity(judged)


def test_a_verdict_of_no_back_end_says_least() -> None:
    none = replace(PLAIN, backend="none", status="not_scanned")
    assert gravity(PLAIN) > gravity(none)


def test_the_expected_level_decides_between_equals() -> None:
    mild, bad = (replace(PLAIN, p_level=(1 - p, 0.0, 0.0, 0.0, p)) for p in (0.1, 0.2))
    assert gravest([bad, mild]) == 0
    assert gravest([mild, bad, bad]) == 1


def test_nobody_is_merely_refused_where_one_asks_for_support() -> None:
    support, refuse = replace(PLAIN, action="support"), replace(PLAIN, action="refuse", level=4)
    assert gravest([refuse, PLAIN, support]) == 2
    assert gravest([refuse, PLAIN]) == 0
    assert gravest([PLAIN]) == 0
