"""The conversation of an assistant: where it stands, how it gets there, what it is called, what is pinned in it.

Answers nothing (`ockit.assistant.turn` does).
"""

from __future__ import annotations

from ockit.assistant.branch import Branch, Turn
from ockit.assistant.keeping import Keeper
from ockit.assistant.ledger import room_for_prompt
from ockit.assistant.report import ContextReport, report
from ockit.assistant.speaking import Speaker
from ockit.environment import Environment
from ockit.errors import StoreError, UsageError
from ockit.messages import Conversation
from ockit.prompts.segments import Segment
from ockit.sessions.records import StoredMessage
from ockit.sessions.store import Store
from ockit.workers.worker import Worker


class Standing(Speaker):
    """A model and a conversation with it (see `ockit.assistant.turn.Assistant`).

    Attributes:
        answer_id: where the last answer is saved; None before the first, or without a store.
        last_prompt: the segments of the last prompt of this conversation that was sent.
        trouble: why the last answer could not be saved whole, or None.
    """

    def __init__(
        self,
        environment: Environment,
        store: Store | None,
        *,
        stall_seconds: float,
        worker: Worker | None,
        unsaved_ok: bool,
    ) -> None:
        super().__init__(environment, stall_seconds=stall_seconds, worker=worker)
        self._unsaved_ok = unsaved_ok
        self._keeper = Keeper(store, unsaved_ok=unsaved_ok)
        self._branch = Branch()
        self._system: str | None = None
        self._dropped = 0  # see `ledger.Fitted`
        self._out: frozenset[Turn] = frozenset()  # the questions that the last prompt left out
        self.last_prompt: tuple[Segment, ...] = ()
        self.answer_id: str | None = None
        self.trouble: StoreError | None = None

    @property
    def conversation(self) -> Conversation:
        """The system text and the answered turns, as the next prompt will hold them."""
        name = "" if self._model is None else self._model.entry.name
        return self._branch.conversation(name, self._system)

    @property
    def session_id(self) -> str | None:
        """Where the turns are saved; None before the first, or without a store."""
        return self._keeper.session_id

    @property
    def unsaved(self) -> bool:
        """Whether turns are in memory only, because the store fails."""
        return self._keeper.unsaved

    @property
    def questions(self) -> tuple[str, ...]:
        """Every question as it was typed, from the beginning to here; a question's number is its place, from 1."""
        return tuple(turn.words for turn in self._branch.questions)

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The questions and answers that are part of the conversation. To look at only."""
        return self._branch.turns

    @property
    def unanswered(self) -> str | None:
        """The last question, where it failed or was stopped before a word of its answer came."""
        return None if self._branch.waiting is None else self._branch.waiting.text

    @property
    def last_answer(self) -> Turn | None:
        """The last answer that is part of the conversation, with how it ended and what it cost."""
        return next((turn for turn in reversed(self._branch.turns) if turn.role == "assistant"), None)

    def restart(self, system: str | None) -> None:
        """Begin a new conversation under a system text (None: the template's own)."""
        self._keeper.leave(self._branch)
        self._stand(Branch())
        self._system = system

    def resume(self, session_id: str, at: str | None = None) -> None:
        """Go on with a saved chat, under its system text.

        Args:
            at: a question or an answer of it to stand at, instead of its head. The session's head follows with the
                next turn that is saved: looking back changes nothing.

        Raises:
            NotFound: there is no such session or message.
        """
        branch, system = self._keeper.resume(session_id, at, self._branch)
        self._stand(branch)
        self._system = system

    def set_system(self, system: str | None) -> None:
        """Change the system text of the conversation from the next turn on."""
        self._system = system
        self._keeper.set_system(system)

    def question(self, number: int) -> Turn:
        """A question, by its number. To look at only. Raises UsageError."""
        return self._branch.question(number)

    def branch(self, number: int) -> str:
        """Stand before a question, so that the next one branches off there; gives its words. Nothing is deleted.

        Raises:
            UsageError: there is no such question.
            StoreError: the session still stands where it stood.
        """
        question = self._branch.question(number)
        before = self._branch.before(question)
        self._keeper.stand_at(before.head)
        self._keeper.left(self._branch)
        self._stand(before, keep_out=True)
        return question.words

    def undo(self) -> str:
        """Take back the last question with its answer; gives its words.

        Raises:
            UsageError: there is none.
            StoreError: as `branch`.
        """
        number = len(self._branch.questions)
        if not number:
            raise UsageError("nothing to take back: nothing was asked in this conversation")
        return self.branch(number)

    @property
    def place(self) -> Branch:
        """Where the conversation stands, for `back_to`."""
        return self._branch

    def back_to(self, place: Branch) -> None:
        """Stand where the conversation stood before, in the same session. Raises StoreError as `branch` does."""
        self._keeper.stand_at(place.last)
        self._keeper.left(self._branch)
        self._stand(place, keep_out=True)

    @property
    def pinned(self) -> frozenset[int]:
        """The numbers of the questions that never leave the prompt."""
        asked = enumerate(self._branch.questions, 1)
        return frozenset(number for number, turn in asked if turn.pinned)

    def pin(self, number: int) -> None:
        """Keep a question and its answer in the prompt, however full the context is. Raises UsageError."""
        self._branch.question(number).pinned = True
        self._keeper.pin(self._branch)

    def unpin(self, number: int) -> None:
        """Let a question go again when its time comes. Raises UsageError."""
        self._branch.question(number).pinned = False
        self._keeper.pin(self._branch)

    def variants(self) -> tuple[int, int]:
        """Which of the answers to the last question stands here, from 1, and how many there are; (0, 0) without any."""
        here = self._branch.answer
        if here is None:
            return 0, 0
        found = [saved.id for saved in self._answers()]
        return (found.index(here.id) + 1, len(found)) if here.id in found else (1, 1)

    def choose(self, number: int) -> None:
        """Stand at another answer to the last question, by its number. Raises UsageError or StoreError."""
        found = self._answers()
        if not 1 <= number <= len(found):
            raise UsageError(f"there is no answer {number}: the last question has {len(found) or 'no'} saved")
        chosen = Turn.of(found[number - 1])
        self._keeper.stand_at(chosen)
        self._keeper.left(self._branch)
        self._branch = self._branch.unanswered().answered(chosen)

    def keep(self, title: str | None, *, store: Store | None = None) -> str:
        """Save the chat as it stands, under a name; gives the name.

        Args:
            title: None keeps the name it has (its first question's words).
            store: where, for an assistant that has had none: later turns are saved there too.

        Raises:
            UsageError: nothing was said yet, or there is no store.
            StoreError: not all of it was saved.
        """
        if not self._branch.questions:
            raise UsageError("there is nothing to save: nothing was asked in this conversation")
        if self._keeper.store is None:
            self._keeper.store = store
        if self._keeper.store is None:
            raise UsageError("this chat is not saved", hint="begin it without --no-log")
        given = self._keeper.save(self._branch, runs=self._runs, system=self._system, title=title)
        return given or ""

    def settle(self) -> None:
        """Save what could not be saved so far, where there is anything: to be called before a chat ends.

        Raises:
            StoreError: not all of it was saved.
        """
        if self.unsaved:
            self._keeper.settle(self._branch, runs=self._runs, system=self._system)

    def context_report(self, max_tokens: int | None = None) -> ContextReport:
        """What fills the context now, room being kept for an answer of so many tokens. Waits for the model; not while
        a turn runs."""

        def work() -> ContextReport:
            info = self._load()
            room = room_for_prompt(info.n_ctx, max_tokens)
            return report(
                self._all(self._branch),
                self.count,
                info.n_ctx,
                room,
                dropped=self._dropped,
                pinned=self._places(),
            )

        return self._aside(work).wait()

    @property
    def _runs(self) -> tuple[str, str]:
        """The names that the session's row carries: model, template."""
        return self.model.entry.name, self.template.name

    def _all(self, branch: Branch) -> Conversation:
        """A branch as messages, its waiting question too."""
        messages = branch.conversation(self.model.entry.name, self._system)
        return messages if branch.waiting is None else messages.add(branch.waiting.message(""))

    def _places(self) -> frozenset[int]:
        """The pinned turns as the ledger counts them."""
        return frozenset(number - 1 for number in self.pinned)

    def _answers(self) -> tuple[StoredMessage, ...]:
        """The answers to the last question that are saved and say something."""
        asked = self._branch.questions
        if self._keeper.store is None or not asked or asked[-1].id is None:
            return ()
        found = self._keeper.store.children(asked[-1].id)
        return tuple(
            saved for saved in found if saved.role == "assistant" and saved.text and saved.state != "failed"
        )

    def _stand(self, branch: Branch, *, keep_out: bool = False) -> None:
        """The conversation is at another place; `keep_out` says that it shares its beginning with the last one."""
        self._branch = branch
        if not keep_out or self._dropped >= len(branch.questions):
            self._dropped, self._out = 0, frozenset()
        if not keep_out:
            self.last_prompt = ()
            self.answer_id = None
