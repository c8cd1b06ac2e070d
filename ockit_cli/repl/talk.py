"""A chat as a person steers it: the assistant, the settings it runs under, what is attached to the next question.

Knows no terminal: what an answer looks like is the `Face`'s affair, and which words steer it is known to the table of
slash commands (`ockit.repl.slash_table`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ockit.assistant.attachments import Document, Question, read_document
from ockit.assistant.branch import Branch, Turn
from ockit.assistant.citations import listed
from ockit.assistant.opening import OpenModel, open_model
from ockit.assistant.turn import Assistant
from ockit.assistant.vetting import BUSY
from ockit.console import Console
from ockit.environment import Environment
from ockit.errors import ContextOverflow, RefusedError, StoreError, UsageError
from ockit.events import Event, Notice, Sources
from ockit.messages import Passage, Sampling
from ockit.repl.face import Face
from ockit.repl.mentions import mentions
from ockit.repl.notices import shown
from ockit.repl.policy_fault import of_policy
from ockit.repl.refusal import is_no, is_yes
from ockit.sessions.records import FIXED, Hit, Session
from ockit.sessions.store import FILE_NAME, Store
from ockit.sessions.titles import title_of
from ockit.settings import Settings, sampling
from ockit.text import shorten

SHOWN_ON_RESUME = 6
"""Messages of a resumed chat that are shown again."""

IN_CHAT = "set in this chat"
"""The origin of what was set here."""


class Leave(Exception):
    """The person wants to leave."""


class Talk:
    """One chat and what it runs under.

    Attributes:
        settings, parameters: what holds; a parameter is a field of `Sampling` that the settings do not say.
        changed: the parameters that were set inside the chat.
        attached: files that go in front of the next question: paths, and what was read there.
        editing: the number of the question that the next one replaces, or None.
        left: where the conversation stood before the last edit, until something else is asked.
        mentions: whether ``@path`` in a question names a file.
        hits, listed, found: what the last /find, /sessions and /search have shown, to be opened by number.
        title: the chat's name, None before its first question.
        opened: the model that answers, None while none is open yet.
        expand: puts long pastes in the place of the short names that stand for them.
    """

    def __init__(
        self,
        environment: Environment,
        console: Console,
        assistant: Assistant,
        store: Store,
        settings: Settings,
        parameters: Mapping[str, Any],
        face: Face,
    ) -> None:
        self.environment = environment
        self.console = console
        self.assistant = assistant
        self.store = store
        self.settings = settings
        self.parameters = dict(parameters)
        self.face = face
        self.changed: set[str] = set()
        self.attached: list[tuple[Path, Document]] = []
        self.editing: int | None = None
        self.left: Branch | None = None
        self.mentions = True
        self.hits: tuple[Hit, ...] = ()
        self.listed: tuple[Session, ...] = ()
        self.found: tuple[Passage, ...] = ()
        self.title: str | None = None
        self.opened: OpenModel | None = None
        self.expand: Callable[[str], str] = str

    @property
    def cwd(self) -> Path:
        """Where relative paths begin."""
        return self.environment.cwd

    @property
    def saves(self) -> bool:
        """Whether the chat is kept: not where nothing is saved, nor in a script's own store, which goes with it."""
        kept = self.settings.log or self.assistant.session_id is not None
        return kept and self.store.path == self.environment.directories.data / FILE_NAME

    @property
    def sampling(self) -> Sampling:
        """How the next answer is chosen. Raises UsageError."""
        return sampling(self.settings, self.parameters, model=self.assistant.model.sampling)

    def begin(self, name: str | None) -> OpenModel:
        """Take a model, begin to load it and a new conversation. Raises whatever `open_model` does."""
        opened = self.open(self.settings, name)
        self.sampling  # noqa: B018 - a bad parameter is said now, not after the first question
        self.restart()
        if self.assistant.checking is not None:
            self.assistant.checking.warm()  # after the model's process: that is what the first answer waits for
        return opened

    def open(self, settings: Settings, name: str | None) -> OpenModel:
        """Answer with a model under these settings from now on; it loads behind the prompt. Where it cannot be,
        everything stays as it is."""
        opened = open_model(settings, self.environment.directories, self.cwd, name)
        self.assistant.use(opened, condition=settings.condition)
        self.settings, self.opened = settings, opened
        self.assistant.load_in_background()
        return opened

    def restart(self) -> None:
        """Begin a new conversation under the system text that holds."""
        self.assistant.restart(self.settings.system)
        self.editing = self.title = self.left = None
        self.attached.clear()

    def attach(self, path: Path, *, regular: bool = True) -> Document:
        """Read a file and put it in front of the next question. Raises as `read_document` does."""
        document = read_document(path, self.cwd, regular=regular)
        self.attached.append((self.cwd / path, document))
        return document

    def judge_system(self, text: str | None) -> None:
        """Judge a system text, and tell what there is to tell.

        Raises:
            RefusedError: the policy refuses it.
            InterruptedByUser: it was stopped meanwhile.
        """
        try:
            for event in shown(self.assistant.judge_system(text)):
                if isinstance(event, Notice) and event.kind != BUSY:
                    self.console.notice(event.text)
        except UsageError as error:
            raise self.of_policy(error) from error
        except RefusedError as error:
            error.hint = "the system text stays as it was; /moderation why says more"
            raise

    def again(self) -> None:
        """Another answer to the last question. Raises whatever the turn does."""
        self._answered_by(self.assistant.again(self.sampling))

    def confirm(self) -> None:
        """Say yes to what moderation has asked about first. Raises UsageError where there is nothing."""
        goes_on = self.assistant.goes_on_then
        self._answered_by(
            self.assistant.agree(self.sampling), self.assistant.turns[-1].text if goes_on else ""
        )

    def decline(self) -> None:
        """Say no to it. Raises UsageError where there is nothing."""
        self.assistant.decline()
        answered = self.assistant.unanswered is None
        self.console.notice(f"the question is not answered{' again; its answer stays' if answered else ''}")

    def _answered_by(self, events: Iterator[Event], before: str = "") -> None:
        """Run a turn; where it brings one more answer to the question, say so."""
        was = self.assistant.last_answer
        self.run(events, before)
        if self.assistant.last_answer is not was:
            self.tell_variants()

    def tell_variants(self) -> None:
        """Say which of several answers to the last question stands here."""
        this, of = self.assistant.variants()
        if of > 1:
            self.console.notice(f"answer {this} of {of}; /regen NUMBER goes to another")

    @property
    def asks(self) -> bool:
        """Whether a person sits there who can be asked."""
        return self.environment.stdin_is_tty and not self.face.steady

    def _said_yes_or_no(self, text: str) -> bool:
        """Whether a text is the person's yes or no to what moderation has asked, and was taken so."""
        if not (self.asks and self.assistant.unconfirmed):
            return False
        if is_yes(text):
            self.confirm()
        elif is_no(text):
            self.decline()
        else:
            stays = "unanswered" if self.assistant.unanswered is not None else "as it was answered"
            self.console.notice(f"the question before stays {stays}; this is taken as another one")
            return False
        return True

    def ask(self, text: str) -> None:
        """One question with what it mentions and what is attached, and its answer."""
        if self._said_yes_or_no(text):
            return
        question, attached, typed = self._question(text)
        number, self.editing = self.editing, None
        before = self.assistant.place
        if number is not None:
            self.assistant.branch(number)
        title = title_of(self.expand(text))
        try:
            self.run(
                self.assistant.reply(
                    question.text,
                    self.sampling,
                    title=title,
                    typed=typed,
                    attached=[str(path) for path in attached],
                    places=question.places,
                )
            )
        except StoreError:
            raise  # not sent: what is attached stays for the next try
        except ContextOverflow:
            if number is not None:  # nothing came of the edit
                self.assistant.back_to(before)
            self.attached.clear()
            raise
        except BaseException:
            self.attached.clear()
            raise
        self.attached.clear()
        self.title = self.title or (title if self.assistant.turns else None)
        self.left = before if number is not None else None

    def _question(self, text: str) -> tuple[Question, list[Path], str | None]:
        """What is sent for a typed text, the files attached to it by a command, and what was typed where that is not
        what is sent."""
        typed = self.expand(text).strip()
        attached = list(self.attached)
        if not self.mentions:
            return Question(typed, tuple(document for _, document in attached)), [], None
        said = mentions(text, self.cwd)  # an @ inside a long paste names nothing: it is not expanded yet
        for name in said.missing:
            self.console.notice(f"@{name} is no file here and is sent as it stands")
        documents = [document for _, document in attached]
        documents += [read_document(path, self.cwd, regular=True) for path in said.files]
        sent = Question(self.expand(said.text).strip(), tuple(documents))
        return sent, [path for path, _ in attached], None if sent.text == typed else typed

    def run(self, events: Iterator[Event], before: str = "") -> None:
        """Show a turn and say how it ended. Raises whatever the turn does."""
        given: list[Passage] = []
        was = self.assistant.last_answer
        try:
            end = self.face.answer(_noted(shown(events, asks=self.asks), given), before)
        except UsageError as error:
            raise self.of_policy(error) from error
        except RefusedError as error:  # of the system text
            error.hint = "/system none takes it away; /moderation why says more"
            raise
        answer = self.assistant.last_answer
        self.list_sources(given, "" if answer is None else answer.text)
        if answer is not None and answer is not was and answer.fixed:
            self.console.notice(f"{FIXED}; /moderation why")
        if end is not None and end.finish_reason == "interrupted":
            self.console.notice("stopped; what came so far is kept, and /continue goes on with it")
        elif end is not None and end.finish_reason == "length":
            self.console.notice(f"cut after {end.usage.completion_tokens} tokens; /continue goes on")
        if self.assistant.trouble is not None:
            raise self.assistant.trouble

    def of_policy(self, error: UsageError) -> UsageError:
        """An error of the person's moderation policy, with the way on in a chat; any other as it is."""
        way = "--no-moderation begins without it, /moderation off goes on without it"
        return of_policy(error, self.environment.directories, way)

    def earlier(self, turn: Turn) -> None:
        """Show a turn of a chat that goes on, an answer with its sources."""
        self.face.earlier(turn)
        self.list_sources(turn.sources, turn.text)
        if turn.fixed:
            self.console.notice(FIXED)

    @property
    def shown_from(self) -> Path | None:
        """The folder that the paths of sources are shown from, so that a person can open them; None where they are
        not for a person at a terminal."""
        return self.cwd if self.environment.stdout_is_tty and not self.face.steady else None

    def list_sources(self, passages: Sequence[Passage], answer: str) -> None:
        """Show the numbered list that stands below an answer; nothing where it has no sources."""
        lines = listed(passages, answer, self.shown_from)
        for line in ["", *lines] if lines else []:
            self.console.line(line, style="dim", hang=6)

    def stopped(self) -> str:
        """What to say where a turn was stopped before a word came."""
        again = "/regen asks again" if self.assistant.unanswered is not None else "/continue goes on with it"
        return f"stopped before a word came; {again}"

    def undo(self) -> str:
        """Take the last question back; behind an edit, go back to what it replaced. Gives what was done."""
        place, self.left, self.editing = self.left, None, None
        if place is not None:
            self.assistant.back_to(place)
            return f"the edit is taken back; the question is again: {_short(self.assistant.questions[-1])}"
        return f"taken back: {_short(self.assistant.undo())}"

    def resume(self, session: Session, at: str | None = None) -> None:
        """Go on with a saved chat, and show its last turns. Raises UsageError where this chat is not saved."""
        if not self.settings.log and self.assistant.session_id is None:
            raise UsageError(
                "this chat was begun with --no-log, so it cannot go on with a saved one",
                hint=f"ockit chat --session {session.id}",
            )
        self.assistant.resume(session.id, at)
        self.title, self.editing, self.left = session.title, None, None
        turns = self.assistant.turns
        name = session.title or "an untitled chat"
        self.console.notice(f"going on with: {name}" if self.face.steady else f"{session.id} · {name}")
        if len(turns) > SHOWN_ON_RESUME:
            self.console.notice(
                f"({len(turns) - SHOWN_ON_RESUME} earlier messages are not shown; "
                f"ockit sessions show {'ID' if self.face.steady else session.id} prints all)"
            )
        for turn in turns[-SHOWN_ON_RESUME:]:
            self.earlier(turn)
        if self.assistant.unanswered is not None:
            self.console.notice(
                f"without an answer, /regen asks again: {_short(self.assistant.questions[-1])}"
            )
        model = self.assistant.model.entry.name
        if session.model not in (None, model):
            self.console.notice(
                f"it was held with {session.model}; {model} answers now (/model changes that)"
            )

    def with_setting(self, key: str, value: Any) -> Settings:
        """The settings with one of them changed from inside the chat."""
        return replace(self.settings, **{key: value}, origins={**self.settings.origins, key: IN_CHAT})


def _noted(events: Iterator[Event], given: list[Passage]) -> Iterator[Event]:
    """The events of a turn; the sources among them are put into `given`."""
    for event in events:
        if isinstance(event, Sources):
            given[:] = event.passages
        yield event


def _short(text: str) -> str:
    return shorten(" ".join(text.split()), 70)
