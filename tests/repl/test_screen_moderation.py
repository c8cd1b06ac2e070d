"""Moderation in the drawn chat: a refusal where the answer would stand, a yes and a no typed by a person."""

from __future__ import annotations

from typing import Any

from asking import QUICK
from drawn_chat import enter, leave, started
from ockit.moderation.policy.texts import Texts
from ruled_homes import CONFIRM, ruled
from terminal import terminal

ENV = {**QUICK, "OCKIT_TEMPERATURE": "0", "OCKIT_MAX_TOKENS": "6", "NO_COLOR": "1"}
TEXTS = Texts()


def flat(text: str) -> str:
    return " ".join(text.split())


def test_a_refusal_a_yes_and_a_no(run_ockit: Any) -> None:
    ruled(run_ockit.home, CONFIRM)
    with terminal(run_ockit, "chat", env=ENV, size=(60, 100)) as screen:
        started(screen)
        assert TEXTS.refuse in flat(enter(screen, "Something grave."))
        assert "refused by moderation; /moderation why, /edit changes the question" in flat(screen.screen)
        asked = f"{TEXTS.confirm} Why: probably needs caution (found by the rule touchy). (yes or no)"
        assert asked in flat(enter(screen, "Something touchy."))
        assert "the question is not answered" in enter(screen, "no")
        enter(screen, "Something touchy.")
        said = enter(screen, "Yes please.")
        assert said.count(TEXTS.confirm) == 2  # asked twice, and not a third time behind the yes
        assert "list: level 2, probably needs caution" in flat(enter(screen, "/moderation why"))
        leave(screen)


def test_what_is_neither_yes_nor_no_is_another_question(run_ockit: Any) -> None:
    ruled(run_ockit.home, CONFIRM)
    with terminal(run_ockit, "chat", env=ENV, size=(60, 100)) as screen:
        started(screen)
        enter(screen, "Something touchy.")
        said = flat(enter(screen, "Name a colour."))
        assert "the question before stays unanswered" in said
        assert "moderation has asked nothing" in flat(enter(screen, "/yes"))
        leave(screen)


def test_another_answer_is_asked_about_and_a_plain_yes_gives_it(run_ockit: Any) -> None:
    ruled(run_ockit.home, CONFIRM)
    with terminal(run_ockit, "chat", env=ENV, size=(60, 100)) as screen:
        started(screen)
        enter(screen, "Something touchy.")
        enter(screen, "yes")
        assert flat(enter(screen, "/regen")).count(TEXTS.confirm) == 2
        assert "the question is not answered again; its answer stays" in flat(enter(screen, "no"))
        enter(screen, "/regen")
        assert "answer 2 of 2; /regen NUMBER goes to another" in flat(enter(screen, "ok"))
        enter(screen, "/regen")
        assert "answer 3 of 3; /regen NUMBER goes to another" in flat(enter(screen, "/yes"))
        enter(screen, "/regen")
        assert "stays as it was answered; this is taken as another one" in flat(enter(screen, "A colour?"))
        assert "moderation has asked nothing" in flat(enter(screen, "/no"))
        leave(screen)


def test_behind_a_text_of_support_nobody_claims_that_the_context_is_empty(run_ockit: Any) -> None:
    ruled(run_ockit.home, '[input]\nlevels = ["allow", "note", "note", "note", "support"]\n')
    with terminal(run_ockit, "chat", env=ENV, size=(60, 100)) as screen:
        started(screen)
        assert "· 0/1024 tokens" not in enter(screen, "Name a colour.").splitlines()[-1]
        last = enter(screen, "Something grave.").splitlines()[-1]
        assert "· ?/1024 tokens" in last
        leave(screen)


def test_a_chat_that_is_resumed_tells_of_the_question_that_waits(run_ockit: Any) -> None:
    ruled(run_ockit.home, CONFIRM)
    with terminal(run_ockit, "chat", env=ENV, size=(60, 100)) as screen:
        started(screen)
        enter(screen, "Something touchy.")
        leave(screen)
    with terminal(run_ockit, "chat", "--continue", env=ENV, size=(60, 100)) as screen:
        started(screen)
        assert "without an answer, /regen asks again: Something touchy." in screen.screen
        said = flat(enter(screen, "/yes"))
        assert "moderation has asked nothing try: /regen asks the last question again" in said
        assert TEXTS.confirm in flat(enter(screen, "/regen"))
        assert "without an answer" not in enter(screen, "yes").partition("> yes")[2]
        leave(screen)
