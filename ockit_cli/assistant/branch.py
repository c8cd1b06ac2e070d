"""Where a conversation stands in its tree: the turns from its beginning to there, and the question that waits.

A branch never changes; going on, taking back and branching off give another one, which shares the turns. A turn knows
what the store knows of it, so that what could not be saved can be saved later. Knows no store and no model.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from ockit.assistant.attachments import Piece, Place, pieces
from ockit.assistant.verdicts import news
from ockit.errors import UsageError
from ockit.events import FinishReason, Moderated
from ockit.messages import Conversation, Message, Passage, Role, Sampling, Timings, Usage
from ockit.sessions.records import Moderation, State, StoredMessage

TYPED, ATTACHED, CAUTION, PLACES = "typed", "attached", "caution", "places"
"""Keys of a question's metadata in the store."""


@dataclass(eq=False)
class Turn:
    """A question or an answer of this conversation.

    Attributes:
        model: who has answered; empty where no model has, but moderation with a fixed text.
        token_ids: ids of an answer that spell exactly its text, in the vocabulary of `model`.
        id: its message in the store; None where it is not there.
        kept: whether the store has all of it.
        state: as in the store; a question is always ``complete``.
        typed: what a person typed of a question that files stand in front of; None where that is its text.
        attached: paths of the files that were attached to it without being named in it.
        places: where attached and piped texts stand in a question; moderation reads each by itself.
        pinned: a question that never leaves the prompt, and its answer with it.
        tries: answers begun to a question by this process.
        sought: what documents are searched for, where that is not what was typed.
        passages: what was found in documents for a question.
        sources: what of it an answer was given.
        caution: a sentence to the model that stands right before a question, in this prompt and all later ones.
        agreed: whether the person has said yes to a question that moderation asked about, in this process.
        cleared: passages that moderation has judged, and that may be used: those, and no others that are found later.
        verdicts: what moderation said of it, the last check last; of a question, of its passages too. A check that
            says what is known adds nothing.
        owed: those of them that the store does not have.
        caution_kept: the caution that the store has.
    """

    role: Role
    text: str
    token_ids: tuple[int, ...] | None = None
    id: str | None = None
    kept: bool = False
    model: str | None = None
    sampling: Sampling | None = None
    state: State = "complete"
    finish_reason: FinishReason | None = None
    error: str | None = None
    usage: Usage | None = None
    timings: Timings | None = None
    typed: str | None = None
    attached: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()
    pinned: bool = False
    tries: int = 0
    sought: str | None = None
    passages: tuple[Passage, ...] = ()
    sources: tuple[Passage, ...] = ()
    caution: str = ""
    agreed: bool = False
    cleared: tuple[Passage, ...] = ()
    verdicts: tuple[Moderated, ...] = ()
    owed: tuple[Moderated, ...] = ()
    caution_kept: str = ""

    @classmethod
    def of(cls, saved: StoredMessage) -> Turn:
        """A turn as the store has it."""
        message = saved.message
        typed, attached = saved.metadata.get(TYPED), saved.metadata.get(ATTACHED)
        caution = saved.metadata.get(CAUTION)
        caution = caution if isinstance(caution, str) else ""
        return cls(
            saved.role,
            saved.text,
            message.token_ids,
            id=saved.id,
            kept=True,
            model=saved.model,
            state=saved.state,
            finish_reason=saved.finish_reason,  # type: ignore[arg-type]
            error=saved.error,
            usage=saved.usage,
            timings=saved.timings,
            typed=typed if isinstance(typed, str) else None,
            attached=tuple(map(str, attached)) if isinstance(attached, list) else (),
            places=_places(saved.metadata.get(PLACES)),
            sources=saved.sources,
            caution=caution,
            verdicts=saved.verdicts,
            caution_kept=caution,
        )

    @property
    def fixed(self) -> bool:
        """Whether it is an answer that moderation gave, and no model."""
        return self.role == "assistant" and self.model == ""

    @property
    def refused(self) -> bool:
        """Whether it is a question that moderation has refused, by its last verdict."""
        said = [each.verdict.action for each in self.verdicts if each.role == "user"]
        return self.role == "user" and bool(said) and said[-1] == "refuse"

    @property
    def words(self) -> str:
        """A question as it was typed, an answer as it was given."""
        return self.text if self.typed is None else self.typed

    @property
    def metadata(self) -> dict[str, Any]:
        """What the store keeps of a question besides its text."""
        typed = {} if self.typed is None else {TYPED: self.typed, ATTACHED: list(self.attached)}
        places = [[place.name, place.start, place.end] for place in self.places]
        return (
            typed | ({CAUTION: self.caution} if self.caution else {}) | ({PLACES: places} if places else {})
        )

    @property
    def lead(self) -> str:
        """What stands in front of a question in the prompt."""
        return f"{self.caution}\n\n" if self.caution else ""

    def message(self, model: str) -> Message:
        """The turn as the prompt code needs it; ids mean something only to the model that made them."""
        text = self.lead + self.text
        return Message(self.role, text, self.token_ids if self.model == model else None)

    def judged(self, verdicts: Iterable[Moderated]) -> None:
        """Moderation has looked at it, or once more."""
        found = news(self.verdicts, verdicts)
        self.verdicts, self.owed = (*self.verdicts, *found), (*self.owed, *found)

    @property
    def moderation(self) -> Moderation | None:
        """What the store is to be told of moderation; None where it has all."""
        told = not self.owed and self.caution == self.caution_kept
        return None if told else Moderation(self.owed, self.metadata)

    def settled(self) -> None:
        """The store has all that moderation has made of it."""
        self.owed, self.caution_kept = (), self.caution

    @property
    def pieces(self) -> list[Piece]:
        """What moderation reads of a question: the words, then every attachment."""
        return pieces(self.text, self.places) or [Piece(self.text, 0)]

    @property
    def can_go_on(self) -> bool:
        """Whether an answer was cut before its end."""
        return self.state == "interrupted" or self.finish_reason in ("interrupted", "length")


def _places(saved: object) -> tuple[Place, ...]:
    """Places as the store has them; none where it has something else."""
    try:
        return tuple(Place(str(name), int(start), int(end)) for name, start, end in saved)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        return ()


@dataclass(frozen=True)
class Branch:
    """The turns of a conversation, oldest first.

    Attributes:
        turns: questions and answers that the next prompt holds.
        waiting: the last question, where it has no answer.
    """

    turns: tuple[Turn, ...] = ()
    waiting: Turn | None = None

    @classmethod
    def of(cls, path: Sequence[StoredMessage], pinned: Iterable[str] = ()) -> Branch:
        """The branch that ends with the last of these messages.

        An answer of which nothing came, or which an error ended, leaves its question waiting, as it did when it
        happened.
        """
        pins = frozenset(pinned)
        every = [Turn.of(saved) for saved in path]
        for question, answer in pairwise(every):
            question.passages = answer.sources  # its next answer is given the same
        turns = [turn for turn in every if turn.role != "assistant" or turn.text]
        for turn in turns:
            turn.pinned = turn.id in pins
        if turns and turns[-1].state == "failed":
            turns.pop()
        waiting = turns.pop() if turns and turns[-1].role == "user" else None
        return cls(tuple(turns), waiting)

    def conversation(self, model: str, system: str | None) -> Conversation:
        """The answered part as messages for a model, under a system text."""
        return Conversation(tuple(turn.message(model) for turn in self.turns)).with_system(system)

    @property
    def questions(self) -> tuple[Turn, ...]:
        """Every question, the waiting one last. The number of a question is its place here, from 1."""
        asked = tuple(turn for turn in self.turns if turn.role == "user")
        return asked if self.waiting is None else (*asked, self.waiting)

    @property
    def answer(self) -> Turn | None:
        """The last answer, unless a question came after it."""
        last = self.turns[-1] if self.turns and self.waiting is None else None
        return last if last is not None and last.role == "assistant" else None

    @property
    def head(self) -> Turn | None:
        """The last turn that is part of the prompt."""
        return self.turns[-1] if self.turns else None

    @property
    def last(self) -> Turn | None:
        """The last turn, the waiting question too."""
        return self.head if self.waiting is None else self.waiting

    def question(self, number: int) -> Turn:
        """The question of that number. Raises UsageError."""
        asked = self.questions
        if not 1 <= number <= len(asked):
            there = f"questions 1 to {len(asked)}" if len(asked) > 1 else f"{len(asked) or 'no'} question"
            raise UsageError(f"there is no question {number}: this conversation has {there}")
        return asked[number - 1]

    def before(self, question: Turn) -> Branch:
        """The branch up to a question of it, which is taken back with all that follows."""
        if question is self.waiting:
            return replace(self, waiting=None)
        return Branch(self.turns[: self.turns.index(question)])

    def unanswered(self) -> Branch:
        """The branch with the last question waiting for another answer. Raises UsageError where nothing was asked."""
        asked = self.questions
        if not asked:
            raise UsageError("nothing was asked in this conversation", hint="ask something first")
        return replace(self.before(asked[-1]), waiting=asked[-1])

    def answered(self, answer: Turn) -> Branch:
        """The branch with an answer to the waiting question."""
        assert self.waiting is not None
        return Branch((*self.turns, self.waiting, answer))
