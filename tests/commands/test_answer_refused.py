"""What `ockit ask` says of each kind of refusal: why, and what to type next."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ockit.assistant.vetting import CONFIRM, REFUSED
from ockit.commands.answer_refused import refused
from ockit.errors import ExitCode
from ockit.events import Moderated, Notice
from ockit.messages import Verdict

GRAVE = Verdict(4, (), {}, (), "refuse", "needs intervention", "list", 1.0, "ok")
FAULTY = "ockit moderation policy check  says what is wrong; --no-moderation asks without the check"


@pytest.mark.parametrize(
    ("kind", "found", "hint"),
    [
        (REFUSED, Moderated(GRAVE, "user"), "ockit moderate TEXT says more"),
        (CONFIRM, Moderated(replace(GRAVE, action="confirm"), "user"), "--yes answers it"),
        (REFUSED, Moderated(replace(GRAVE, status="timeout"), "user"), FAULTY),
        (REFUSED, Moderated(replace(GRAVE, status="error"), "assistant"), FAULTY),
        (REFUSED, Moderated(replace(GRAVE, topic="cooking"), "user"), None),
    ],
)
def test_each_kind_has_its_way_on(kind: str, found: Moderated, hint: str | None) -> None:
    passage = Moderated(replace(GRAVE, reason="another"), "retrieved")
    error = refused(Notice("Not here.", kind), [found, passage])
    assert (error.what, error.hint) == ("Not here.\nwhy: needs intervention", hint)
    assert error.exit_code == ExitCode.REFUSED


def test_what_was_not_read_whole_may_be_sent_in_parts() -> None:
    found = Moderated(replace(GRAVE, status="not_scanned"), "user")
    assert (refused(Notice("Not here.", REFUSED), [found]).hint or "").startswith("send less at once")


def test_an_answer_that_was_stopped_is_not_blamed_on_the_question() -> None:
    asked = Moderated(replace(GRAVE, action="allow", reason=""), "user")
    stopped = Moderated(replace(GRAVE, reason="needs caution"), "assistant")
    error = refused(Notice("I stopped here.", REFUSED), [asked, stopped])
    assert error.what.endswith("why: needs caution")
    assert "ockit moderate" not in (error.hint or "")


def test_without_a_verdict_there_is_nothing_to_say_but_the_text() -> None:
    error = refused(Notice("Not here.", REFUSED), [])
    assert (error.what, error.hint) == ("Not here.", None)
