"""What goes into a prompt, and what must go: by a tokenizer of one token a character."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ockit.assistant.ledger import (
    PASSAGE_SHARE,
    SLACK,
    TRIES,
    fit,
    longest,
    most_passages,
    room_for_prompt,
    without,
)
from ockit.errors import ContextOverflow
from ockit.messages import Conversation, Message


def encode(conversation: Conversation) -> list[int]:
    return [0] * sum(len(message.text) + 2 for message in conversation.messages)


def chat(*lengths: int, system: int | None = None) -> Conversation:
    """Questions and answers of these lengths; every text begins with its number."""
    roles = ("user", "assistant")
    turns = tuple(Message(roles[i % 2], str(i).ljust(n, ".")) for i, n in enumerate(lengths))
    return Conversation(turns).with_system(None if system is None else "s" * system)


def test_what_fits_stays_whole() -> None:
    conversation = chat(10, 20, 10, system=5)
    fitted = fit(conversation, encode, len(encode(conversation)))
    assert fitted.conversation == conversation
    assert fitted.dropped == 0


def test_the_oldest_turns_go_system_text_and_last_question_stay() -> None:
    conversation = chat(100, 100, 100, 100, 100, 100, 50, system=5)
    fitted = fit(conversation, encode, 400)
    assert fitted.dropped == 2
    assert fitted.conversation.system == "sssss"
    assert fitted.conversation.turns == conversation.turns[4:]
    assert len(fitted.ids) <= 400 * SLACK


def test_what_is_out_stays_out() -> None:
    conversation = chat(10, 10, 10, 10, 10)
    assert fit(conversation, encode, 1000, dropped=1).conversation.turns == conversation.turns[2:]
    assert fit(conversation, encode, 1000, dropped=99).conversation.turns == conversation.turns[-1:]


def test_the_last_question_alone_may_use_all_the_room() -> None:
    fitted = fit(chat(100, 100, 90), encode, 100)
    assert len(fitted.ids) == 92


def test_a_question_that_does_not_fit() -> None:
    with pytest.raises(ContextOverflow, match="102 tokens, and 100 fit") as caught:
        fit(chat(10, 10, 100), encode, 100)
    assert "--ctx-size" in str(caught.value.hint)


def test_what_is_too_much_to_be_counted_does_not_fit() -> None:
    def bounded(conversation: Conversation) -> list[int]:
        ids = encode(conversation)
        if len(ids) > 150:
            raise ContextOverflow("more than can be counted")
        return ids

    assert fit(chat(100, 100, 100, 10, 20), bounded, 100).dropped == 2
    with pytest.raises(ContextOverflow, match="more than can be counted"):
        fit(chat(100, 100, 1000), bounded, 100)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=15), st.integers(1, 300), st.integers(0, 10))
def test_always_the_fewest_turns_that_are_enough(lengths: list[int], room: int, dropped: int) -> None:
    if len(lengths) % 2 == 0:
        lengths.append(5)
    conversation = chat(*lengths, system=3)
    n_questions = (len(lengths) + 1) // 2
    dropped = min(dropped, n_questions - 1)
    sizes = [
        len(encode(Conversation(conversation.turns[2 * n :]).with_system("sss"))) for n in range(n_questions)
    ]
    if sizes[-1] > room:
        with pytest.raises(ContextOverflow):
            fit(conversation, encode, room, dropped=dropped)
        return
    fitted = fit(conversation, encode, room, dropped=dropped)
    assert len(fitted.ids) == sizes[fitted.dropped] <= room
    if sizes[dropped] <= room:
        assert fitted.dropped == dropped
    else:
        enough = [n for n in range(dropped + 1, n_questions) if sizes[n] <= room * SLACK]
        assert fitted.dropped == (enough[0] if enough else n_questions - 1)


@pytest.mark.parametrize(
    ("n_ctx", "max_tokens", "room"), [(8192, None, 7680), (256, None, 192), (256, 8, 248), (8192, 4000, 7680)]
)
def test_room_is_kept_for_the_answer(n_ctx: int, max_tokens: int | None, room: int) -> None:
    assert room_for_prompt(n_ctx, max_tokens) == room


@given(st.integers(0, 5000), st.integers(1, 500), st.lists(st.integers(1, 9), min_size=1, max_size=20))
@example(180, 64, [2, 8])
def test_longest_fits_and_leaves_little(limit: int, room: int, weights: list[int]) -> None:
    tries = 0

    def count(length: int) -> int | None:
        nonlocal tries
        tries += 1
        # characters come in runs that take more or fewer tokens
        tokens = sum(weights[i // 100 % len(weights)] for i in range(length)) // 10
        return None if tokens > 40 * room else tokens

    kept = longest(limit, count, room)
    assert tries <= TRIES
    assert 0 <= kept <= limit
    filled = count(kept)
    assert filled is not None
    assert filled <= room
    assert kept == limit or filled >= 0.9 * room - 1


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=9),
    st.lists(st.integers(1, 120), max_size=6),
    st.integers(20, 400),
    st.sets(st.integers(0, 4)),
    st.integers(0, 5),
)
def test_passages_have_their_share_and_turns_make_room_for_them(
    lengths: list[int], sizes: list[int], room: int, pinned: set[int], dropped: int
) -> None:
    lengths = lengths if len(lengths) % 2 else lengths[:-1] or [5]  # the last one is a question
    conversation, n_turns = chat(*lengths), (len(lengths) + 1) // 2
    pinned = {place for place in pinned if place < n_turns}
    alone = without(conversation, n_turns - 1, pinned)

    def with_passages(part: Conversation, n: int) -> Conversation:
        last = part.messages[-1]
        return Conversation((*part.messages[:-1], Message("user", "p" * sum(sizes[:n]) + last.text)))

    def count(n: int) -> int | None:
        tokens = len(encode(with_passages(alone, n)))
        return None if tokens > 300 else tokens  # as an engine refuses to count without end

    bare = len(encode(alone))
    kept = most_passages(count, len(sizes), room)
    assert 0 <= kept <= len(sizes)
    assert sum(sizes[:kept]) <= room * PASSAGE_SHARE
    if bare > room:
        assert kept == 0
        return
    whole = with_passages(conversation, kept)
    fitted = fit(whole, encode, room, dropped=dropped, pinned=pinned)  # passages never make it overflow
    assert len(fitted.ids) <= room
    assert fitted.conversation.messages[-1] == whole.messages[-1]
    if kept < len(sizes):  # one more would have been too much
        more = bare + sum(sizes[: kept + 1])
        assert more > min(room, bare + int(room * PASSAGE_SHARE)) or more > 300
