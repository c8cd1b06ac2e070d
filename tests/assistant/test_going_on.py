"""An answer that was cut goes on: the same words as if it had never been, one message in the store."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ockit.errors import StoreError, UsageError, WorkerError
from ockit.events import End, Token
from ockit.prompts.templates import named
from ockit.sessions.store import Store
from stored_chats import check_sound

Begin = Callable[..., Any]
STORY = "Tell me a very long story."
CHILD = Path(__file__).resolve().parent.parent / "continuing_child.py"


def go_on(talk: Any, **changes: Any) -> tuple[str, End]:
    """The new text, and its end."""
    found = list(talk.assistant.go_on(talk.greedy.changed(**changes)))
    assert isinstance(found[-1], End)
    return "".join(event.text for event in found if isinstance(event, Token)), found[-1]


def interrupted(talk: Any, question: str, after: int, **changes: Any) -> str:
    """The text of an answer that was stopped after some events."""
    said: list[str] = []
    for event in talk.assistant.reply(question, talk.greedy.changed(max_tokens=200, **changes)):
        if isinstance(event, Token):
            said.append(event.text)
            if len(said) == after:
                assert talk.assistant.stop()
    return "".join(said)


def test_it_says_what_it_would_have_said(talk: Begin) -> None:
    whole = talk(store=False).say(STORY, max_tokens=40)
    chat = talk()
    one = chat.say(STORY, max_tokens=17)
    two, end = go_on(chat, max_tokens=11)
    three, last = go_on(chat, max_tokens=12)
    assert one.text + two + three == whole.text
    assert end.usage.completion_tokens == 11
    assert end.usage.prompt_tokens == one.end.usage.prompt_tokens + 17
    assert (
        end.usage.cached_tokens == end.usage.prompt_tokens - 1
    )  # all but the last token of the earlier part
    assert last.usage.cached_tokens == last.usage.prompt_tokens - 1
    question, answer = chat.saved()
    assert answer.text == whole.text
    assert answer.parent_id == question.id
    assert (answer.state, answer.finish_reason) == ("complete", "length")
    assert answer.usage.completion_tokens == 40
    assert answer.usage.prompt_tokens == one.end.usage.prompt_tokens
    assert answer.timings.decode_s > one.end.timings.decode_s
    assert answer.timings.first_token_s == one.end.timings.first_token_s
    assert answer.token_ids == tuple(i for e in whole.events if isinstance(e, Token) for i in e.ids)
    assert chat.assistant.last_answer.text == whole.text
    follow = chat.say("Go on.", max_tokens=4)
    assert follow.end.usage.cached_tokens == last.usage.prompt_tokens + 12 - 1


def test_after_an_interruption_and_from_the_store(talk: Begin) -> None:
    chat = talk()
    said = interrupted(chat, STORY, 10)
    assert chat.assistant.last_answer.can_go_on
    other = talk()
    other.assistant.resume(chat.assistant.session_id)
    for each in (chat, other):
        each.assistant.resume(chat.assistant.session_id)
    more, end = go_on(other, max_tokens=8)
    assert more
    assert end.usage.cached_tokens == 0  # another process of the model
    assert [text for _, _, text in other.path()] == [STORY, said + more]
    assert other.saved()[1].state == "complete"
    whole = talk(store=False).say(STORY, max_tokens=other.saved()[1].usage.completion_tokens).text
    assert said + more == whole


def test_after_undo_and_a_later_question(talk: Begin) -> None:
    chat = talk()
    one = chat.say(STORY, max_tokens=9)
    chat.say("Name a colour.", max_tokens=4)
    assert chat.assistant.undo() == "Name a colour."
    more, end = go_on(chat, max_tokens=6)
    assert end.usage.cached_tokens >= one.end.usage.prompt_tokens + 8
    assert [text for _, _, text in chat.path()] == [STORY, one.text + more]


def test_white_space_at_the_seam_is_kept(talk: Begin) -> None:
    """A continuation that begins with a space keeps it; the text of every cut is the text of the whole."""
    whole = talk(store=False).say("Count from one to five in words.", max_tokens=24).text
    chat = talk()
    text = chat.say("Count from one to five in words.", max_tokens=1).text
    seams = []
    for _ in range(23):
        more, _ = go_on(chat, max_tokens=1)
        seams.append(more[:1])
        text += more
    assert text == whole
    assert " " in seams


def test_half_a_character_is_said_again(talk: Begin) -> None:
    """An answer cut within a character ends before it, and goes on with all of it."""
    question = "Repeat after me: 你好 🌍 你好 🌍 你好 🌍"
    whole = talk(store=False).say(question, max_tokens=40).text
    assert "🌍" in whole or any(ord(character) > 0x3000 for character in whole)
    chat = talk()
    text = chat.say(question, max_tokens=4).text
    stuck = halves = 0
    for _ in range(60):
        if len(text) >= len(whole):
            break
        more, _ = go_on(chat, max_tokens=1 + stuck)  # a character may take several tokens
        stuck = 0 if more else stuck + 1
        halves += not more
        text += more
    assert "\ufffd" not in text
    assert text[: len(whole)] == whole[: len(text)]
    assert halves


def test_only_what_was_cut_goes_on(talk: Begin) -> None:
    chat = talk()
    with pytest.raises(UsageError, match="no answer") as nothing:
        go_on(chat)
    assert nothing.value.hint
    reply = chat.say("Say yes.", max_tokens=200)
    assert reply.end.finish_reason == "stop"
    before = chat.saved()
    with pytest.raises(UsageError, match="ended by itself") as ended:
        go_on(chat)
    assert "/regen" in ended.value.hint
    assert chat.saved() == before


def test_stopped_before_a_new_word_nothing_changes(talk: Begin) -> None:
    chat = talk()
    chat.say(STORY, max_tokens=9)
    before = chat.saved()[1]
    chat.stopped_before_a_word(chat.assistant.go_on(chat.greedy))
    after = chat.saved()[1]
    assert (after.text, after.token_ids, after.state) == (before.text, before.token_ids, before.state)
    assert after.finish_reason == before.finish_reason == "length"
    assert go_on(chat, max_tokens=3)[0]


def test_the_worker_dies_in_mid_continuation(talk: Begin) -> None:
    import os

    chat = talk()
    one = chat.say(STORY, max_tokens=9)
    said: list[str] = []
    with pytest.raises(WorkerError):  # noqa: PT012
        for event in chat.assistant.go_on(chat.greedy.changed(max_tokens=300)):
            if isinstance(event, Token):
                said.append(event.text)
                if len(said) == 5:
                    os.kill(chat.assistant.engine.worker.pid, signal.SIGKILL)
    answer = chat.saved()[1]
    assert answer.state == "interrupted"
    assert answer.text == one.text + "".join(said) == chat.assistant.last_answer.text
    more, _ = go_on(chat, max_tokens=5)
    assert chat.saved()[1].text == answer.text + more
    assert chat.saved()[1].usage.completion_tokens >= 14


def test_without_a_store(talk: Begin) -> None:
    chat = talk(store=False)
    one = chat.say(STORY, max_tokens=9)
    more, end = go_on(chat, max_tokens=6)
    assert end.usage.cached_tokens == end.usage.prompt_tokens - 1
    assert chat.assistant.last_answer.text == one.text + more
    assert chat.assistant.last_answer.usage.completion_tokens == 15


def test_the_model_s_own_template(talk: Begin) -> None:
    whole = talk(store=False, settings={"template": "jinja"}).say(STORY, max_tokens=16)
    chat = talk(settings={"template": "jinja"})
    one = chat.say(STORY, max_tokens=9)
    two, end = go_on(chat, max_tokens=7)
    assert end.usage.cached_tokens == end.usage.prompt_tokens - 1
    assert one.text + two == whole.text


@pytest.mark.parametrize("name", ["chatml", "mistral-v3", "openchatkit", "deepseek-r1", "vicuna"])
def test_another_model_s_answer_goes_on_from_its_text(name: str, talk: Begin) -> None:
    chat = talk()
    one = chat.say(STORY, max_tokens=9)
    model = chat.assistant.model
    chat.assistant.use(replace(model, entry=replace(model.entry, name="another")))
    chat.assistant.set_template(named(name))
    more, _ = go_on(chat, max_tokens=5)
    assert more
    answer = chat.saved()[1]
    assert answer.text == one.text + more
    assert answer.token_ids is None
    prompt = chat.assistant.last_prompt
    assert prompt[-1].text.endswith(one.text)


def test_a_store_that_fails_meanwhile(talk: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    chat = talk()
    one = chat.say(STORY, max_tokens=9)

    def fail(*args: Any, **options: Any) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as broken:
        for name in ("reopen", "finish", "save_so_far"):
            broken.setattr(Store, name, fail)
        more, _ = go_on(chat, max_tokens=5)
        assert isinstance(chat.assistant.trouble, StoreError)
    assert chat.saved()[1].text == one.text
    last, _ = go_on(chat, max_tokens=5)
    assert chat.assistant.trouble is None
    assert chat.saved()[1].text == one.text + more + last


def kill_in_mid_continuation(chat: Any, home: Path, count: int) -> None:
    chance = random.Random(count)
    chat.say(STORY, max_tokens=9)
    session = chat.assistant.session_id
    grown = 0
    for _ in range(count):
        before = chat.saved()[1]
        with subprocess.Popen(
            [sys.executable, "-P", str(CHILD), str(home), session], stdout=subprocess.PIPE
        ) as child:
            assert child.stdout is not None
            if chance.random() < 0.8:
                child.stdout.readline()
            time.sleep(chance.uniform(0, 0.5))
            child.kill()
            child.communicate(timeout=30)
        question, answer = chat.saved()
        assert question.text == STORY
        assert answer.text.startswith(before.text)
        assert (answer.state, answer.finish_reason) in (("interrupted", None), ("complete", "length"))
        grown += len(answer.text) > len(before.text)
        check_sound(chat.store.path)
    assert grown
    chat.assistant.resume(session)
    more, _ = go_on(chat, max_tokens=5)
    assert chat.saved()[1].text == answer.text + more
    assert chat.saved()[1].state == "complete"


def test_killed_in_mid_continuation(talk: Begin, tmp_path: Path) -> None:
    kill_in_mid_continuation(talk(), tmp_path, 3)


@pytest.mark.sweep
def test_killed_in_mid_continuation_30(talk: Begin, tmp_path: Path) -> None:
    kill_in_mid_continuation(talk(), tmp_path, 30)
