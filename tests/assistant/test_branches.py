"""Going back, branching off, another answer, another model: where the conversation stands, here and in the store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ockit.errors import NotFound, UsageError
from ockit.events import End, Token
from ockit.prompts.templates import named

Begin = Callable[..., Any]


def texts(talk: Any) -> list[str]:
    return [text for _, _, text in talk.path()]


def run(events: Any) -> tuple[str, End]:
    """The text of a turn, and its end."""
    found = list(events)
    assert isinstance(found[-1], End)
    return "".join(event.text for event in found if isinstance(event, Token)), found[-1]


def test_undo_takes_back_the_last_question(talk: Begin) -> None:
    chat = talk()
    one = chat.say("Name a colour.", max_tokens=8)
    chat.say("Name a fruit.", max_tokens=8)
    assert chat.assistant.questions == ("Name a colour.", "Name a fruit.")
    assert chat.assistant.undo() == "Name a fruit."
    assert texts(chat) == ["Name a colour.", one.text]
    assert [turn.text for turn in chat.assistant.conversation.turns] == texts(chat)
    two = chat.say("Name an animal.", max_tokens=8)
    assert two.end.usage.cached_tokens > 20  # the first turn is still in the cache
    assert texts(chat) == ["Name a colour.", one.text, "Name an animal.", two.text]
    assert len(chat.saved()) == 6
    assert chat.assistant.undo() == "Name an animal."
    assert chat.assistant.undo() == "Name a colour."
    assert chat.store.get(chat.assistant.session_id).head is None
    with pytest.raises(UsageError, match="nothing to take back"):
        chat.assistant.undo()
    assert chat.assistant.last_answer is None


def test_without_a_store_too(talk: Begin) -> None:
    chat = talk(store=False)
    chat.say("Name a colour.", max_tokens=4)
    text, _ = run(chat.assistant.again(chat.greedy.changed(max_tokens=4, temperature=1.0, seed=3)))
    assert chat.assistant.last_answer.text == text
    assert chat.assistant.variants() == (1, 1)
    assert chat.assistant.undo() == "Name a colour."
    assert chat.assistant.conversation.turns == ()


def test_edit_branches_off(talk: Begin) -> None:
    chat = talk()
    one = chat.say("Name a colour.", max_tokens=6)
    chat.say("Name a fruit.", max_tokens=6)
    chat.say("Name a tree.", max_tokens=6)
    assert chat.assistant.question(2).words == "Name a fruit."
    assert len(chat.assistant.questions) == 3
    assert chat.assistant.branch(2) == "Name a fruit."
    two = chat.say("Name a vegetable.", max_tokens=6)
    assert texts(chat) == ["Name a colour.", one.text, "Name a vegetable.", two.text]
    assert len(chat.saved()) == 8
    for number in (0, 3, -1):
        with pytest.raises(UsageError, match=f"no question {number}"):
            chat.assistant.branch(number)
    assert chat.assistant.branch(1) == "Name a colour."
    chat.say("Hello.", max_tokens=4)
    assert [m.text for m in chat.saved() if m.parent_id is None] == ["Name a colour.", "Hello."]


def test_another_answer_stands_beside_the_first(talk: Begin) -> None:
    chat = talk()
    with pytest.raises(UsageError, match="nothing was asked"):
        list(chat.assistant.again(chat.greedy))
    warm = {"temperature": 1.5, "seed": 7, "max_tokens": 12}
    first = chat.say("Tell me a story.", **warm)
    second, end = run(chat.assistant.again(chat.greedy.changed(**warm)))
    third, _ = run(chat.assistant.again(chat.greedy.changed(**warm)))
    assert len({first.text, second, third}) == 3
    assert end.usage.cached_tokens == end.usage.prompt_tokens - 1
    asked, *answers = chat.saved()
    assert [answer.parent_id for answer in answers] == [asked.id] * 3
    assert [answer.seed for answer in answers] == [7, 8, 9]
    assert [answer.text for answer in answers] == [first.text, second, third]
    assert texts(chat) == ["Tell me a story.", third]
    assert chat.assistant.variants() == (3, 3)
    chat.assistant.choose(1)
    assert chat.assistant.variants() == (1, 3)
    assert texts(chat) == ["Tell me a story.", first.text]
    assert chat.assistant.last_answer.text == first.text
    with pytest.raises(UsageError, match="no answer 4"):
        chat.assistant.choose(4)
    follow = chat.say("Go on.", max_tokens=4)
    assert texts(chat) == ["Tell me a story.", first.text, "Go on.", follow.text]


def test_a_question_that_was_stopped_before_a_word_is_answered_again(talk: Begin) -> None:
    chat = talk()
    one = chat.say("Name a colour.", max_tokens=6)
    chat.stopped_before_a_word(chat.assistant.reply("Name a fruit.", chat.greedy))
    assert chat.assistant.unanswered == "Name a fruit."
    assert chat.assistant.questions == ("Name a colour.", "Name a fruit.")
    with pytest.raises(UsageError, match="no answer yet"):
        list(chat.assistant.go_on(chat.greedy))
    text, _ = run(chat.assistant.again(chat.greedy.changed(max_tokens=6)))
    assert chat.assistant.unanswered is None
    assert texts(chat) == ["Name a colour.", one.text, "Name a fruit.", text]


def test_stopping_another_answer_leaves_the_first(talk: Begin) -> None:
    chat = talk()
    one = chat.say("Name a colour.", max_tokens=6)
    chat.stopped_before_a_word(chat.assistant.again(chat.greedy))
    assert texts(chat) == ["Name a colour.", one.text]
    assert chat.assistant.last_answer.text == one.text
    assert chat.assistant.unanswered is None


def test_resume_at_the_head(talk: Begin) -> None:
    chat = talk(settings={"system": "You are terse."})
    one = chat.say("Name a colour.", max_tokens=8)
    two = chat.say("Name a fruit.", max_tokens=8)
    other = talk()
    other.assistant.resume(chat.assistant.session_id)
    assert other.assistant.conversation == chat.assistant.conversation
    assert other.assistant.conversation.system == "You are terse."
    assert other.assistant.last_answer.usage == two.end.usage
    for each in (chat, other):
        each.third = each.say("Name a tree.", max_tokens=8)
    assert other.third.end.usage.prompt_tokens == chat.third.end.usage.prompt_tokens
    assert texts(other) == [
        "Name a colour.",
        one.text,
        "Name a fruit.",
        two.text,
        "Name a tree.",
        other.third.text,
    ]
    with pytest.raises(NotFound):
        other.assistant.resume("nowhere")
    assert len(other.assistant.questions) == 3


def test_resume_at_a_message_only_looks(talk: Begin) -> None:
    chat = talk()
    one = chat.say("Name a colour.", max_tokens=6)
    chat.say("Name a fruit.", max_tokens=6)
    head = chat.store.get("last").head
    first = chat.saved()[1].id
    other = talk()
    other.assistant.resume(chat.assistant.session_id, first)
    assert other.assistant.questions == ("Name a colour.",)
    assert chat.store.get("last").head == head
    three = other.say("Name a tree.", max_tokens=6)
    assert texts(other) == ["Name a colour.", one.text, "Name a tree.", three.text]
    other.assistant.resume(chat.assistant.session_id, chat.saved()[2].id)  # a question
    assert other.assistant.unanswered == "Name a fruit."
    foreign = talk()
    foreign.say("Hello.", max_tokens=2)
    with pytest.raises(NotFound):
        other.assistant.resume(chat.assistant.session_id, foreign.saved()[0].id)


def test_a_saved_question_without_an_answer_waits(talk: Begin) -> None:
    chat = talk()
    session = chat.store.start(model="x")
    asked = chat.store.add_user(session, "Name a colour.", parent=None)
    chat.assistant.resume(session)
    assert chat.assistant.unanswered == "Name a colour."
    text, _ = run(chat.assistant.again(chat.greedy.changed(max_tokens=4)))
    assert [m.parent_id for m in chat.saved()] == [None, asked]
    assert chat.saved()[1].text == text
    assert chat.store.get(session).model == "smollm2-135m-instruct"


def test_another_model_reads_the_text_and_not_the_ids(talk: Begin) -> None:
    chat = talk()
    chat.say("Name a colour.", max_tokens=6)
    model = chat.assistant.model
    assert chat.assistant.conversation.turns[1].token_ids
    chat.assistant.use(replace(model, entry=replace(model.entry, name="another")))
    assert chat.assistant.conversation.turns[1].token_ids is None
    chat.say("Name a fruit.", max_tokens=6)
    assert [turn.token_ids is None for turn in chat.assistant.conversation.turns] == [True, True, True, False]
    assert chat.store.get("last").model == "another"
    chat.assistant.use(model)  # what it has said itself it knows again
    assert [turn.token_ids is None for turn in chat.assistant.conversation.turns] == [True, False, True, True]


def test_another_template_in_mid_chat(talk: Begin) -> None:
    chat = talk()
    chat.say("Name a colour.", max_tokens=6)
    with pytest.raises(UsageError):
        chat.assistant.set_template(named("openchat"), condition="nonsense")
    assert chat.assistant.template.name == "chatml"
    with pytest.raises(UsageError):
        chat.assistant.set_condition("Code")
    chat.assistant.set_template(named("openchat"), condition="Code")
    assert chat.assistant.condition == "Code"
    chat.say("Name a fruit.", max_tokens=6)
    assert chat.store.get("last").template == "openchat"
    assert "Code User: " in str(chat.assistant.last_prompt)
    chat.assistant.set_condition(None)
    chat.say("Name a tree.", max_tokens=2)
    assert "GPT4 Correct User: " in str(chat.assistant.last_prompt)


def test_another_context_size_is_another_load(talk: Begin) -> None:
    chat = talk()
    assert chat.assistant.loaded is None
    one = chat.say("Name a colour.", max_tokens=4)
    assert one.end.timings.load_s > 0
    assert chat.assistant.loaded.n_ctx == 1024
    model = chat.assistant.model
    chat.assistant.use(replace(model, options=replace(model.options, n_ctx=512)))
    assert chat.assistant.loaded is None
    chat.assistant.load_in_background()
    two = chat.say("Name a fruit.", max_tokens=4)
    assert chat.assistant.loaded.n_ctx == 512
    assert two.end.timings.load_s > 0
    assert two.end.usage.cached_tokens == 0
    assert chat.say("Name a tree.", max_tokens=4).end.timings.load_s == 0


def test_the_session_has_the_name_that_it_was_given(talk: Begin) -> None:
    chat = talk()
    list(
        chat.assistant.reply(
            "a.txt:\n\nmuch\n\nWhat is it?", chat.greedy.changed(max_tokens=2), title="What is it?"
        )
    )
    assert chat.store.get("last").title == "What is it?"
    assert chat.assistant.keep("Mine") == "Mine"
    assert chat.store.get("last").title == "Mine"
    assert chat.assistant.keep(None) == "Mine"


def test_a_chat_that_was_not_saved_is_saved_on_request(talk: Begin, tmp_path: Any) -> None:
    chat, other = talk(store=False), talk()
    with pytest.raises(UsageError, match="nothing was asked"):
        chat.assistant.keep("Mine", store=other.store)
    one = chat.say("Name a colour.", max_tokens=6)
    two = chat.say("Name a fruit.", max_tokens=6)
    with pytest.raises(UsageError, match="is not saved"):
        chat.assistant.keep("Mine")
    assert chat.assistant.keep("Mine", store=other.store) == "Mine"
    chat.store = other.store
    assert texts(chat) == ["Name a colour.", one.text, "Name a fruit.", two.text]
    saved = chat.saved()[3]
    assert (saved.usage, saved.timings) == (two.end.usage, two.end.timings)
    assert saved.token_ids
    assert saved.model == "smollm2-135m-instruct"
    three = chat.say("Name a tree.", max_tokens=6)
    assert texts(chat)[-2:] == ["Name a tree.", three.text]
    assert chat.assistant.totals.turns == 3
    assert chat.assistant.totals.completion_tokens == sum(
        m.usage.completion_tokens for m in chat.saved()[1::2]
    )
