"""The disk under the store fails in mid-chat: the chat goes on unsaved, and is saved whole once it can be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ockit.errors import StoreError
from ockit.events import End, Notice, Token
from ockit.sessions.store import Store
from stored_chats import check_sound

Begin = Callable[..., Any]


@contextmanager
def outage(chat: Any) -> Iterator[None]:
    """Where the store's file stood there is a directory for a while."""
    path = chat.store.path
    aside = path.with_name("aside")
    chat.store.close()
    if path.exists():
        path.rename(aside)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir()
    try:
        yield
    finally:
        path.rmdir()
        if aside.exists():
            aside.rename(path)


def kinds(reply: Any) -> list[str]:
    return [notice.kind for notice in reply.notices]


def lines(*replies: tuple[str, Any]) -> list[tuple[str, str, str]]:
    """What the store should hold of these questions and answers."""
    return [
        line
        for question, reply in replies
        for line in (("user", "complete", question), ("assistant", "complete", reply.text))
    ]


def test_without_leave_it_is_an_error(talk: Begin) -> None:
    chat = talk()
    chat.say("one", max_tokens=2)
    with outage(chat), pytest.raises(StoreError):
        chat.say("two", max_tokens=2)
    assert not chat.assistant.unsaved
    assert chat.assistant.questions == ("one",)


def test_everything_is_saved_once_the_disk_is_back(talk: Begin) -> None:
    chat = talk(unsaved_ok=True)
    one = chat.say("Name a colour.", max_tokens=4)
    with outage(chat):
        two = chat.say("Name a fruit.", max_tokens=4)
        assert kinds(two) == ["unsaved"]
        assert "directory" in two.notices[0].text
        assert isinstance(two.events[-1], End)
        assert chat.assistant.unsaved
        three = chat.say("Name a tree.", max_tokens=4)
        assert kinds(three) == []
        assert chat.assistant.trouble is None
    four = chat.say("Name a river.", max_tokens=4)
    assert kinds(four) == ["saved"]
    assert not chat.assistant.unsaved
    assert chat.path() == lines(
        ("Name a colour.", one), ("Name a fruit.", two), ("Name a tree.", three), ("Name a river.", four)
    )
    saved = {message.text: message for message in chat.saved()}
    assert saved[two.text].usage == two.end.usage
    assert saved[two.text].token_ids
    assert saved[two.text].sampling["temperature"] == 0.0
    check_sound(chat.store.path)
    with outage(chat):  # another one
        assert kinds(chat.say("Name a lake.", max_tokens=2)) == ["unsaved"]


def test_from_the_very_first_question(talk: Begin) -> None:
    chat = talk(unsaved_ok=True)
    with outage(chat):
        one = chat.say("Name a colour.", max_tokens=4)
        assert kinds(one) == ["unsaved"]
    two = chat.say("Name a fruit.", max_tokens=4)
    assert kinds(two) == ["saved"]
    assert chat.path() == lines(("Name a colour.", one), ("Name a fruit.", two))
    assert chat.store.get("last").title == "Name a colour."


def test_it_begins_in_mid_answer(talk: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    from ockit.assistant import record

    monkeypatch.setattr(record, "SAVE_EVERY_S", 0.0)
    chat = talk(unsaved_ok=True)
    said, kind = [], []
    stream = chat.assistant.reply("Tell me a story.", chat.greedy)
    failing = outage(chat)
    for event in stream:
        if isinstance(event, Token):
            said.append(event.text)
            if len(said) == 3:
                failing.__enter__()
        if isinstance(event, Notice):
            kind.append(event.kind)
    assert kind == ["unsaved"]
    assert isinstance(event, End)
    assert chat.assistant.unsaved
    failing.__exit__(None, None, None)
    two = chat.say("Name a fruit.", max_tokens=2)
    assert kinds(two) == ["saved"]
    assert [text for _, _, text in chat.path()] == [
        "Tell me a story.",
        "".join(said),
        "Name a fruit.",
        two.text,
    ]
    assert [m.state for m in chat.saved()] == ["complete"] * 4


def test_going_back_and_on_meanwhile(talk: Begin) -> None:
    chat = talk(unsaved_ok=True)
    one = chat.say("Name a colour.", max_tokens=4)
    chat.say("Name a fruit.", max_tokens=4)
    with outage(chat):
        assert chat.assistant.undo() == "Name a fruit."
        more = [event.text for event in chat.assistant.go_on(chat.greedy) if isinstance(event, Token)]
        assert chat.assistant.unsaved
        chat.assistant.set_system("You are terse.")
        chat.assistant.pin(1)
    two = chat.say("Name a tree.", max_tokens=4)
    assert kinds(two) == ["saved"]
    assert [text for _, _, text in chat.path()] == [
        "Name a colour.",
        one.text + "".join(more),
        "Name a tree.",
        two.text,
    ]
    assert chat.store.get("last").metadata["pinned"] == [chat.saved()[0].id]


def test_a_session_that_somebody_removed_is_saved_anew(talk: Begin) -> None:
    chat = talk(unsaved_ok=True)
    one = chat.say("Name a colour.", max_tokens=4)
    before = chat.assistant.session_id
    with Store(chat.store.path) as other:
        other.remove(before)
    two = chat.say("Name a fruit.", max_tokens=4)
    assert kinds(two) == ["saved"]
    assert chat.assistant.session_id != before
    assert chat.path() == lines(("Name a colour.", one), ("Name a fruit.", two))
    for file in chat.store.path.parent.iterdir():  # and the whole store
        file.unlink()
    three = chat.say("Name a tree.", max_tokens=4)
    assert kinds(three) == ["saved"]
    assert chat.path() == lines(("Name a colour.", one), ("Name a fruit.", two), ("Name a tree.", three))


def test_branches_and_chats_that_were_left_meanwhile(talk: Begin) -> None:
    chat = talk(unsaved_ok=True)
    one = chat.say("Name a colour.", max_tokens=4)
    with outage(chat):
        two = chat.say("Name a fruit.", max_tokens=4)
        chat.assistant.undo()
        three = chat.say("Name a tree.", max_tokens=4)
        first = chat.assistant.session_id
        chat.assistant.restart(None)
        assert chat.assistant.unsaved
        chat.say("Name a river.", max_tokens=4)
        chat.assistant.undo()
        with pytest.raises(StoreError, match="is lost"):
            chat.assistant.settle()
        assert chat.assistant.unsaved
    chat.assistant.settle()
    assert not chat.assistant.unsaved
    session = chat.store.get(first)
    path = [(m.role, m.state, m.text) for m in chat.store.path_to(session.head)]
    assert path == lines(("Name a colour.", one), ("Name a tree.", three))
    texts = [message.text for message in chat.store.messages(first)]
    assert texts == ["Name a colour.", one.text, "Name a fruit.", two.text, "Name a tree.", three.text]
    assert "Name a river." in [m.text for s in chat.store.list() for m in chat.store.messages(s.id)]
    check_sound(chat.store.path)


def test_another_answer_meanwhile_does_not_move_the_chat(talk: Begin) -> None:
    chat = talk(unsaved_ok=True)
    with outage(chat):
        one = chat.say("Name a colour.", max_tokens=4)
        again = [event for event in chat.assistant.again(chat.greedy) if isinstance(event, Token)]
        chat.assistant.set_system("You are terse.")
    chat.assistant.settle()
    (_, *answers) = chat.store.messages(chat.assistant.session_id)
    assert [answer.text for answer in answers] == [one.text, "".join(token.text for token in again).strip()]
    session = chat.store.get(chat.assistant.session_id)
    assert (session.head, session.system) == (answers[1].id, "You are terse.")
    assert chat.assistant.variants() == (2, 2)
