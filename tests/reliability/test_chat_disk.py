"""The disk under a chat fails while it runs, and comes back: the chat goes on, says so once, and saves it all later."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from asking import saved, whole
from drawn_chat import bar
from ockit.environment import Directories
from ockit.sessions.store import Store
from outages import FEW, REST, NoGrowth, Outage
from steered_chat import Drawn, Piped
from terminal import gone

STORY = "Tell me a very long story about a whale."
SHORT = ("--max-tokens", "8")
BANNER = " NOT SAVED "
UNSAVED = "the chat goes on unsaved"
HISTORY = "what is typed from here on is not saved for later chats"


@pytest.fixture
def opened(run_ockit: Any, ockit_home: Path) -> Iterator[Callable[..., Drawn]]:
    """``opened(*args)`` is a drawn chat that waits."""
    chats = []

    def open_one(*args: str) -> Drawn:
        chat = Drawn(run_ockit, ockit_home, *SHORT, *args)
        chats.append(chat)
        chat.wait("the start")
        return chat

    yield open_one
    for chat in chats:
        chat.close()


def swept(first: Iterable[Any], rest: Iterable[Any]) -> list[Any]:
    """Parameters of which the first are enough for every day."""
    return [*first, *(pytest.param(each, marks=pytest.mark.sweep) for each in rest)]


@pytest.fixture(params=swept(FEW, REST), ids=lambda way: way.__name__)
def way(request: Any, ockit_home: Path) -> Iterator[type[Outage]]:
    try:
        request.param.prepare(ockit_home)
        yield request.param
    finally:
        request.param.clear(ockit_home)


def flat(text: str) -> str:
    return " ".join(text.split())


def turns(home: Path) -> list[list[tuple[str, str]]]:
    """The questions of every chat, each with the state of its answer."""
    found = []
    for session in saved(home):
        states = {message.parent_id: message.state for message in session if message.role == "assistant"}
        found.append([(m.text, states.get(m.id, "none")) for m in session if m.role == "user"])
    return found


def complete(*questions: str) -> list[tuple[str, str]]:
    return [(question, "complete") for question in questions]


@pytest.mark.parametrize("way", [*FEW, *REST], indirect=True, ids=lambda way: way.__name__)
def test_an_outage_in_mid_chat(way: type[Outage], opened: Any, ockit_home: Path) -> None:
    chat = opened()
    chat.enter("One.")
    assert BANNER not in bar(chat.screen)
    outage = way(ockit_home, chat.pid)
    outage.begin()
    chat.enter("Two.")
    assert BANNER in bar(chat.screen)
    chat.enter("Three.")
    assert BANNER in bar(chat.screen)
    shown = flat(chat.screen.screen)
    assert shown.count(UNSAVED) == 1, shown
    assert shown.count(HISTORY) == 1 or not outage.history_too, shown
    outage.end()
    chat.enter("Four.")
    shown = flat(chat.screen.screen)
    assert BANNER not in bar(chat.screen)
    assert shown.count(UNSAVED) == 1
    assert shown.count(HISTORY) <= 1
    assert "the chat is saved again, all of it" in shown
    assert "error: " not in shown
    assert chat.end() == 0
    assert "Traceback" not in chat.told()
    whole(ockit_home)
    assert turns(ockit_home) == [complete("One.", "Two.", "Three.", "Four.")]


def test_an_outage_from_the_first_question_on(opened: Any, ockit_home: Path) -> None:
    NoGrowth.prepare(ockit_home)
    chat = opened()
    outage = NoGrowth(ockit_home, chat.pid)
    outage.begin()
    chat.enter("One.")
    assert BANNER in bar(chat.screen)
    outage.end()
    chat.enter("Two.")
    assert BANNER not in bar(chat.screen)
    assert chat.end() == 0
    assert turns(ockit_home) == [complete("One.", "Two.")]


def test_an_outage_in_mid_answer(way: type[Outage], opened: Any, ockit_home: Path) -> None:
    chat = opened()
    chat.enter("One.")
    chat.enter("/set max_tokens 200")
    chat.send(STORY)
    chat.screen.until(lambda s: "writing" in bar(s), "the answer")
    outage = way(ockit_home, chat.pid)
    outage.begin()
    chat.wait(STORY)
    assert BANNER in bar(chat.screen)
    assert flat(chat.told()).count(UNSAVED) == 1
    outage.end()
    assert chat.end() == 0  # at the end, what waits is saved
    whole(ockit_home)
    assert turns(ockit_home) == [complete("One.", STORY)]
    assert len(saved(ockit_home)[0][-1].token_ids or ()) > 100


def test_commands_during_an_outage(way: type[Outage], opened: Any, ockit_home: Path) -> None:
    """Branches and chats that are left while nothing can be saved are saved with the rest."""
    chat = opened()
    chat.enter("One.")
    chat.enter("/set temperature 1.5")
    outage = way(ockit_home, chat.pid)
    outage.begin()
    chat.enter("Two.")
    chat.enter("/regen")
    chat.enter("/edit Two and a half.")
    chat.enter("/pin 1")
    chat.enter("/system Be terse.")
    chat.enter("/undo")  # the edit
    chat.enter("/undo")
    chat.enter("Three.")
    assert "error: " not in chat.screen.screen
    chat.enter("/save A name")
    assert "error: " in chat.screen.screen
    chat.enter("/new")
    assert BANNER in bar(chat.screen)
    chat.enter("Four.")
    outage.end()
    chat.enter("Five.")
    assert BANNER not in bar(chat.screen)
    assert "the chat is saved again, all of it" in flat(chat.screen.screen)
    assert chat.end() == 0
    assert "Traceback" not in chat.told()
    whole(ockit_home)
    first, second = saved(ockit_home)
    assert [m.text for m in first if m.role == "user"] == ["One.", "Two.", "Two and a half.", "Three."]
    two = next(m for m in first if m.text == "Two.")
    assert len([m for m in first if m.parent_id == two.id]) == 2
    assert [m.text for m in second if m.role == "user"] == ["Four.", "Five."]
    assert {m.state for m in (*first, *second)} == {"complete"}
    with Store.of(Directories.of({"OCKIT_HOME": str(ockit_home)})) as store:
        earlier = store.get(first[0].session_id)
        assert earlier.system == "Be terse."
        path = [m.text for m in store.path_to(earlier.head or "") if m.role == "user"]
        assert path == ["One.", "Three."]


def test_leaving_during_an_outage_says_what_is_lost(way: type[Outage], opened: Any, ockit_home: Path) -> None:
    chat = opened()
    chat.enter("One.")
    outage = way(ockit_home, chat.pid)
    outage.begin()
    chat.enter("Two.")
    assert chat.end() == 1
    assert "error: what was said while the store failed is lost" in flat(chat.screen.screen)
    outage.end()
    whole(ockit_home)
    assert turns(ockit_home) == [complete("One.")]


def test_killed_during_an_outage(way: type[Outage], opened: Any, ockit_home: Path) -> None:
    """What was saved before it is there, and the chat can be gone on with."""
    chat = opened()
    chat.enter("One.")
    outage = way(ockit_home, chat.pid)
    outage.begin()
    chat.enter("Two.")
    chat.enter("/set max_tokens 200")
    chat.send(STORY)
    chat.watch(0.4)
    workers = chat.kill()
    assert all(gone(pid) for pid in workers)
    outage.end()
    whole(ockit_home)
    assert turns(ockit_home) == [complete("One.")]
    again = opened("--continue")
    again.enter("Three.")
    assert again.end() == 0
    assert turns(ockit_home) == [complete("One.", "Three.")]


def test_a_chat_on_a_pipe_ends_at_it(way: type[Outage], run_ockit: Any, ockit_home: Path) -> None:
    """Nobody is there to read a banner: the first answer that cannot be saved is an error."""
    chat = Piped(run_ockit, ockit_home, *SHORT)
    try:
        chat.send("One.")
        chat.wait("One.")
        outage = way(ockit_home, chat.pid)
        outage.begin()
        chat.send("Two.")
        assert chat.drain() == 1
        outage.end()
        assert chat.told().count("error: ") == 1
        assert "Traceback" not in chat.told()
    finally:
        chat.close()
    whole(ockit_home)
    assert turns(ockit_home) == [complete("One.")]


def test_outages_come_and_go(opened: Any, ockit_home: Path) -> None:
    """At random, in the middle of answers too: once the disk is back for good, every question has its whole answer."""
    NoGrowth.prepare(ockit_home)
    chance = random.Random(4)
    chat = opened()
    outage, failing, asked = NoGrowth(ockit_home, chat.pid), False, []
    chat.enter("/set max_tokens 60")
    for number in range(8):
        asked.append(f"Tell me a story. ({number})")
        chat.send(asked[-1])
        chat.watch(chance.uniform(0.0, 0.8))
        if chance.random() < 0.6:
            outage.end() if failing else outage.begin()
            failing = not failing
        chat.wait(asked[-1])
        if number % 3 == 2:
            chat.enter("/new")
    if failing:
        outage.end()
    assert chat.end() == 0
    assert "Traceback" not in chat.told()
    whole(ockit_home)
    found = [turn for session in turns(ockit_home) for turn in session]
    assert sorted(found) == sorted(complete(*asked))


DAMAGES = {
    "garbage": lambda path: path.write_bytes(random.Random(1).randbytes(path.stat().st_size)),
    "garbage over a part": lambda path: _over(path, 4096, b"\xa5" * 8192),
    "emptied": lambda path: os.truncate(path, 0),
    "cut in half": lambda path: os.truncate(path, path.stat().st_size // 2),
    "removed": lambda path: path.unlink(),
    "another file": lambda path: (path.unlink(), path.write_bytes(b"Dear diary,\n" * 1000)),
    "the whole home removed": lambda path: shutil.rmtree(path.parent.parent),
}


def _over(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


@pytest.mark.parametrize("in_answer", swept([False], [True]), ids=["at rest", "in an answer"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_database_damaged_under_a_chat(
    damage: str, in_answer: bool, opened: Any, ockit_home: Path, run_ockit: Any
) -> None:
    """The chat goes on; all of it is in a sound store afterwards."""
    chat = opened()
    chat.enter("One.")
    chat.enter("Two.")
    if in_answer:
        chat.enter("/set max_tokens 200")
        chat.send(STORY)
        chat.screen.until(lambda s: "writing" in bar(s), "the answer")
    DAMAGES[damage](ockit_home / "data" / "ockit.db")
    if in_answer:
        chat.wait(STORY)
        chat.enter("/set max_tokens 8")
    chat.enter("Three.")
    chat.enter("Four.")
    assert BANNER not in bar(chat.screen)
    assert chat.end() == 0
    assert "Traceback" not in chat.told()
    assert "internal error" not in chat.told()
    if damage != "garbage over a part":  # which is found when that part is read, and mended then
        whole(ockit_home)
    (last, *_) = reversed(turns(ockit_home))
    story = [STORY] if in_answer else []
    assert last == complete("One.", "Two.", *story, "Three.", "Four.")
    listed = run_ockit("sessions", "list")
    assert listed.code == 0
    assert damage == "garbage over a part" or listed.stderr == ""
