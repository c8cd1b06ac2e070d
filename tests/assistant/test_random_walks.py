"""Random walks through the tree of a conversation: memory and store never disagree on where it stands."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from ockit.errors import InterruptedByUser, UsageError
from ockit.events import Prefill, Token
from stored_chats import check_sound

Begin = Callable[..., Any]
STEPS = (
    "say say say again go_on undo branch choose pin resume resume_at stop_before stop_within regen_stopped"
).split()


def walk(chat: Any, other: Any, seed: int, steps: int) -> set[str]:
    """Take random steps in a chat; after each, another assistant resumes the session and must see the same."""
    chance = random.Random(seed)
    here = chat.assistant
    seen = set()
    number = 0

    def stopped_at(events: Any, kind: type) -> None:
        for event in events:
            if isinstance(event, kind):
                here.stop()

    for _ in range(steps):
        number += 1
        sampling = chat.greedy.changed(
            max_tokens=chance.randint(1, 4), temperature=1.0, seed=chance.randint(0, 99)
        )
        step = chance.choice(STEPS)
        try:
            if step == "say":
                list(here.reply(f"Question {number}?", sampling))
            elif step == "again":
                list(here.again(sampling))
            elif step == "go_on":
                list(here.go_on(sampling))
            elif step == "undo":
                here.undo()
            elif step == "branch":
                here.branch(chance.randint(1, 4))
            elif step == "choose":
                here.choose(chance.randint(1, 3))
            elif step == "pin":
                here.pin(chance.randint(1, 4))
            elif step == "resume":
                if here.session_id:
                    here.resume(here.session_id)
            elif step == "resume_at":
                saved = chat.saved() if here.session_id else ()
                if saved:
                    here.resume(here.session_id, chance.choice(saved).id)
                    list(here.reply(f"From there {number}?", sampling))
            elif step == "stop_before":
                stopped_at(here.reply(f"Question {number}?", sampling), Prefill)
            elif step == "stop_within":
                stopped_at(here.reply(f"Question {number}?", sampling.changed(max_tokens=60)), Token)
            elif step == "regen_stopped":
                stopped_at(here.again(sampling), Prefill)
        except (UsageError, InterruptedByUser) as error:
            step += f" {type(error).__name__}"
        seen.add(step)
        if here.session_id is None:
            continue
        other.assistant.resume(here.session_id)
        assert other.assistant.questions == here.questions, step
        assert other.assistant.conversation == here.conversation, step
        assert other.assistant.unanswered == here.unanswered, step
        assert other.assistant.pinned == here.pinned, step
        assert other.assistant.variants() == here.variants(), step
        last, theirs = here.last_answer, other.assistant.last_answer
        if last is not None:
            assert (last.text, last.finish_reason, last.usage, last.state) == (
                theirs.text,
                theirs.finish_reason,
                theirs.usage,
                theirs.state,
            ), step
    check_sound(chat.store.path)
    return seen


def test_memory_and_store_agree(talk: Begin) -> None:
    seen = walk(talk(), talk(), 1, 60)
    assert {"say", "again", "go_on", "undo", "branch", "choose", "pin", "resume_at"} <= seen


@pytest.mark.sweep
@pytest.mark.parametrize("seed", range(2, 12))
def test_memory_and_store_agree_on_long_walks(seed: int, talk: Begin) -> None:
    assert len(walk(talk(), talk(), seed, 100)) > 10
