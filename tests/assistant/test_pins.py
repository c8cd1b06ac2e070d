"""Pinned questions stay in the prompt, here and after the chat was resumed; the report counts what is in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ockit.assistant.ledger import fit, without
from ockit.assistant.report import SHOWN, report
from ockit.errors import ContextOverflow, UsageError
from ockit.messages import Conversation, Message

Begin = Callable[..., Any]
FILLER = "tell me a little more about it. " * 3


def encode(conversation: Conversation) -> list[int]:
    return [0] * (10 + sum(len(message.text) + 2 for message in conversation.messages))


def count(conversation: Conversation) -> int:
    return len(encode(conversation))


def chat_of(questions: int, length: int = 18) -> Conversation:
    texts = [f"{number}".ljust(length, ".") for number in range(2 * questions - 1)]
    roles = ("user", "assistant")
    return Conversation(tuple(Message(roles[i % 2], text) for i, text in enumerate(texts)))  # type: ignore[arg-type]


def test_pinned_turns_stay_and_the_oldest_others_go() -> None:
    whole = chat_of(6)
    fitted = fit(whole, encode, 210, pinned={0, 2})
    assert fitted.out == {1, 3}
    assert fitted.dropped == 4
    kept = [message.text.strip(".") for message in fitted.conversation.turns]
    assert kept == ["0", "1", "4", "5", "8", "9", "10"]
    assert len(fitted.ids) == count(without(whole, 4, {0, 2}))
    again = fit(whole, encode, 500, dropped=fitted.dropped, pinned={0})  # unpinned since: it is out
    assert again.out == {1, 2, 3}


def test_pinned_turns_that_leave_no_room_are_named() -> None:
    with pytest.raises(ContextOverflow, match=r"/pin keeps questions 2, 4 in it") as full:
        fit(chat_of(6), encode, 100, pinned={1, 3})
    assert full.value.hint.startswith("/pin off 2")
    with pytest.raises(ContextOverflow, match="tokens, and 20 fit") as alone:
        fit(chat_of(3), encode, 20, pinned={2})  # the last question itself
    assert "--ctx-size" in alone.value.hint


def test_a_report_counts_every_turn() -> None:
    found = report(chat_of(6), count, 400, 300, dropped=3, pinned={1})
    shown = [(turn.number, turn.last, turn.tokens, turn.in_prompt, turn.pinned) for turn in found.turns]
    assert shown == [
        (1, 1, 40, False, False),
        (2, 2, 40, True, True),
        (3, 3, 40, False, False),
        (4, 4, 40, True, False),
        (5, 5, 40, True, False),
        (6, 6, 20, True, False),
    ]
    assert found.system == 10
    assert found.total == 10 + 40 + 40 + 40 + 20
    assert found.total == found.system + sum(turn.tokens or 0 for turn in found.turns if turn.in_prompt)
    assert (found.answer_room, found.free) == (100, 400 - 100 - found.total)
    assert report(Conversation(), count, 400, 300).turns == ()


def test_a_long_chat_is_not_counted_turn_by_turn() -> None:
    calls = 0

    def counted(conversation: Conversation) -> int:
        nonlocal calls
        calls += 1
        return count(conversation)

    found = report(chat_of(500), counted, 100_000, 99_488, dropped=200, pinned={7})
    assert calls < SHOWN + 10
    assert len(found.turns) == SHOWN + 4
    assert [(turn.number, turn.last) for turn in found.turns[:4]] == [(1, 7), (8, 8), (9, 200), (201, 460)]
    assert sum(turn.tokens or 0 for turn in found.turns) == 499 * 40 + 20


def test_a_pinned_question_outlives_the_others(talk: Begin) -> None:
    chat = talk(settings={"ctx_size": "256"})
    chat.say("My name is Ada. Remember it.", max_tokens=8)
    chat.assistant.pin(1)
    assert chat.assistant.pinned == {1}
    for number in range(6):
        reply = chat.say(f"Question {number}: {FILLER}", max_tokens=16)
        assert "My name is Ada" in str(chat.assistant.last_prompt)
        assert reply.end.usage.prompt_tokens <= 240
    assert "Question 0" not in str(chat.assistant.last_prompt)
    found = chat.assistant.context_report()
    assert found.turns[0].pinned
    assert found.turns[0].in_prompt
    assert any(not turn.in_prompt for turn in found.turns)
    assert found.total == found.system + sum(turn.tokens for turn in found.turns if turn.in_prompt)
    assert found.n_ctx == 256

    other = talk(settings={"ctx_size": "256"})
    other.assistant.resume(chat.assistant.session_id)
    assert other.assistant.pinned == {1}
    other.say("And now?", max_tokens=4)
    assert "My name is Ada" in str(other.assistant.last_prompt)
    other.assistant.unpin(1)
    assert chat.store.get("last").metadata["pinned"] == []
    other.say(f"Last: {FILLER}", max_tokens=4)
    assert "My name is Ada" not in str(other.assistant.last_prompt)
    with pytest.raises(UsageError, match="no question 99"):
        other.assistant.pin(99)


def test_pins_that_leave_no_room(talk: Begin) -> None:
    chat = talk(settings={"ctx_size": "256"})
    for number in (1, 2):
        chat.say(f"Question {number}: {FILLER * 3}", max_tokens=8)
        chat.assistant.pin(number)
    with pytest.raises(ContextOverflow) as full:
        chat.say(f"Question 3: {FILLER}", max_tokens=8)
    assert "/pin off 1" in full.value.hint
    chat.assistant.unpin(1)
    assert chat.say(f"Question 3: {FILLER}", max_tokens=8).text


def test_pins_go_with_their_branch(talk: Begin) -> None:
    chat = talk()
    chat.say("one", max_tokens=2)
    chat.say("two", max_tokens=2)
    chat.assistant.pin(2)
    list(chat.assistant.again(chat.greedy.changed(max_tokens=2)))
    assert chat.assistant.pinned == {2}
    chat.assistant.undo()
    assert chat.assistant.pinned == frozenset()
    chat.say("other", max_tokens=2)
    chat.assistant.pin(1)
    assert len(chat.store.get("last").metadata["pinned"]) == 2  # the other branch keeps its own
    chat.assistant.resume(chat.assistant.session_id, chat.saved()[2].id)
    assert chat.assistant.pinned == {1, 2}
