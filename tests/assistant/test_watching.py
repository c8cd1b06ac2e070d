"""The check of an answer while it is written: clauses, what is held back, what is never changed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from threading import Event as Flag
from threading import Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderators import WordModerator, broken, checking
from ockit.assistant.checking import Checking
from ockit.assistant.waiting import Stop
from ockit.assistant.watching import CONTEXT_TOKENS, LONGEST_CLAUSE, Watch, ends_clause
from ockit.errors import WorkerError
from ockit.events import End, Event, Token

REFUSES = '[output]\nlevels = ["allow", "note", "note", "note", "refuse"]\n'


@pytest.fixture
def words() -> WordModerator:
    return WordModerator()


def tokens(text: str) -> list[Token]:
    """A token a word, the space in front of it."""
    parts = text.split(" ")
    return [Token(part if at == 0 else f" {part}", (at,)) for at, part in enumerate(parts)]


def watched(
    check: Checking, events: Sequence[Event], *, holds: bool, stop: Stop | None = None
) -> tuple[Watch, list[Event], list[bool]]:
    """What a watch makes of an answer, and whether it had the model stopped."""
    cancelled: list[bool] = []
    watch = Watch(lambda text: check.begin(text, "assistant"), holds=holds, stop=stop or Stop())
    given_ = list(watch.over(events, lambda: cancelled.append(True)))
    return watch, given_, cancelled


def text_of(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Token))


def test_clauses_end_at_marks_and_after_so_many_tokens() -> None:
    def size(text: str) -> int:
        found = tokens(text)
        return next(n for n in range(1, len(found) + 1) if ends_clause(found[:n]))

    assert size("one two three four, five") == 4
    assert size("1, 2, 3, 4, 5") == 4
    assert size("no mark at all " * 20) == LONGEST_CLAUSE
    assert size("eins zwei drei vier\n fünf") == 4
    assert ends_clause([Token("今日は、いい天気です。", (1, 2, 3, 4))])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.text(max_size=9), st.lists(st.integers(0, 9), max_size=3)),
        max_size=60,
    ),
    st.booleans(),
    st.sampled_from(["stop", "length"]),
)
def test_what_is_only_noted_comes_out_as_it_went_in(
    parts: list[tuple[str, list[int]]], holds: bool, reason: str
) -> None:
    events: list[Event] = [Token(f"{text}gentle"[:9], tuple(ids)) for text, ids in parts]
    events.append(End(reason))  # type: ignore[arg-type]
    check = checking(WordModerator(), REFUSES)
    watch, given_, cancelled = watched(check, events, holds=holds)
    check.close()
    assert given_ == events
    assert not cancelled
    assert watch.worst is None or watch.worst.verdict.action in ("allow", "note")
    assert (watch.worst is not None) == bool(parts)


def test_every_clause_is_read_with_the_words_before_it(words: WordModerator) -> None:
    check = checking(words)
    text = " ".join(f"word{n}." if n % 6 == 0 else f"word{n}" for n in range(120))
    watched(check, [*tokens(text), End("stop")], holds=True)
    check.close()
    seen = words.of("assistant")
    together = ""
    for part in seen:  # each begins in what came before it, and all together are the answer
        start = max((n for n in range(len(part) + 1) if together.endswith(part[:n])), default=0)
        assert together == "" or len(part[:start].split()) >= min(CONTEXT_TOKENS, len(together.split())) - 1
        together += part[start:]
    assert together == text


def test_nothing_that_is_stopped_was_passed_on(words: WordModerator) -> None:
    check = checking(words, REFUSES)
    text = "This is a fine start. Then something grave comes here, and a long rest follows that."
    cancelled: list[bool] = []
    watch = Watch(lambda part: check.begin(part, "assistant"), holds=True, stop=Stop())

    def events() -> Iterator[Event]:
        for token in tokens(text):
            if watch._errand is not None:
                watch._errand.settled(5.0)
            yield token
        yield End("stop")

    given_ = list(watch.over(events(), lambda: cancelled.append(True)))
    check.close()
    assert watch.cut
    assert cancelled == [True]
    assert "grave" not in text_of(given_)
    assert text_of(given_) == "This is a fine start."
    assert given_[-1] == End("refused", verbatim=False)
    assert watch.worst is not None
    assert watch.worst.verdict.action == "refuse"


def test_what_stands_across_two_clauses_is_seen_with_both(words: WordModerator) -> None:
    check = checking(words, REFUSES)
    events = [Token(part, (1,)) for part in ("so", " this", " is", " gr.", "ave", " indeed", " it", " is.")]
    assert "gr.ave" in "".join(token.text for token in events)
    watch, _, _ = watched(check, [*events, End("stop")], holds=True)
    check.close()
    assert words.of("assistant")[-1] == "so this is gr.ave indeed it is."
    assert not watch.cut


def test_held_back_text_is_one_clause_where_the_check_keeps_up(words: WordModerator) -> None:
    check = checking(words, REFUSES)
    watch = Watch(lambda text: check.begin(text, "assistant"), holds=True, stop=Stop())
    most = taken = passed = 0

    def events() -> Iterator[Event]:
        nonlocal taken
        for token in tokens("no mark at all " * 30):
            if watch._errand is not None:
                watch._errand.settled(5.0)
            taken += 1
            yield token
        yield End("stop")

    for event in watch.over(events(), lambda: None):
        if isinstance(event, Token):
            passed += 1
        else:
            break
        most = max(most, taken - passed)
    check.close()
    assert passed == taken
    assert most <= 2 * LONGEST_CLAUSE  # one that is being written, one that is being read


def test_clauses_go_together_where_the_check_is_slow(words: WordModerator) -> None:
    words.seconds = 0.3
    check = checking(words, REFUSES)
    events = [*tokens("one two three four. " * 30), End("stop")]
    _, given_, _ = watched(check, events, holds=True)
    check.close()
    assert text_of(given_) == text_of(events)
    assert len(words.of("assistant")) <= 3


def test_a_check_that_fails_cuts_the_answer_where_it_could_be_refused(words: WordModerator) -> None:
    words.fault = broken()
    for policy, holds, cut in ((REFUSES, True, True), ("", False, False)):
        check = checking(words, policy)
        watch, given_, _ = watched(check, [*tokens("A calm answer, at last."), End("stop")], holds=holds)
        check.close()
        assert watch.cut is cut
        assert text_of(given_) == ("" if cut else "A calm answer, at last.")
        assert watch.worst is not None
        assert watch.worst.verdict.status == "error"
        assert watch.banners


def test_a_stop_does_not_wait_for_a_check_that_hangs(words: WordModerator) -> None:
    check = checking(words, REFUSES)
    words.free.clear()
    stop = Stop()
    stop.begin()
    done = Flag()
    found: list[Event] = []

    def run() -> None:
        events = [*tokens("A calm answer, that is stopped"), End("interrupted")]
        found.extend(watched(check, events, holds=True, stop=stop)[1])
        done.set()

    stop.ask()
    Thread(target=run, daemon=True).start()
    assert done.wait(10.0)
    words.free.set()
    check.close()
    assert found == [End("interrupted", verbatim=False)]  # what nobody has read is not shown


def test_a_check_that_hangs_does_not_hold_an_answer_that_was_shown(
    words: WordModerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ockit.assistant.watching.LAST_CLAUSES_S", 0.3)
    for begins in (False, True):  # where nothing of the answer was read, and where its beginning was
        words.free.set()
        check = checking(words)
        watch = Watch(lambda text, check=check: check.begin(text, "assistant"), holds=False, stop=Stop())

        def events(watch: Watch = watch, begins: bool = begins) -> Iterator[Event]:
            if begins:
                yield from tokens("A gentle start, all read.")
                while watch._errand is not None and not watch._errand.settled(5.0):
                    pass
            words.free.clear()
            yield from tokens("A calm answer, at last it comes")
            yield End("stop")

        since = time.monotonic()
        found = list(watch.over(events(), lambda: None))
        assert time.monotonic() - since < 3.0
        words.free.set()
        check.close()
        assert text_of(found).endswith("at last it comes")
        assert found[-1] == End("stop")
        assert watch.worst is not None
        assert (watch.worst.verdict.status, watch.worst.verdict.action) == (
            "timeout",
            "note" if begins else "allow",
        )
        [banner] = watch.banners
        assert "31 characters were not checked in time" in banner
        assert "31 characters were not checked in time" in watch.worst.verdict.reason


def test_a_back_end_that_still_hangs_is_told_of_once(words: WordModerator) -> None:
    check = checking(words, timeout=0.2)
    words.close = lambda: None  # type: ignore[method-assign]  # it cannot be ended either
    words.free.clear()
    watch, _, _ = watched(check, [*tokens("A calm answer, at last."), End("stop")], holds=False)
    again, _, _ = watched(check, [*tokens("A calm answer, at last."), End("stop")], holds=False)
    words.free.set()
    check.close()
    [banner] = watch.banners
    assert "it took longer than 0.2 s" in banner
    assert again.banners == []
    assert again.worst is not None
    assert again.worst.verdict.status == "timeout"


def test_what_came_before_the_model_died_is_read_and_passed_on(words: WordModerator) -> None:
    check = checking(words, REFUSES)

    def events() -> Iterator[Event]:
        yield from tokens("A calm")
        raise WorkerError("the model's process died")

    watch = Watch(lambda text: check.begin(text, "assistant"), holds=True, stop=Stop())
    found: list[Event] = []

    def read() -> None:
        for event in watch.over(events(), lambda: None):
            found.append(event)

    with pytest.raises(WorkerError):
        read()
    check.close()
    assert words.of("assistant") == ["A calm"]
    assert text_of(found) == "A calm"
