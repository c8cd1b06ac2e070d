"""What fills the context: tokens of each turn, counted and not estimated. Encoding is handed in."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from ockit.assistant.ledger import without
from ockit.errors import ContextOverflow
from ockit.messages import Conversation

SHOWN = 40
"""So many of the latest turns stand alone in a report; older ones are taken together."""


@dataclass(frozen=True)
class TurnTokens:
    """The tokens of a question with its answer, or of several in a row.

    Attributes:
        number, last: the first and the last question of them; the same for a single one.
        tokens: None where there are too many to be counted.
        in_prompt: whether the next prompt holds them.
        pinned: whether they never leave it.
    """

    number: int
    last: int
    tokens: int | None
    in_prompt: bool
    pinned: bool


@dataclass(frozen=True)
class ContextReport:
    """How the context stands, in tokens.

    Attributes:
        n_ctx: what the context holds.
        answer_room: what is kept free of it for an answer.
        system: system text, and what the template writes in any case.
        turns: the turns, oldest first.
        total: the prompt as it stands; `system` and the turns that are in it.
        free: what a next question may have before older turns must go.
    """

    n_ctx: int
    answer_room: int
    system: int
    turns: tuple[TurnTokens, ...]
    total: int
    free: int


def report(
    conversation: Conversation,
    count: Callable[[Conversation], int],
    n_ctx: int,
    room: int,
    *,
    dropped: int = 0,
    pinned: Collection[int] = (),
) -> ContextReport:
    """Count a conversation by encoding longer and longer beginnings of it.

    Args:
        count: tokens of a conversation's whole prompt.
        room: tokens that the prompt may have.
        dropped, pinned: as the ledger was last asked to leave out and to keep; turns count from 0.
    """
    turns = conversation.turns
    starts = [i for i, message in enumerate(turns) if message.role == "user"]
    ends = [*starts[1:], len(turns)]
    empty = Conversation().with_system(conversation.system)
    kept = [n for n in range(len(starts)) if n >= dropped or n in pinned]

    def of(numbers: Collection[int]) -> Conversation:
        messages = tuple(message for n in numbers for message in turns[starts[n] : ends[n]])
        return Conversation(messages).with_system(conversation.system)

    system = before = count(empty)
    found: list[TurnTokens] = []
    for group in _grouped(len(starts), dropped, pinned):
        first, last = group[0], group[-1]
        inside = first in kept
        if inside:
            upto = count(of([n for n in kept if n <= last]))
            tokens: int | None = upto - before
            before = upto
        else:
            try:
                tokens = count(of(group)) - system
            except ContextOverflow:
                tokens = None
        found.append(TurnTokens(first + 1, last + 1, tokens, inside, first in pinned))
    total = count(without(conversation, dropped, pinned)) if found else system
    return ContextReport(n_ctx, n_ctx - room, system, tuple(found), total, max(0, room - total))


def _grouped(n_turns: int, dropped: int, pinned: Collection[int]) -> list[list[int]]:
    """Turns that are reported together: pinned and late ones alone, others with their neighbours."""
    groups: list[list[int]] = []
    for n in range(n_turns):
        alone = n in pinned or (n >= dropped and n >= n_turns - SHOWN)
        joins = groups and n > 0 and not alone and (n - 1 < dropped) == (n < dropped)
        if joins and n - 1 not in pinned:
            groups[-1].append(n)
        else:
            groups.append([n])
    return groups
