"""``kill -9`` of ``ockit chat``, drawn or on a pipe, or of its worker, at any moment of a chat of several turns and
commands: what was seen to begin is saved, nothing else is lost or changed, and ``--continue`` goes on.

A home lives through several kills; each chat goes on where the one before was killed.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from asking import whole
from ockit.environment import Directories
from ockit.sessions.records import Session, StoredMessage
from ockit.sessions.store import Store
from steered_chat import Drawn, Piped, Steered
from terminal import gone

KILLS_A_HOME = 8
SAVED_WITHIN_S = 1.2
"""What was shown of an answer so long ago is on the disk: it is saved every half second. With time to spare, for a
machine that has other work."""


class Snapshot:
    """Everything in the store of a home."""

    def __init__(self, home: Path) -> None:
        self.sessions: dict[str, Session] = {}
        self.messages: dict[str, StoredMessage] = {}
        self.last: str | None = None
        with Store.of(Directories.of({"OCKIT_HOME": str(home)})) as store:
            for session in store.list(None):
                self.last = self.last or session.id
                self.sessions[session.id] = session
                self.messages |= {message.id: message for message in store.messages(session.id)}

    def asked(self, text: str) -> list[StoredMessage]:
        """The questions of these words."""
        return [m for m in self.messages.values() if (m.role, m.text) == ("user", text)]

    def answers(self, question: StoredMessage) -> list[StoredMessage]:
        return [m for m in self.messages.values() if m.parent_id == question.id and m.role == "assistant"]


def question_of(text: str) -> str | None:
    """The question that an input asks, None for a command that asks none."""
    if text.startswith("/edit "):
        return text.removeprefix("/edit ")
    return None if text.startswith("/") else text


def compare(before: Snapshot, after: Snapshot, texts: list[str]) -> list[StoredMessage]:
    """Nothing but what these inputs may do has become of the store; gives the new messages."""
    kinds = {text.split()[0] if text.startswith("/") else "ask" for text in texts}
    for id, old in before.messages.items():
        new = after.messages[id]
        grows = "/continue" in kinds and old.role == "assistant"
        if grows and new.text != old.text:
            assert new.text.startswith(old.text)
        elif grows:
            assert new.state in (old.state, "interrupted")
        else:
            assert replace(new, updated_at=0) == replace(old, updated_at=0)
    touched = []
    for id, was in before.sessions.items():
        now = after.sessions[id]
        free = {"updated_at": 0.0, "n_messages": 0, "head": None}
        if "/save" in kinds:
            free["title"] = None
        if kinds & {"/pin", "ask", "/edit"}:
            free["metadata"] = {}
        assert replace(now, **free) == replace(was, **free)  # type: ignore[arg-type]
        assert now.head is None or now.head in after.messages
        if now != was:
            touched.append(id)
    assert len(touched) <= 1 + ("/new" in kinds)
    fresh = [message for id, message in after.messages.items() if id not in before.messages]
    questions = [message for message in fresh if message.role == "user"]
    sent = [question for text in texts if (question := question_of(text)) is not None]
    assert [message.text for message in questions] == sent[: len(questions)], (texts, questions)
    answering = len(questions) + texts.count("/regen")
    assert len(fresh) - len(questions) <= answering
    assert len(after.sessions.keys() - before.sessions.keys()) <= len(questions)
    return fresh


class Script:
    """Inputs at random, such as make sense where the chat stands. No question comes twice.

    Attributes:
        turns: questions in the conversation.
        cut: whether its last answer can go on.
    """

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._number = 0
        self.turns = 0
        self.cut = False

    def question(self) -> str:
        self._number += 1
        self.turns += 1
        return f"Tell me a very long story. ({self._number})"

    def input(self, *, answered: bool = False) -> str:
        """The next one; `answered` asks for one that the model answers."""
        if not self.turns:
            kind = "ask" if answered else self._chance.choice(["ask", "ask", "ask", "/new", "/set"])
        else:
            kinds = "ask ask ask /regen /continue /edit /undo /new /save /set /pin".split()
            kind = self._chance.choice(kinds[:6] if answered else kinds)
            if kind == "/continue" and not self.cut:  # it would be an error, at which a chat on a pipe ends
                kind = "/regen"
        if kind == "ask":
            return self.question()
        if kind == "/edit":
            self.turns -= 1
            return f"/edit {self.question()}"
        if kind == "/undo":
            self.turns -= 1
        elif kind == "/new":
            self.turns = 0
        self._number += 1
        words = {"/save": f"Chat {self._number}", "/set": f"seed {self._number}"}
        return f"{kind} {words.get(kind, '')}".rstrip()


class Kills:
    """Kills one chat after the other, in homes that live through several kills, and counts what became of them."""

    def __init__(self, run_ockit: Any, home: Path, seed: int) -> None:
        self._run_ockit = run_ockit
        self._first_home = home
        self._chance = random.Random(seed)
        self._script = Script(self._chance)
        self.seen = Counter[str]()

    def run(self, count: int) -> None:
        """Kill so many; the last chat of every home is left alone and ends in order."""
        for number in range(count):
            home = self._first_home.with_name(f"home-{number // KILLS_A_HOME}")
            with ExitStack() as self._opened_chats:
                self.seen[self._one(home)] += 1
                if number % KILLS_A_HOME == KILLS_A_HOME - 1 or number == count - 1:
                    self._goes_on_in_order(home)
        assert self.seen.total() == count

    def _opened(self, home: Path, drawn: bool) -> tuple[Steered, Snapshot]:
        """A chat that goes on where the last one was killed, if there is one."""
        before = Snapshot(home)
        args = ["--max-tokens", "6", *(["--continue"] if before.sessions else [])]
        self._script.turns, self._script.cut = 0, False
        chat = (Drawn if drawn else Piped)(self._run_ockit, home, *args)
        self._opened_chats.callback(chat.close)
        return chat, before

    def _one(self, home: Path) -> str:
        chance, script = self._chance, self._script
        chat, before = self._opened(home, chance.random() < 0.65)
        steps = chance.choice([-1, 0, 1, 1, 2, 2, 3, 3])
        settled: list[str] = []
        if steps >= 0:
            chat.wait("the start")
            for number in range(steps):
                text = script.question() if number == 0 else script.input()
                chat.send(text)
                chat.wait(text)
                settled.append(text)
                self._checked_step(before, now := Snapshot(home), text)
                before = now
        texts, long = [], chance.random() < 0.75
        if steps >= 0:
            if long:
                chat.send(
                    "/set max_tokens 300"
                )  # so that there is time to be killed in the middle of an answer
                chat.wait("/set")
            ahead = isinstance(chat, Drawn) and chance.random() < 0.2
            texts = [
                script.input(answered=chance.random() < 0.6) if settled else script.question()
                for _ in range(2 if ahead else 1)
            ]
            for text in texts:
                chat.send(text)
        answers = texts and (question_of(texts[0]) or texts[0] in ("/regen", "/continue"))
        chat.watch(chance.uniform(0.0, (2.5 if long else 0.5) if answers else 1.0 if steps < 0 else 0.2))
        if chance.random() < 0.2:
            return self._worker_killed(home, chat, before, texts)
        killed_at = time.monotonic()
        workers = chat.kill()
        assert all(gone(pid) for pid in workers)
        return self._saved(home, chat, before, settled, texts, killed_at)

    def _checked_step(self, before: Snapshot, after: Snapshot, text: str) -> None:
        """An input that has run to its end did all that it does."""
        fresh = compare(before, after, [text])
        if (question := question_of(text)) is not None:
            (asked,) = after.asked(question)
            (answer,) = after.answers(asked)
            assert answer.state == "complete"
            self._script.cut = answer.finish_reason == "length"
            assert fresh == [asked, answer]
        elif text == "/regen":
            (answer,) = fresh
            assert answer.state == "complete"
            self._script.cut = answer.finish_reason == "length"
        elif text.startswith("/save "):
            assert after.last is not None
            assert after.sessions[after.last].title == text.removeprefix("/save ")
        elif text == "/continue":
            grown = [id for id, message in after.messages.items() if message != before.messages[id]]
            assert len(grown) == 1
            answer = after.messages[grown[0]]
            assert answer.state == "complete"
            self._script.cut = answer.finish_reason == "length"
        elif text in ("/undo", "/new"):
            self._script.cut = False

    def _saved(
        self,
        home: Path,
        chat: Steered,
        before: Snapshot,
        settled: list[str],
        texts: list[str],
        killed_at: float,
    ) -> str:
        """The chat was killed: what there is in its home; gives what became of its last input."""
        told = chat.told()
        assert "Traceback" not in told
        assert "internal error" not in told
        whole(home)
        after = Snapshot(home)
        fresh = compare(before, after, texts)
        for message in fresh:
            assert message.state in ("complete", "interrupted")
        begun = [text for text in texts if chat.began(text)]
        for question in filter(None, map(question_of, begun)):
            (asked,) = after.asked(question)
            assert asked.state == "complete"
            assert after.answers(asked)
        answered = sum(bool(question_of(text)) or text == "/regen" for text in begun)
        assert answered <= sum(message.role == "assistant" for message in fresh)
        inputs = [*settled, *(text for text in texts if chat.took(text))] if isinstance(chat, Drawn) else []
        history_holds(home, inputs)
        if len(texts) == 1 and isinstance(chat, Piped) and question_of(texts[0]) and len(fresh) == 2:
            shown = b"".join(piece for came, piece in chat.pieces if came < killed_at - SAVED_WITHIN_S)
            assert fresh[1].text.startswith(shown[chat.sent_at :].decode("utf-8", "ignore").rstrip("\n"))
        elif chat.answering_since is not None and killed_at - chat.answering_since > SAVED_WITHIN_S and fresh:
            assert fresh[-1].role == "user" or fresh[-1].text
        return became(texts, fresh)

    def _worker_killed(self, home: Path, chat: Steered, before: Snapshot, texts: list[str]) -> str:
        """The worker was killed instead: the drawn chat says so and lives, the one on a pipe ends."""
        workers = chat.workers()
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        drawn = isinstance(chat, Drawn)
        if isinstance(chat, Drawn):
            chat.wait("the death of the worker")
            assert chat.told().count("error: the model's process died") <= 2
            chat.enter("/set max_tokens 6")
            question = self._script.question()
            shown = chat.enter(question)
            if (
                "error: " in shown.rpartition(f"> {question}")[2]
            ):  # it was the next turn that met the dead worker
                question = self._script.question()
                chat.enter(question)
                texts = [*texts, chat.sent[-2]]
            texts = [*texts, question]
            assert chat.end() == 0
        else:
            assert chat.end() in (0, 1)
        assert "Traceback" not in chat.told()
        assert "internal error" not in chat.told()
        assert all(gone(pid) for pid in workers)
        whole(home)
        after = Snapshot(home)
        fresh = compare(before, after, texts)
        if drawn:
            (asked,) = after.asked(texts[-1])
            (answer,) = after.answers(asked)
            assert answer.state == "complete"
        failed = [message for message in fresh if message.state == "failed"]
        assert all(message.role == "assistant" and message.error for message in failed)
        assert len(failed) <= 1
        return "worker killed: " + ("an answer failed, its part kept" if failed else "in no answer")

    def _goes_on_in_order(self, home: Path) -> None:
        """``ockit chat --continue`` opens the chat that was killed last, and answers."""
        chat, before = self._opened(home, True)
        assert isinstance(chat, Drawn)
        chat.wait("the start")
        question = self._script.question()
        chat.enter(question)
        assert chat.end() == 0
        after = Snapshot(home)
        asked, answer = compare(before, after, [question])
        assert answer.state == "complete"
        if before.sessions:
            assert asked.session_id == before.last
        history_holds(home, [question])


def became(texts: list[str], fresh: list[StoredMessage]) -> str:
    """What there is of the input in whose course a chat was killed."""
    if not texts:
        return "killed while it started"
    if all(question_of(text) is None and text not in ("/regen", "/continue") for text in texts):
        return "killed at a command that asks nothing"
    answers = [message for message in fresh if message.role == "assistant"]
    if texts == ["/continue"]:
        return "killed at /continue"
    if answers:
        return (
            "with the whole answer saved"
            if answers[-1].state == "complete"
            else "with a part of the answer saved"
            if answers[-1].text
            else "with the answer begun, no word of it saved"
        )
    return "with the question saved" if fresh else "with nothing of the question or of /regen saved"


def history_holds(home: Path, inputs: list[str]) -> None:
    """Every line of the history can be read, and these inputs are among them."""
    path = home / "state" / "history"
    lines = path.read_text().splitlines() if path.exists() else []
    entries = [json.loads(line) for line in lines]
    assert all(isinstance(entry, str) for entry in entries)
    assert [text for text in inputs if text not in entries] == []


def two_chats(run_ockit: Any, home: Path, rounds: int, seed: int) -> Counter[str]:
    """Two chats answer at the same time and one of them is killed; it is opened again, now and then at the chat of the
    other. The other never notices."""
    chance, seen = random.Random(seed), Counter[str]()
    with ExitStack() as stack:

        def opened(*args: str) -> Drawn:
            chat = Drawn(run_ockit, home, "--max-tokens", "100", *args)
            stack.callback(chat.close)
            chat.wait("the start")
            return chat

        chats = [opened(), opened()]
        before = Snapshot(home)
        for number in range(rounds):
            texts = [f"Tell me a very long story. ({name} {number})" for name in "ab"]
            for chat, text in zip(chats, texts, strict=True):
                chat.send(text)
            watched = chance.uniform(0.0, 0.8)
            for chat in chats:
                chat.watch(watched)
            killed = chance.randrange(2)
            lives = 1 - killed
            workers = chats[killed].kill()
            assert all(gone(pid) for pid in workers)
            chats[lives].wait(texts[lives])
            assert "error: " not in chats[lives].told()
            whole(home)
            after = Snapshot(home)
            for id, message in before.messages.items():
                assert after.messages[id] == message
            (asked,) = after.asked(texts[lives])
            (answer,) = after.answers(asked)
            assert answer.state == "complete"
            mine = after.asked(texts[killed])
            assert mine or not chats[killed].began(texts[killed])
            states = [message.state for question in mine for message in after.answers(question)]
            assert states in ([], ["interrupted"], ["complete"])
            assert len(after.messages) == len(before.messages) + 2 + len(mine) + len(states)
            history_holds(home, [text for chat, text in zip(chats, texts, strict=True) if chat.took(text)])
            seen[states[0] if states else "the question" if mine else "nothing yet"] += 1
            theirs = mine[0].session_id if mine else None
            session = asked.session_id if chance.random() < 0.3 else theirs
            chats[killed] = opened(*(["--session", session] if session else []))
            before = after
        assert [chat.end() for chat in chats] == [0, 0]
    return seen


def test_two_chats_one_of_them_killed(run_ockit: Any, ockit_home: Path) -> None:
    assert two_chats(run_ockit, ockit_home, 5, seed=3).total() == 5


@pytest.mark.sweep
@pytest.mark.timeout(1200)
def test_two_chats_sixty_kills(run_ockit: Any, ockit_home: Path) -> None:
    seen = two_chats(run_ockit, ockit_home, 60, seed=4)
    assert seen.total() == 60
    print(f"one of two chats killed: {dict(seen.most_common())}")  # noqa: T201 - a figure of docs/reliability.md


def test_a_tenth_of_the_kills(run_ockit: Any, ockit_home: Path) -> None:
    kills = Kills(run_ockit, ockit_home, seed=1)
    kills.run(16)
    assert len(kills.seen) >= 4, kills.seen


@pytest.mark.sweep
@pytest.mark.timeout(5400)
def test_three_hundred_kills(run_ockit: Any, ockit_home: Path) -> None:
    kills = Kills(run_ockit, ockit_home, seed=2)
    kills.run(300)
    print(f"chats by what was saved: {dict(kills.seen.most_common())}")  # noqa: T201 - a figure of docs/reliability.md
    assert len(kills.seen) >= 7, kills.seen
