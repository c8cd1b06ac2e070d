"""What a policy makes of a verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ockit.messages import ACTIONS, CATEGORIES, Finding, Verdict
from ockit.moderation.policy.built_in import built_in
from ockit.moderation.policy.cut_points import CutPoints
from ockit.moderation.policy.deciding import AT_RISK, decide
from ockit.moderation.policy.reading import parse_policy

INPUT = built_in().input
NO_CUTS = CutPoints()
DISTRESS = (Finding("distress"),)


def verdict(level: int = 0, **fields: Any) -> Verdict:
    plain = Verdict(level, (), {}, (), "allow", "", "test", 0.0, "ok")
    return replace(plain, **fields)


@pytest.mark.parametrize(
    ("level", "action"), list(enumerate(("allow", "note", "caution", "caution", "refuse")))
)
def test_by_level(level: int, action: str) -> None:
    decision = decide(verdict(level), INPUT, "user", NO_CUTS)
    assert (decision.action, decision.level) == (action, level)


def test_somebody_at_risk_is_never_met_with_a_refusal() -> None:
    about = {"self_harm": 0.9}
    assert decide(verdict(4, categories=about), INPUT, "user", NO_CUTS).action == "support"
    assert decide(verdict(3, categories=about), INPUT, "user", NO_CUTS).action == "support"
    assert decide(verdict(2, categories=about), INPUT, "user", NO_CUTS).action == "caution"
    assert decide(verdict(0, hits=DISTRESS), INPUT, "user", NO_CUTS).action == "support"
    harsh = parse_policy('[input]\ninjection = "refuse"\ncategories.self_harm = "refuse"\n', "m").input
    both = verdict(4, categories={"violence": 0.99, "self_harm": 0.6}, injection=0.9)
    assert decide(both, harsh, "user", NO_CUTS).action == "support"
    assert decide(verdict(4, hits=DISTRESS, topic="x"), harsh, "user", NO_CUTS).action == "support"


def test_from_level_2_on_self_harm_is_never_refused_for_another_reason() -> None:
    about = {"self_harm": 0.9}
    off = decide(verdict(2, categories=about, topic="cooking"), INPUT, "user", NO_CUTS)
    assert (off.action, off.reason, off.at_risk) == ("support", AT_RISK, True)
    strict = parse_policy('[input]\ninjection = "refuse"', "m").input
    assert decide(verdict(2, categories=about, injection=0.9), strict, "user", NO_CUTS).action == "support"
    assert decide(verdict(1, categories=about, topic="cooking"), INPUT, "user", NO_CUTS).action == "refuse"
    asks = parse_policy('[output]\ncategories.self_harm = "confirm"', "m").output
    assert decide(verdict(3, categories=about), asks, "assistant", NO_CUTS).action == "support"
    orders = decide(verdict(2, categories=about, injection=0.9), built_in().retrieved, "retrieved", NO_CUTS)
    assert (orders.action, orders.reason) == ("refuse", "it gives orders to the assistant")


def test_a_cap_hides_nobody_at_risk() -> None:
    found = verdict(4, categories={"self_harm": 0.9}, topic="cooking")
    decision = decide(found, INPUT, "user", NO_CUTS, max_level=0)
    assert (decision.level, decision.action, decision.at_risk) == (0, "support", True)


def test_what_was_not_read() -> None:
    unread = (Finding("not_scanned", 10, 1210), Finding("not_scanned", 2000, 2300))
    found = verdict(0, status="not_scanned", hits=unread)
    decision = decide(found, INPUT, "user", NO_CUTS)
    assert (decision.action, decision.reason) == (
        "caution",
        "1,500 characters of it were not looked at",
    )
    worse = decide(replace(found, level=4), INPUT, "user", NO_CUTS)
    assert (worse.action, worse.level) == ("refuse", 4)
    assert worse.reason == "needs intervention; 1,500 characters of it were not looked at"
    assert decide(found, built_in().output, "assistant", NO_CUTS).action == "note"
    strict = parse_policy('[retrieved]\nunread = "refuse"', "m").retrieved
    assert decide(found, strict, "retrieved", NO_CUTS).action == "refuse"
    none = verdict(status="not_scanned", reason="it is too large")
    assert decide(none, INPUT, "user", NO_CUTS).reason == "it is too large"
    assert decide(replace(found, hits=(*unread, *DISTRESS)), INPUT, "user", NO_CUTS).action == "support"


@given(
    st.integers(0, 4),
    st.dictionaries(st.sampled_from(CATEGORIES), st.floats(0, 1)),
    st.floats(0, 1),
    st.booleans(),
    st.lists(st.sampled_from(ACTIONS), min_size=5, max_size=5),
    st.sampled_from(ACTIONS),
)
def test_no_policy_refuses_somebody_at_risk(
    level: int, categories: dict[str, float], injection: float, distress: bool, levels: list[str], single: str
) -> None:
    listed = ", ".join(f'"{one}"' for one in levels)
    text = f'[input]\nlevels = [{listed}]\ninjection = "{single}"\ndistress = "{single}"\nunsure = "{single}"'
    hits = DISTRESS if distress else ()
    found = verdict(level, categories=categories, injection=injection, hits=hits, unsure=True)
    decision = decide(found, parse_policy(text, "m").input, "user", NO_CUTS)
    assert not (decision.at_risk and decision.action == "refuse")
    assert decision.at_risk or not distress


def test_a_category_of_its_own_row() -> None:
    section = parse_policy(
        '[input.categories]\ncyber = "note"\nhate = ["refuse","refuse","refuse","refuse","refuse"]', "m"
    ).input
    assert decide(verdict(4, categories={"cyber": 0.9}), section, "user", NO_CUTS).action == "note"
    assert decide(verdict(4, categories={"cyber": 0.4}), section, "user", NO_CUTS).action == "refuse"
    stronger = {"violence": 0.95, "cyber": 0.6}  # the stronger one has no row: its level's action stays
    assert decide(verdict(4, categories=stronger), section, "user", NO_CUTS).action == "refuse"
    assert (
        decide(verdict(1, categories={"cyber": 0.9, "hate": 0.6}), section, "user", NO_CUTS).action
        == "refuse"
    )


def test_a_category_counts_from_its_cut_on() -> None:
    section = parse_policy('[input.categories]\ncyber = "confirm"', "m").input
    cuts = CutPoints({"cyber": 0.2})
    assert decide(verdict(2, categories={"cyber": 0.25}), section, "user", cuts).action == "confirm"
    assert decide(verdict(2, categories={"cyber": 0.25}), section, "user", NO_CUTS).action == "caution"


def test_injection_and_unsure_and_topic() -> None:
    retrieved = built_in().retrieved
    assert decide(verdict(injection=0.6), retrieved, "retrieved", NO_CUTS).action == "refuse"
    assert (
        decide(verdict(injection=0.6), retrieved, "retrieved", CutPoints({"injection": 0.7})).action
        == "allow"
    )
    assert decide(verdict(injection=0.6), INPUT, "user", NO_CUTS).action == "note"
    assert decide(verdict(unsure=True), INPUT, "user", NO_CUTS).action == "note"
    off = decide(verdict(topic="cooking"), INPUT, "user", NO_CUTS)
    assert (off.action, off.reason) == ("refuse", "it is off the topic cooking")


def test_a_shift_moves_the_thresholds() -> None:
    p_level = (0.3, 0.2, 0.2, 0.1, 0.2)  # P(level >= 1..4): 0.7 0.5 0.3 0.2
    found = verdict(1, p_level=p_level)
    cuts = CutPoints({"level1": 0.6, "level2": 0.6, "level3": 0.6, "level4": 0.6})

    def level(shift: str) -> int:
        section = parse_policy(f"[input]\nshift = {shift}", "m").input
        return decide(found, section, "user", cuts).level

    assert level("0") == 1
    assert level("0.5") == 2  # the odds of 0.5 are 1; times 1.65 they reach 1.5, those of the cut
    assert level("2") == 4
    assert level("-2") == 0
    assert level("{ level4 = 2 }") == 4
    assert level("{ level = 2, level4 = 0 }") == 3
    bare = replace(found, p_level=())
    section = parse_policy("[input]\nshift = 5", "m").input
    assert decide(bare, section, "user", cuts).level == 1  # without probabilities there is nothing to move


def test_a_cap_holds_whatever_is_found() -> None:
    found = verdict(4, categories={"hate": 1.0})
    decision = decide(found, INPUT, "user", NO_CUTS, max_level=2)
    assert (decision.level, decision.action) == (2, "caution")


def test_what_an_action_means_where_nobody_can_be_asked() -> None:
    for name, role in (("output", "assistant"), ("retrieved", "retrieved")):
        policy = parse_policy(f'[{name}]\nlevels = ["allow","caution","confirm","support","refuse"]', "m")
        actions = [decide(verdict(n), policy.section(role), role, NO_CUTS).action for n in range(5)]  # type: ignore[arg-type]
        held = "support" if role == "assistant" else "refuse"
        assert actions == ["allow", "caution", "refuse", held, "refuse"]
