"""Which verdicts a turn keeps when its text is looked at again."""

from __future__ import annotations

import math
from dataclasses import replace

from ockit.assistant.branch import Turn
from ockit.assistant.verdicts import news, says_the_same
from ockit.events import Moderated
from ockit.messages import Finding, Verdict

ONE = Verdict(
    2,
    (0.1, 0.2, 0.5, 0.1, 0.1),
    {"illicit": 0.4, "cyber": 0.2},
    (Finding("level"),),
    "caution",
    "probably needs caution",
    "embedded",
    7.0,
    "ok",
)
QUESTION, FOUND = Moderated(ONE, "user"), Moderated(ONE, "retrieved")
REFUSED = Moderated(replace(ONE, action="refuse"), "user")


def test_time_is_no_difference_and_what_is_said_is() -> None:
    assert says_the_same(ONE, replace(ONE, ms=90.0))
    assert says_the_same(ONE, replace(ONE, categories={"cyber": 0.2, "illicit": 0.4000001}))
    assert says_the_same(replace(ONE, injection=math.nan), replace(ONE, injection=math.nan))
    for other in (
        replace(ONE, action="refuse"),
        replace(ONE, reason="another"),
        replace(ONE, backend="rules"),
        replace(ONE, hits=()),
        replace(ONE, p_level=()),
        replace(ONE, p_level=(0.1, 0.2, 0.4, 0.2, 0.1)),
        replace(ONE, categories={"illicit": 0.4, "hate": 0.2}),
        replace(ONE, injection=0.5),
        replace(ONE, topic="cooking"),
    ):
        assert not says_the_same(ONE, other)
        assert not says_the_same(other, ONE)


def test_the_last_verdict_of_a_question_is_the_one_that_holds() -> None:
    assert news([QUESTION], [Moderated(replace(ONE, ms=1.0), "user")]) == ()
    assert news([QUESTION], [REFUSED]) == (REFUSED,)
    assert news([QUESTION, REFUSED], [QUESTION]) == (QUESTION,)  # it was changed in between
    assert news([QUESTION, FOUND], [QUESTION]) == ()  # what was found later changes nothing of it


def test_of_what_was_found_each_verdict_stands_for_one() -> None:
    assert news([QUESTION], [FOUND]) == (FOUND,)
    assert news([FOUND], [FOUND]) == ()
    assert news([FOUND], [FOUND, FOUND]) == (FOUND,)
    assert news([], [FOUND, FOUND]) == (FOUND, FOUND)


def test_a_turn_owes_the_store_what_is_new_and_a_caution_that_has_changed() -> None:
    turn = Turn("user", "Something.")
    turn.judged([QUESTION])
    assert turn.moderation is not None
    assert turn.moderation.verdicts == (QUESTION,)
    turn.settled()
    turn.judged([QUESTION])
    assert turn.moderation is None
    turn.caution = "Take care."
    assert turn.moderation is not None
    assert (turn.moderation.verdicts, turn.moderation.metadata) == ((), {"caution": "Take care."})
    turn.settled()
    assert turn.moderation is None
