"""The context ledger: what goes into the prompt, counted in tokens before every call.

Nothing is ever cut in silence. A chat loses its oldest turns, and says so; a single question that does not fit
is an error. Knows counting and cutting; rendering and tokenizing are handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from ockit.errors import ContextOverflow
from ockit.messages import Conversation

Encode = Callable[[Conversation], list[int]]
"""Renders a conversation and gives its token ids."""

TRIES = 12
"""How often `longest` counts at the most."""

ANSWER_ROOM = 512
"""Tokens kept free for the answer (never more than a quarter of the context); it may become longer."""

SLACK = 0.75
"""Once turns must go, enough go to bring the prompt down to this share of its room: were it cut to the brim, every
later turn would cut again, and each cut makes the whole prompt be read anew."""


PASSAGE_SHARE = 0.5
"""Of the prompt's room, passages never take more than this: the rest is for the chat and the question."""


@dataclass(frozen=True)
class Fitted:
    """A conversation that fits: its ids, and what was left out for it.

    Attributes:
        dropped: of this many of the oldest turns, those that are not pinned are out.
        out: the places of the turns that are out, counted from 0.
    """

    conversation: Conversation
    ids: list[int]
    dropped: int
    out: frozenset[int] = frozenset()


def room_for_prompt(n_ctx: int, max_tokens: int | None) -> int:
    """Tokens the prompt may have, so that an answer of usual length (or `max_tokens`, if less) fits behind it."""
    usual = max(1, min(ANSWER_ROOM, n_ctx // 4))
    return n_ctx - min(max_tokens or usual, usual)


def without(conversation: Conversation, dropped: int, pinned: Collection[int] = ()) -> Conversation:
    """The conversation less those of its `dropped` oldest turns that are not pinned. A turn is a question with its
    answer; turns count from 0."""
    turns = conversation.turns
    starts = [i for i, message in enumerate(turns) if message.role == "user"]
    if not dropped or not starts:
        return conversation
    ends = [*starts[1:], len(turns)]
    kept = [
        message
        for number, (start, end) in enumerate(zip(starts, ends, strict=True))
        if number >= dropped or number in pinned
        for message in turns[start:end]
    ]
    return Conversation(tuple(kept)).with_system(conversation.system)


def fit(
    conversation: Conversation,
    encode: Encode,
    room: int,
    *,
    dropped: int = 0,
    pinned: Collection[int] = (),
) -> Fitted:
    """The conversation, without as many of its oldest turns as it takes to fit into `room` tokens.

    A turn here is a question with its answer. System text, pinned turns and the last question always stay.

    Args:
        dropped: the count of the previous call: those turns stay out, so that the prompt keeps its beginning.
        pinned: the places of the turns that never go, counted from 0.

    Raises:
        ContextOverflow: even the last question, with what is pinned, does not fit.
    """
    n_turns = sum(message.role == "user" for message in conversation.turns)
    last = max(n_turns - 1, 0)
    dropped = min(dropped, last)

    def encoded(count: int) -> list[int] | None:
        try:
            return encode(without(conversation, count, pinned))
        except ContextOverflow:  # so much that it was not even counted
            return None

    def fitted(count: int, ids: list[int]) -> Fitted:
        out = frozenset(range(count)) - frozenset(pinned)
        return Fitted(without(conversation, count, pinned), ids, count, out)

    ids = encoded(dropped)
    if ids is not None and len(ids) <= room:
        return fitted(dropped, ids)
    low, high = dropped + 1, last  # the fewest turns to drop lies in here, if dropping helps at all
    while low < high:
        middle = (low + high) // 2
        ids = encoded(middle)
        if ids is not None and len(ids) <= room * SLACK:
            high = middle
        else:
            low = middle + 1
    low = min(low, last)
    try:
        ids = encode(without(conversation, low, pinned))
    except ContextOverflow as error:
        raise _overflow(error.what, pinned, last) from error
    if len(ids) > room:
        what = f"the prompt has {len(ids)} tokens, and {room} fit (the rest of the context is for the answer)"
        raise _overflow(what, pinned, last)
    return fitted(low, ids)


def most_passages(count: Callable[[int], int | None], n: int, room: int) -> int:
    """How many of `n` passages, the first ones, stand in front of a question: as many as fit with it into `room` tokens
    and together take at most `PASSAGE_SHARE` of it. None is cut. Older turns make room for those that stay.

    Args:
        count: tokens of a prompt of the question (with what never leaves the prompt) and so many passages; None says
            that they are too many to be counted.
    """
    bare = count(0) if n else None
    if bare is None or bare >= room:
        return 0
    limit = min(room, bare + int(room * PASSAGE_SHARE))
    for kept in range(n, 0, -1):
        tokens = count(kept)
        if tokens is not None and tokens <= limit:
            return kept
    return 0


def _overflow(what: str, pinned: Collection[int], last: int) -> ContextOverflow:
    pins = sorted(number + 1 for number in pinned if number < last)
    if not pins:
        hint = (
            "shorten it, or ask for more with --ctx-size; `ockit ask --truncate` cuts attached and piped text"
        )
        return ContextOverflow(what, hint=hint)
    some = f"{'s' * (len(pins) > 1)} {', '.join(map(str, pins))}"
    return ContextOverflow(
        f"{what}; /pin keeps question{some} in it",
        hint=f"/pin off {pins[0]} lets the oldest pinned question go, or shorten yours",
    )


def longest(limit: int, count: Callable[[int], int | None], room: int) -> int:
    """About the greatest length up to `limit` whose tokens fit into `room`; 0 must fit.

    Counting tokens of a long text is dear, so each try goes by the tokens that the two nearest lengths took, and a
    length that fills 98 % of the room will do.

    Args:
        count: tokens of a length; None says that they are too many to be counted.
    """
    low, at_low = 0, 0  # fits
    high: int = limit + 1  # does not
    at_high: int | None = None
    guess = min(limit, 4 * room)  # about as many characters as tokens of English have
    side = (
        0  # how often in a row the same end moved; a line through a bend in the text comes near only slowly
    )
    for _ in range(TRIES):
        if high - low <= 1:
            break
        tokens = count(guess)
        if tokens is not None and tokens <= room:
            low, at_low, side = guess, tokens, max(side, 0) + 1
            if tokens >= room * 0.98:
                break
        else:
            high, at_high, side = guess, tokens, min(side, 0) - 1
        if at_high is not None and abs(side) < 2:
            guess = low + int((room * 0.99 - at_low) * (high - low) / (at_high - at_low))
        elif at_low and abs(side) < 2:
            guess = int(low * room * 0.99 / at_low)
        else:
            guess = (low + high) // 2
        guess = min(max(guess, low + 1), high - 1)
    return low
