"""The end of the check of an answer: the whole of it, the record, where its hits lie, what a stop takes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from moderators import WordModerator, policy
from ockit.assistant.checking import Checking
from ockit.assistant.waiting import Stop
from ockit.assistant.watching import Watch
from ockit.events import End, Event, Token
from ockit.messages import Finding, Judged, Message, Verdict
from ockit.moderation.asking import Asked
from ockit.moderation.audit import AuditLog, text_hash
from ockit.moderation.guarding import Guard
from ockit.moderation.policy.policy import BackendSpec

REFUSES = '[output]\nlevels = ["allow", "note", "note", "note", "refuse"]\n'


class Slow(WordModerator):
    """A judge of a kind that is too slow for clauses; it keeps what it was told of the conversation."""

    name = "judge"

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, ...]] = []

    def check(self, text: str, role: Judged, context: Sequence[Message] = ()) -> Verdict:
        self.told.append(tuple(message.text for message in context))
        return super().check(text, role, context)


def slowly(judge: Slow, text: str, *quick: WordModerator, audit: AuditLog | None = None) -> Checking:
    backends: list[Any] = [(BackendSpec(one.name, "rules"), one) for one in quick]
    backends.append((BackendSpec(judge.name, "fewshot"), judge))
    rules = "".join(f'[backend.{spec.name}]\nkind = "rules"\nfile = "r.toml"\n' for spec, _ in backends[:-1])
    written = policy(text + rules + '[backend.judge]\nkind = "fewshot"\nmodel = "m"\n')
    asked = [(spec, Asked(lambda one=one: one, spec.name, 5.0)) for spec, one in backends]
    return Checking(lambda: Guard(written, asked, audit=audit))


def tokens(text: str) -> list[Token]:
    return [Token(part if at == 0 else f" {part}", (at,)) for at, part in enumerate(text.split(" "))]


def watch_of(check: Checking, stop: Stop | None = None, **more: Any) -> Watch:
    return Watch(
        check.begin_part,
        holds=check.reading().wait().holds,
        stop=stop or Stop(),
        whole=lambda text: check.begin(text, "assistant", [Message("user", "Why?")]),
        **more,
    )


def text_of(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Token))


CALM = "A calm answer, at last it comes. And it ends well."


def test_a_slow_judge_reads_the_whole_answer_once_with_the_question() -> None:
    judge, words = Slow(), WordModerator()
    check = slowly(judge, REFUSES, words)
    assert check.reading().wait().whole
    found = list(watch_of(check).over([*tokens(CALM), End("stop")], lambda: None))
    check.close()
    assert judge.of("assistant") == [CALM]
    assert judge.told == [("Why?",)]
    assert len(words.of("assistant")) >= 2
    assert text_of(found) == CALM
    assert found[-1] == End("stop")


def test_nothing_is_shown_before_a_slow_judge_has_read_what_it_can_stop() -> None:
    judge = Slow()
    check = slowly(judge, REFUSES)
    watch = watch_of(check)
    text = CALM + " It is grave."
    found = list(watch.over([*tokens(text), End("stop")], lambda: None))
    assert (text_of(found), found[-1]) == ("", End("refused", verbatim=False))
    assert watch.worst is not None
    assert watch.worst.verdict.backend == "judge"
    open_ = slowly(judge, "")
    watch = watch_of(open_)
    found = list(watch.over([*tokens(text), End("stop")], lambda: None))
    check.close()
    open_.close()
    assert (text_of(found), found[-1]) == (text, End("stop"))
    assert watch.worst is not None
    assert watch.worst.verdict.action == "note"


def test_what_a_stop_does_not_wait_for_is_gone_and_the_answer_interrupted() -> None:
    judge = Slow()
    judge.free.clear()
    check = slowly(judge, REFUSES)
    stop = Stop()
    stop.begin()
    stop.ask()
    found = list(watch_of(check, stop).over([*tokens(CALM), End("length")], lambda: None))
    judge.free.set()
    check.close()
    assert found == [End("interrupted", verbatim=False)]


class Pointing(WordModerator):
    """Points at the word ``gentle``."""

    def check(self, text: str, role: Judged, context: Sequence[Message] = ()) -> Verdict:
        verdict = super().check(text, role, context)
        at = text.rfind("gentle")
        hits = (Finding("level", at, at + 6),) if at >= 0 else ()
        return Verdict(verdict.level, (), {}, hits, "allow", "", self.name, 0.1, "ok")


@pytest.mark.parametrize(("lead", "before"), [("", ""), (" \n ", ""), ("", "An earlier part of it. ")])
def test_hits_lie_where_they_are_in_the_answer(lead: str, before: str) -> None:
    asked = [(BackendSpec("words", "rules"), Asked(Pointing, "words", 5.0))]
    check = Checking(lambda: Guard(policy(REFUSES), asked))
    text = "so it goes on and on, " * 12 + "and then something gentle comes, and more."
    watch = Watch(check.begin_part, holds=True, stop=Stop(), before=before, trims=not before)
    found = list(watch.over([*tokens(lead + text), End("stop")], lambda: None))
    check.close()
    answer = before + text_of(found)
    answer = answer if before else answer.lstrip()
    assert watch.text == answer
    assert watch.worst is not None
    [hit] = watch.worst.verdict.hits
    assert answer[hit.start : hit.end] == "gentle"


def test_the_record_has_one_line_for_an_answer(talk: Any, tmp_path: Path) -> None:
    for slow in (False, True):
        log = AuditLog(tmp_path / f"record{slow}")
        words = WordModerator()
        if slow:
            check = slowly(Slow(), "", words, audit=log)
        else:
            asked = [(BackendSpec("words", "rules"), Asked(lambda one=words: one, "words", 5.0))]
            check = Checking(lambda asked=asked, log=log: Guard(policy(""), asked, audit=log))
        chat = talk(checking=check)
        chat.say("Tell me a story of a boat.", max_tokens=40)
        assert len(words.of("assistant")) > 1
        check.close()
        lines = [json.loads(line) for line in log.path.read_text().splitlines()]
        assert [line["role"] for line in lines] == ["user", "assistant"]
        assert lines[1]["text_sha256"] == text_hash(chat.saved()[-1].text)
