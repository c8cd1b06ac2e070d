"""Turns of a conversation on a real model: what is said, what is reused, what is saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ockit.errors import ContextOverflow, OckitError, StoreError
from ockit.events import Token
from ockit.messages import Conversation, Sampling

Begin = Callable[..., Any]


def tokens(talk: Any, conversation: Conversation) -> int:
    return int(talk.assistant.count(conversation))


def test_a_second_turn_reads_only_what_is_new(talk: Begin) -> None:
    """Everything before the token behind the first answer is in the cache: the answer's last token was chosen,
    never read."""
    chat = talk()
    one = chat.say("Name a colour.")
    assert one.end.usage.cached_tokens == 0
    two = chat.say("Another one?")
    before = one.end.usage.prompt_tokens + one.end.usage.completion_tokens
    if one.end.finish_reason == "length":
        before -= 1
    assert two.end.usage.cached_tokens == before
    three = chat.say("And another?")
    before = two.end.usage.prompt_tokens + two.end.usage.completion_tokens
    assert three.end.usage.cached_tokens == before - (two.end.finish_reason == "length")


def test_after_an_interrupted_answer_too(talk: Begin) -> None:
    chat = talk()
    said = []
    for event in chat.assistant.reply(
        "Tell me a very long story.", Sampling(temperature=0.0, max_tokens=400)
    ):
        if isinstance(event, Token):
            said.append(event.text)
            if len(said) == 10:
                assert chat.assistant.stop()
    first = chat.saved()[1]
    assert first.state == "interrupted"
    assert first.text == "".join(said)
    assert first.usage is not None
    two = chat.say("Go on.")
    known = first.usage.prompt_tokens + first.usage.completion_tokens
    assert known - 1 <= two.end.usage.cached_tokens <= known
    assert chat.assistant.stop() is False


def test_after_another_system_text_only_the_shared_beginning(talk: Begin) -> None:
    chat = talk(settings={"system": "You are a sailor."})
    chat.say("Hello!", max_tokens=4)
    chat.assistant.set_system("You are a pirate.")
    answer = chat.say("Hello again!", max_tokens=4)
    prompts = [
        chat.assistant.engine.encode(chat.assistant.render(Conversation().with_system(system)).segments)
        for system in ("You are a sailor.", "You are a pirate.")
    ]
    places = range(min(map(len, prompts)))
    shared = next(i for i in places if prompts[0][i] != prompts[1][i])
    assert answer.end.usage.cached_tokens == shared


def test_the_answer_is_the_same_after_reuse(talk: Begin) -> None:
    """A second turn on a warm cache says what a fresh engine says to the same prompt read in the same batches."""
    chat, other = talk(store=False), talk(store=False)
    for each in (chat, other):
        each.say("Name a fruit.")
    assert chat.say("Why that one?").text == other.say("Why that one?").text


def test_what_is_saved(talk: Begin) -> None:
    chat = talk(settings={"system": "You are terse."})
    one, two = chat.say("Name a colour.", seed=5), chat.say("Another one?")
    assert chat.path() == [
        ("user", "complete", "Name a colour."),
        ("assistant", "complete", one.text),
        ("user", "complete", "Another one?"),
        ("assistant", "complete", two.text),
    ]
    saved = chat.saved()[1]
    assert saved.id != chat.assistant.answer_id == chat.saved()[3].id
    assert saved.model == "smollm2-135m-instruct"
    assert saved.finish_reason == one.end.finish_reason
    assert saved.seed == 5
    assert saved.usage == one.end.usage
    assert saved.timings == one.end.timings
    assert saved.timings.first_token_s > 0
    assert saved.token_ids == tuple(i for event in one.events if isinstance(event, Token) for i in event.ids)
    session = chat.store.get("last")
    assert (session.system, session.template, session.title) == ("You are terse.", "chatml", "Name a colour.")
    assert chat.store.conversation(session.id) == chat.assistant.conversation


def test_the_question_is_saved_before_the_model_sees_it(talk: Begin) -> None:
    chat = talk()
    stream = chat.assistant.reply("Are you there?", Sampling(max_tokens=4))
    next(stream)
    assert chat.saved()[0].text == "Are you there?"
    assert chat.saved()[1].state == "partial"
    stream.close()
    assert chat.saved()[1].state == "interrupted"


def test_without_a_store_nothing_is_saved(talk: Begin, tmp_path: Any) -> None:
    chat = talk(store=False)
    chat.say("Name a colour.", max_tokens=2)
    assert not list(tmp_path.rglob("*.db"))
    assert chat.assistant.session_id is None


def test_a_new_conversation_begins_a_new_session(talk: Begin) -> None:
    chat = talk()
    chat.say("one", max_tokens=2)
    first = chat.assistant.session_id
    chat.assistant.restart(None)
    assert chat.assistant.session_id is None
    chat.say("two", max_tokens=2)
    assert chat.assistant.session_id != first
    assert [message.text for message in chat.saved()][:1] == ["two"]


def test_the_oldest_turns_are_dropped_with_a_notice(talk: Begin) -> None:
    chat = talk(settings={"ctx_size": "256"})
    dropped = 0
    for number in range(8):
        reply = chat.say(f"Question {number}: " + "tell me a little more about it. " * 3, max_tokens=16)
        for notice in reply.notices:
            assert notice.kind == "dropped_turns"
            assert "no longer part of the prompt" in notice.text
            dropped += 1
        assert reply.end.usage.prompt_tokens + reply.end.usage.completion_tokens <= 256
    assert 2 <= dropped < 8
    assert len(chat.saved()) == 16  # of the store nothing is dropped


def test_a_question_that_does_not_fit_is_saved_and_the_chat_goes_on(talk: Begin) -> None:
    chat = talk(settings={"ctx_size": "256"})
    chat.say("Name a colour.", max_tokens=4)
    with pytest.raises(ContextOverflow):
        chat.say("long " * 400)
    assert chat.say("Another?", max_tokens=4).end.usage.cached_tokens > 10
    assert [m.text[:9] for m in chat.saved() if m.role == "user"] == ["Name a co", "long long", "Another?"]
    assert [text[:9] for role, _, text in chat.path() if role == "user"] == ["Name a co", "Another?"]


def test_an_error_in_mid_answer_is_saved_as_failed(talk: Begin) -> None:
    chat = talk()
    bans = tuple((token, float("-inf")) for token in range(49152))
    with pytest.raises(OckitError, match="no token"):
        chat.say("Yes or no?", grammar='root ::= "yes"', logit_bias=bans)
    answer = chat.saved()[1]
    assert (answer.state, answer.finish_reason) == ("failed", "error")
    assert "no token" in str(answer.error)
    assert chat.say("Now?", max_tokens=2).end.usage.completion_tokens == 2
    assert [role for role, _, _ in chat.path()] == ["user", "assistant"]


@pytest.mark.parametrize("fails", ["begin_answer", "save_so_far", "finish"])
def test_a_store_that_fails_does_not_cost_the_answer(
    fails: str, talk: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = talk(store=False).say("Name three colours.", max_tokens=40).text
    chat = talk()
    from ockit.assistant import record
    from ockit.sessions.store import Store

    def fail(*args: Any, **options: Any) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(record, "SAVE_EVERY_S", 0.0)
    monkeypatch.setattr(Store, fails, fail)
    assert chat.say("Name three colours.", max_tokens=40).text == whole
    if fails == "save_so_far":  # the end was saved, and with it everything
        assert chat.assistant.trouble is None
        assert chat.saved()[1].text == whole
    else:
        assert isinstance(chat.assistant.trouble, StoreError)
    assert chat.saved()[0].text == "Name three colours."
    monkeypatch.undo()
    assert chat.say("And a fourth?", max_tokens=4).end.usage.cached_tokens > 30
    assert chat.assistant.trouble is None
    assert [role for role, _, _ in chat.path()][-2:] == ["user", "assistant"]
