"""What moderation makes of a question: answered, answered with care, asked about first, supported, refused."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from moderators import WordModerator, broken, checking
from ockit.errors import InterruptedByUser, UsageError
from ockit.events import Moderated, Notice, Prefill, Token
from ockit.moderation.audit import AuditLog
from ockit.moderation.policy.texts import Texts

Begin = Callable[..., Any]
TEXTS = Texts()


@pytest.fixture
def words() -> WordModerator:
    return WordModerator()


def kinds(reply: Any) -> list[str]:
    return [notice.kind for notice in reply.notices]


def prompt(chat: Any) -> str:
    return "".join(str(getattr(part, "text", "")) for part in chat.assistant.last_prompt)


def test_a_question_that_is_allowed_is_answered_and_its_verdict_saved(
    talk: Begin, words: WordModerator
) -> None:
    chat = talk(checking=checking(words))
    plain = talk(store=False).say("Name a colour.")
    reply = chat.say("Name a colour.")
    assert reply.text == plain.text
    assert kinds(reply) == []
    found = [event for event in reply.events if isinstance(event, Moderated)]
    assert [(each.role, each.verdict.action) for each in found] == [("user", "allow"), ("assistant", "allow")]
    asked, answer = chat.saved()
    assert list(asked.verdicts) == found[:1]
    assert list(answer.verdicts) == found[1:]
    first = next(at for at, event in enumerate(reply.events) if isinstance(event, Prefill | Token))
    assert reply.events.index(found[0]) < first


def test_a_refused_question_reaches_no_model_and_no_later_prompt(talk: Begin, words: WordModerator) -> None:
    chat = talk(checking=checking(words))
    chat.say("Name a colour.")
    before = chat.assistant.totals
    reply = chat.say("Something grave, please.")
    assert reply.text == ""
    assert reply.end.finish_reason == "refused"
    assert [(notice.kind, notice.text) for notice in reply.notices] == [("refused", TEXTS.refuse)]
    assert chat.assistant.totals == before
    assert chat.assistant.unanswered == "Something grave, please."
    saved = chat.saved()[-1]
    assert (saved.role, saved.text) == ("user", "Something grave, please.")
    assert [each.verdict.action for each in saved.verdicts] == ["refuse"]
    chat.say("Name a fruit.")
    assert "grave" not in prompt(chat)
    assert "Name a colour." in prompt(chat)
    assert [role for role, _, _ in chat.path()] == ["user", "assistant", "user", "assistant"]


def test_regen_checks_again(talk: Begin, words: WordModerator) -> None:
    chat = talk(checking=checking(words))
    chat.say("Something grave, please.")
    events = list(chat.assistant.again(chat.greedy))
    assert events[-1].finish_reason == "refused"
    chat.assistant.checking.on = False
    events = list(chat.assistant.again(chat.greedy))
    assert events[-1].finish_reason in ("stop", "length")
    assert len(words.of("user")) == 2
    assert [each.verdict.action for each in chat.saved()[0].verdicts] == ["refuse"]


def test_another_answer_leaves_the_question_as_it_was_unless_the_verdict_changes(
    talk: Begin, words: WordModerator
) -> None:
    chat = talk(checking=checking(words))
    chat.say("Something touchy.")
    before = chat.saved()
    for _ in range(2):
        chat.assistant.resume(chat.assistant.session_id)
        list(chat.assistant.again(chat.greedy))
        assert chat.saved()[0] == before[0]
    assert len(words.of("user")) == 3
    words.fault = broken()
    list(chat.assistant.again(chat.greedy))
    assert [each.verdict.status for each in chat.saved()[0].verdicts] == ["ok", "error"]
    assert chat.saved()[0].metadata == before[0].metadata  # by which the answers were given that there are
    words.fault = None
    list(chat.assistant.again(chat.greedy))
    assert [each.verdict.status for each in chat.saved()[0].verdicts] == ["ok", "error", "ok"]


def test_what_was_said_of_the_turn_before_is_forgotten(talk: Begin, words: WordModerator) -> None:
    chat = talk(checking=checking(words))
    assert not chat.assistant.checking.asked
    chat.assistant.restart("You know herons.")
    chat.say("Name a colour.")
    assert list(chat.assistant.checking.last) == ["system", "user", "assistant"]
    chat.say("Something grave.")
    assert list(chat.assistant.checking.last) == ["user"]
    chat.assistant.moderate(False, "/moderation off")
    chat.say("Name a fruit.", max_tokens=4)
    assert chat.assistant.checking.last == {}
    assert chat.assistant.checking.asked
    chat.assistant.moderate(True, "/moderation on")
    list(chat.assistant.go_on(chat.greedy))
    assert list(chat.assistant.checking.last) == ["user", "assistant"]
    chat.say("Tell me of herons.", max_tokens=4)
    said = chat.assistant.checking.last["user"]
    list(chat.assistant.go_on(chat.greedy))
    assert chat.assistant.checking.last["user"] is said  # it was judged as part of this very turn


def test_a_refused_question_still_waits_in_a_chat_that_is_resumed(talk: Begin, words: WordModerator) -> None:
    chat = talk(checking=checking(words))
    chat.say("Something grave, please.")
    chat.assistant.resume(chat.assistant.session_id)
    assert chat.assistant.unanswered == "Something grave, please."
    assert chat.assistant.turns == ()


def test_caution_stands_right_before_the_question_and_stays(talk: Begin, words: WordModerator) -> None:
    chat = talk(checking=checking(words))
    one = chat.say("Name a colour.")
    two = chat.say("Something touchy.")
    assert kinds(two) == ["caution"]
    lead = f"{TEXTS.caution}\n\nSomething touchy."
    assert lead in prompt(chat)
    before = one.end.usage.prompt_tokens + one.end.usage.completion_tokens
    assert two.end.usage.cached_tokens == before - (one.end.finish_reason == "length")
    given = chat.assistant.last_prompt
    assert chat.saved()[2].metadata == {"caution": TEXTS.caution}
    assert chat.saved()[2].text == "Something touchy."
    list(chat.assistant.again(chat.greedy))
    assert chat.assistant.last_prompt == given
    three = chat.say("Name a fruit.")
    assert lead in prompt(chat)
    known = two.end.usage.prompt_tokens + two.end.usage.completion_tokens
    assert three.end.usage.cached_tokens == known - (two.end.finish_reason == "length")
    chat.assistant.resume(chat.assistant.session_id)
    chat.assistant.checking.on = False
    chat.say("And a tree.")
    assert lead in prompt(chat)


def test_support_is_the_answer_and_the_chat_goes_on(talk: Begin, words: WordModerator) -> None:
    chat = talk(checking=checking(words))
    reply = chat.say("I feel hopeless.")
    assert reply.text == TEXTS.support
    assert reply.end.finish_reason == "stop"
    assert chat.assistant.totals.turns == 0
    assert chat.path() == [("user", "complete", "I feel hopeless."), ("assistant", "complete", TEXTS.support)]
    assert [each.verdict.action for each in chat.saved()[0].verdicts] == ["support"]
    chat.say("Thank you.")
    assert TEXTS.support in prompt(chat)


def test_confirm_waits_for_a_yes(talk: Begin, words: WordModerator) -> None:
    chat = talk(
        checking=checking(words, '[input]\nlevels = ["allow", "allow", "confirm", "confirm", "refuse"]\n')
    )
    reply = chat.say("Something touchy.")
    assert (reply.text, reply.end.finish_reason) == ("", "refused")
    assert [(notice.kind, notice.text) for notice in reply.notices] == [("confirm", TEXTS.confirm)]
    assert chat.assistant.unconfirmed
    events = list(chat.assistant.again(chat.greedy, confirmed=True))
    assert any(isinstance(event, Token) for event in events)
    assert not chat.assistant.unconfirmed
    chat.say("Something touchy again.")
    assert chat.assistant.unconfirmed
    chat.assistant.decline()
    assert not chat.assistant.unconfirmed
    chat.say("Something grave.")
    list(chat.assistant.again(chat.greedy, confirmed=True))
    assert chat.assistant.unanswered == "Something grave."  # a yes is no answer to a refusal


def test_a_check_that_fails_stops_the_question_and_says_why(talk: Begin, words: WordModerator) -> None:
    chat = talk(checking=checking(words))
    words.fault = broken()
    reply = chat.say("Name a colour.")
    assert (reply.text, reply.end.finish_reason) == ("", "refused")
    assert kinds(reply) == ["moderation", "refused"]
    assert "the check's process died" in reply.notices[0].text
    assert reply.notices[1].text == TEXTS.unavailable
    assert [each.verdict.status for each in chat.saved()[0].verdicts] == ["error"]
    words.fault = None
    assert chat.say("Name a colour.").text


def test_a_check_that_hangs_is_given_up(talk: Begin, words: WordModerator) -> None:
    chat = talk(checking=checking(words, timeout=0.3))
    words.free.clear()
    reply = chat.say("Name a colour.")
    assert reply.end.finish_reason == "refused"
    assert [each.verdict.status for each in chat.saved()[0].verdicts] == ["timeout"]


def test_where_the_policy_fails_open_the_person_is_told_once(talk: Begin, words: WordModerator) -> None:
    chat = talk(checking=checking(words, '[input]\nfail = "open"\n'))
    words.fault = broken()
    assert kinds(chat.say("Name a colour.")) == ["moderation"]
    again = chat.say("Name a fruit.")
    assert kinds(again) == []
    assert again.text


def test_a_policy_that_cannot_be_read_stops_every_question(talk: Begin, words: WordModerator) -> None:
    def opens() -> None:
        raise UsageError("there is no action 'alow'", where="moderation.toml:2")

    chat = talk(checking=checking(words, opens=opens))
    with pytest.raises(UsageError, match="alow"):
        chat.say("Name a colour.")
    assert chat.assistant.unanswered == "Name a colour."


def test_switching_is_in_the_session_and_in_the_record(
    talk: Begin, words: WordModerator, tmp_path: Any
) -> None:
    log = AuditLog(tmp_path / "moderation")
    chat = talk(checking=checking(words, audit=log))
    chat.say("Name a colour.")
    chat.assistant.moderate(False, "/moderation off")
    chat.say("Something grave.")
    chat.assistant.moderate(True, "/moderation on")
    session = chat.store.get(chat.assistant.session_id)
    assert [entry["on"] for entry in session.metadata["moderation"]] == [False, True]
    lines = [json.loads(line) for line in log.path.read_text().splitlines()]
    assert [line["on"] for line in lines if line["event"] == "switched"] == [False, True]
    assert "grave" not in log.path.read_text()
    assert [role for role, _ in words.seen] == ["user", "assistant"] + ["assistant"] * (len(words.seen) - 2)


def test_a_chat_that_begins_unchecked_says_so_in_its_session(talk: Begin, words: WordModerator) -> None:
    chat = talk(checking=checking(words, on=False))
    assert not [event for event in chat.say("Something grave.").events if isinstance(event, Moderated)]
    session = chat.store.get(chat.assistant.session_id)
    assert [entry["on"] for entry in session.metadata["moderation"]] == [False]
    assert words.seen == []


def test_a_stop_while_the_check_runs_ends_the_turn(talk: Begin, words: WordModerator) -> None:
    from threading import Timer

    from ockit.errors import InterruptedByUser

    chat = talk(checking=checking(words))
    words.free.clear()
    Timer(0.3, chat.assistant.stop).start()
    with pytest.raises(InterruptedByUser):
        chat.say("Name a colour.")
    words.free.set()
    assert chat.say("Name a fruit.").text
    assert not [notice for notice in chat.say("Why?").events if isinstance(notice, Notice)]


def test_off_is_at_once_though_a_check_hangs(talk: Begin, words: WordModerator, tmp_path: Path) -> None:
    audit = AuditLog(tmp_path / "audit")
    chat = talk(checking=checking(words, timeout=20.0, audit=audit))
    chat.say("Name a colour.")
    words.free.clear()
    Timer(0.5, chat.assistant.stop).start()
    with pytest.raises(InterruptedByUser):
        chat.say("Name a fruit.")
    began = time.monotonic()
    done = chat.assistant.moderate(False, "/moderation off")
    assert time.monotonic() - began < 5.0
    assert (done.recorded, done.fault, done.unsaved) == (True, None, None)
    assert '"event":"switched","on":false' in audit.path.read_text().splitlines()[-1]
    assert chat.assistant.checking.describe()
    assert list(chat.assistant.again(chat.greedy))[-1].finish_reason in ("stop", "length")
    words.free.set()
