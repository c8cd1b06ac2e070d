"""What stands already when a turn comes: the system text, a question that nobody has judged."""

from __future__ import annotations

from collections.abc import Callable
from threading import Timer
from typing import Any

import pytest

from moderators import Shelf, WordModerator, checking
from ockit.assistant.grounding import Grounding
from ockit.errors import RefusedError, UsageError
from ockit.events import End, Moderated, Token
from ockit.messages import Sampling
from ockit.moderation.policy.texts import Texts

Begin = Callable[..., Any]
TEXTS = Texts()
CONFIRM = '[input]\nlevels = ["allow", "allow", "confirm", "confirm", "refuse"]\n'
REFUSES = '[output]\nlevels = ["allow", "note", "note", "note", "refuse"]\n'


@pytest.fixture
def words() -> WordModerator:
    return WordModerator()


def going_on(chat: Any, **more: Any) -> list[Any]:
    return list(chat.assistant.go_on(chat.greedy, **more))


def unchecked(talk: Begin, words: WordModerator, question: str, policy: str = "") -> Any:
    """A chat whose question was answered while nothing was checked, and whose answer was cut."""
    chat = talk(checking=checking(words, policy, on=False))
    assert chat.say(question, max_tokens=4).end.finish_reason == "length"
    assert words.seen == []
    chat.assistant.moderate(True, "/moderation on")
    return chat


def test_an_answer_goes_on_once_its_question_was_judged(talk: Begin, words: WordModerator) -> None:
    chat = unchecked(talk, words, "Tell me of herons.")
    events = going_on(chat)
    assert [event.role for event in events if isinstance(event, Moderated)] == ["user", "assistant"]
    assert words.of("user") == ["Tell me of herons."]
    assert [each.role for each in chat.saved()[0].verdicts] == ["user"]
    if chat.assistant.last_answer.can_go_on:
        going_on(chat)
    assert words.of("user") == ["Tell me of herons."]  # once


def test_an_answer_to_what_is_refused_does_not_go_on(talk: Begin, words: WordModerator) -> None:
    chat = unchecked(talk, words, "Something grave.")
    before = chat.path()
    for _ in range(2):
        events = going_on(chat)
        assert events[-1] == End("refused")
        assert [event.text for event in events if getattr(event, "kind", "") == "refused"] == [TEXTS.refuse]
        assert not any(isinstance(event, Token) for event in events)
    assert chat.path() == before
    assert [each.verdict.action for each in chat.saved()[0].verdicts] == ["refuse"]


def given(talk: Begin, words: WordModerator, *passages: str) -> Any:
    """A chat whose answer was given these passages while nothing was checked, and was cut."""
    chat = talk(checking=checking(words, on=False))
    chat.assistant.grounding = Grounding(lambda _: Shelf(*passages), ["notes"])
    assert chat.say("What does the heron do?", max_tokens=4).end.finish_reason == "length"
    assert len(chat.assistant.sources) == len(passages)
    assert words.seen == []
    chat.assistant.moderate(True, "/moderation on")
    return chat


@pytest.mark.parametrize("resumed", [False, True])
def test_an_answer_does_not_go_on_with_what_is_left_out(
    talk: Begin, words: WordModerator, *, resumed: bool
) -> None:
    chat = given(talk, words, "The heron wades.", "Obey this text.")
    if resumed:
        chat.assistant.resume(chat.assistant.session_id)
    before = chat.path()
    for _ in range(2):
        events = going_on(chat)
        assert events[-1] == End("refused")
        assert not any(isinstance(event, Token) for event in events)
        [notice] = [event for event in events if getattr(event, "kind", "") == "moderation_passage"]
        assert "does not go on" in notice.text
        assert "2.md:2" in notice.text
        assert "1.md" not in notice.text
        assert "/regen" in notice.text
    assert chat.path() == before
    assert [(each.role, each.verdict.action) for each in chat.saved()[0].verdicts] == [
        ("user", "allow"),
        ("retrieved", "refuse"),
    ]
    assert list(chat.assistant.again(chat.greedy))[-1].finish_reason in ("stop", "length")
    assert [passage.path for passage in chat.assistant.sources] == ["1.md"]


def test_an_answer_goes_on_with_what_is_sound_which_is_judged_once(talk: Begin, words: WordModerator) -> None:
    chat = given(talk, words, "The heron wades.")
    assert any(isinstance(event, Token) for event in going_on(chat))
    assert words.of("retrieved").count("The heron wades.") == 1
    if chat.assistant.last_answer.can_go_on:
        going_on(chat)
    list(chat.assistant.again(chat.greedy))
    assert words.of("retrieved").count("The heron wades.") == 1


def test_an_answer_goes_on_after_a_yes(talk: Begin, words: WordModerator) -> None:
    chat = unchecked(talk, words, "Something touchy.", CONFIRM)
    assert going_on(chat)[-1] == End("refused")
    assert chat.assistant.unconfirmed
    assert going_on(chat)[-1] == End("refused")  # asking again is no yes
    assert any(isinstance(event, Token) for event in going_on(chat, confirmed=True))
    assert not chat.assistant.unconfirmed


def test_another_answer_is_asked_about_and_given_after_a_yes(talk: Begin, words: WordModerator) -> None:
    chat = talk(checking=checking(words, CONFIRM))
    chat.say("Something touchy.")
    list(chat.assistant.agree(chat.greedy))
    assert not chat.assistant.unconfirmed
    first = chat.assistant.last_answer
    saved = chat.saved()
    assert list(chat.assistant.again(chat.greedy))[-1] == End("refused")
    assert (chat.assistant.unconfirmed, chat.assistant.goes_on_then) == (True, False)
    assert (chat.assistant.last_answer, chat.saved(), chat.path()[-1][0]) == (first, saved, "assistant")
    assert any(isinstance(event, Token) for event in chat.assistant.agree(chat.greedy))
    assert chat.assistant.last_answer is not first
    assert chat.assistant.variants() == (2, 2)
    list(chat.assistant.again(chat.greedy))
    chat.assistant.decline()
    assert not chat.assistant.unconfirmed
    assert chat.assistant.variants() == (2, 2)
    with pytest.raises(UsageError, match="moderation has asked nothing"):
        chat.assistant.agree(chat.greedy)


def test_a_yes_is_to_what_was_asked_last(talk: Begin, words: WordModerator) -> None:
    chat = unchecked(talk, words, "Something touchy.", CONFIRM)
    list(chat.assistant.again(chat.greedy))
    assert (chat.assistant.unconfirmed, chat.assistant.goes_on_then) == (True, False)
    going_on(chat)
    assert (chat.assistant.unconfirmed, chat.assistant.goes_on_then) == (True, True)
    before = chat.assistant.last_answer.text
    assert any(isinstance(event, Token) for event in chat.assistant.agree(chat.greedy))
    assert chat.assistant.last_answer.text.startswith(before)
    assert chat.assistant.variants() == (1, 1)


def test_a_system_text_is_judged_when_it_changes(talk: Begin, words: WordModerator) -> None:
    chat = talk(checking=checking(words))
    chat.assistant.restart("You know herons.")
    chat.say("Name a colour.")
    chat.say("Name a fruit.")
    assert words.of("user") == ["You know herons.", "Name a colour.", "Name a fruit."]
    chat.assistant.set_system("Say grave things.")
    with pytest.raises(RefusedError, match="the system text is refused"):
        chat.say("Name a tree.")
    assert chat.assistant.unanswered == "Name a tree."
    chat.assistant.set_system("You know cranes.")
    assert list(chat.assistant.again(chat.greedy))[-1].finish_reason in ("stop", "length")
    chat.assistant.set_system("Obey touchy words.")
    assert [notice.kind for notice in chat.say("Name a river.").notices] == ["moderation"]


def test_a_system_text_is_judged_once_moderation_is_on(talk: Begin, words: WordModerator) -> None:
    chat = talk(checking=checking(words, on=False))
    chat.assistant.restart("Say grave things.")
    chat.say("Name a colour.", max_tokens=4)
    assert words.seen == []
    chat.assistant.moderate(True, "/moderation on")
    with pytest.raises(RefusedError, match="the system text is refused"):
        going_on(chat)
    with pytest.raises(RefusedError, match="the system text is refused"):
        chat.say("Name a fruit.")


def test_what_a_stop_takes_of_an_answer_leaves_it_interrupted(talk: Begin, words: WordModerator) -> None:
    asked, long = "Tell me a story of a boat.", Sampling(temperature=0.0, max_tokens=60)
    plain = talk(store=False)
    list(plain.assistant.reply(asked, long))
    chat = talk(checking=checking(words, REFUSES))
    events = []
    for event in chat.assistant.reply(asked, long):
        events.append(event)
        if isinstance(event, Token) and words.free.is_set():
            words.free.clear()  # what comes from here on nobody reads
            Timer(1.5, chat.assistant.stop).start()
    said = "".join(event.text for event in events if isinstance(event, Token))
    assert events[-1].finish_reason == "interrupted"
    answer = chat.saved()[-1]
    assert (answer.state, answer.finish_reason, answer.text) == ("interrupted", "interrupted", said)
    assert plain.assistant.last_answer.text.startswith(said)
    words.free.set()
    assert any(isinstance(event, Token) for event in going_on(chat))
    assert len(chat.saved()) == 2
