"""One answer on its way to the terminal, a pipe or a program: the work behind ``ockit ask``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ockit.assistant.attachments import Question
from ockit.assistant.checking import checking
from ockit.assistant.citations import cited, listed
from ockit.assistant.grounding import Grounding
from ockit.assistant.ledger import longest, room_for_prompt
from ockit.assistant.opening import OpenModel, open_model
from ockit.assistant.turn import Assistant
from ockit.assistant.vetting import BUSY, CONFIRM, REFUSED
from ockit.commands import constraints
from ockit.commands.answer_refused import refused, why
from ockit.commands.invocation import Invocation
from ockit.errors import (
    ContextOverflow,
    ExitCode,
    InterruptedByUser,
    OckitError,
    SchemaMismatch,
    UsageError,
)
from ockit.events import End, Event, Moderated, Notice, Prefill, Sources, Token, to_json
from ockit.messages import Message, Passage, Sampling
from ockit.repl.policy_fault import of_policy
from ockit.sessions.store import Store
from ockit.settings import Settings

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Form:
    """How the answer is printed."""

    json: bool = False
    jsonl: bool = False
    stream: bool = True
    extract: bool = False
    named: tuple[str, ...] = ()  # the indexes that the command line names
    yes: bool = False  # the person has said yes to whatever moderation would ask about


class Answer:
    """Runs one question. `begin` starts the worker, `open` the model, `give` answers."""

    def __init__(self, run: Invocation, settings: Settings, form: Form, grounding: Grounding) -> None:
        self._run = run
        self._console = run.console
        self._settings = settings
        self._form = form
        self._store = Store.of(run.directories) if settings.log else None
        self._assistant = Assistant(
            run.environment,
            self._store,
            stall_seconds=settings.stall_seconds,
            worker=run.worker,
            grounding=grounding,
            checking=checking(run.environment, settings),
        )
        self._moderated: list[Moderated] = []
        self._refusal: Notice | None = None
        self._sources: tuple[Passage, ...] = ()
        self._schema: Any = None
        self.grammar: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._assistant.close()
        if self._store is not None:
            self._store.close()

    @property
    def assistant(self) -> Assistant:
        """What answers."""
        return self._assistant

    @property
    def model(self) -> OpenModel:
        """The opened model."""
        return self._assistant.model

    def begin(self) -> None:
        """Start the worker's process: it reads its libraries while this one reads files and settings. What is looked
        into opens meanwhile, too."""
        self._assistant.engine.warm_up()
        self._assistant.grounding.warm()
        if self._assistant.checking is not None:
            self._assistant.checking.warm()

    def open(self, name: str | None) -> None:
        """Check the model and begin to load it."""
        settings, run = self._settings, self._run
        model = open_model(settings, run.directories, run.environment.cwd, name)
        self._assistant.use(model, condition=settings.condition)
        self._assistant.restart(settings.system)
        self._assistant.load_in_background()
        for notice in model.notices:
            self._console.notice(notice)

    def constrain(self, schema: Path | None, grammar: Path | None) -> None:
        """Hold the answer to a schema or a grammar."""
        cwd = self._run.environment.cwd
        if grammar is not None:
            self.grammar = constraints.read_grammar(cwd / grammar)
        if schema is not None:
            import json

            self._schema = constraints.read_schema(cwd / schema)
            self._assistant.load()
            self.grammar = self._assistant.engine.grammar_of(json.dumps(self._schema))

    def give(self, question: Question, sampling: Sampling, *, truncate: bool) -> int:
        """Answer, print, and say how the command ends."""
        if truncate:
            question = self._cut(question, sampling)
        if self._form.jsonl:
            self._console.json({"event": "start", "schema_version": SCHEMA_VERSION})
        started = self._run.environment.started
        sought = question.prompt or None
        text, end = self._answer(
            self._assistant.reply(
                question.text,
                sampling,
                started=started,
                sought=sought,
                places=question.places,
                confirmed=self._form.yes,
            )
        )
        if self._assistant.unconfirmed and self._confirmed():
            self._refusal = None
            text, end = self._answer(self._assistant.agree(sampling))
        code = self._close(text, end)
        if self._assistant.trouble is not None:
            raise self._assistant.trouble
        if self._refusal is not None and not (self._form.json or self._form.jsonl):
            raise refused(self._refusal, self._moderated)
        retrieval = self._assistant.looked.retrieval
        if code == ExitCode.OK and any(retrieval.get(name) == "failed" for name in self._form.named):
            return ExitCode.PARTLY_DONE
        return code

    def _answer(self, events: Iterator[Event]) -> tuple[str, End]:
        """Print an answer as it comes; gives it, and how it ended."""
        text = ""
        end: End | None = None
        try:
            with self._console.status("loading the model") as status:
                for event in events:
                    self._jsonl(event, text)
                    if isinstance(event, Token):
                        text += event.text
                        self._print(event.text)
                    elif isinstance(event, Prefill):
                        status.update(f"reading the prompt: {event.done} of {event.total} tokens")
                    elif isinstance(event, Notice):
                        if event.kind == BUSY:
                            status.update(event.text)
                        else:
                            self._notice(event)
                    elif isinstance(event, Sources):
                        self._sources = event.passages
                    elif isinstance(event, Moderated):
                        self._moderated.append(event)
                    elif isinstance(event, End):
                        end = event
        except UsageError as error:
            raise of_policy(error, self._run.directories, "--no-moderation asks without it") from error
        except InterruptedByUser:  # before the first word: for a command that is an answer without any
            end = End("interrupted")
            self._jsonl(end, text)
        assert end is not None
        return text, end

    def _notice(self, notice: Notice) -> None:
        if notice.kind in (REFUSED, CONFIRM):  # the command ends with it
            self._refusal = notice
        else:
            self._console.notice(notice.text)

    def _confirmed(self) -> bool:
        """Whether the person says yes, where there is one to ask."""
        environment = self._run.environment
        if (
            self._form.json
            or self._form.jsonl
            or not (environment.stdin_is_tty and environment.stderr_is_tty)
        ):
            return False
        assert self._refusal is not None
        return self._console.confirm(f"{self._refusal.text} {why(self._moderated)}".rstrip())

    def _jsonl(self, event: Event, text: str) -> None:
        if self._form.jsonl:
            more = self._place() | self._cited(text) if isinstance(event, End) else {}
            self._console.json(to_json(event) | more)

    def _print(self, text: str) -> None:
        form = self._form
        if form.stream and not (form.json or form.jsonl or form.extract or self._beside):
            self._console.write(text)

    def _close(self, text: str, end: End) -> int:
        form, console = self._form, self._console
        own = end.finish_reason != "refused" and not self._supported
        shown = self._extracted(text) if form.extract and own else text
        if form.json:
            answer = {"text": shown, "finish_reason": end.finish_reason}
            cost = {"usage": asdict(end.usage), "timings": asdict(end.timings)}
            sources = {"sources": [asdict(passage) for passage in self._sources], **self._cited(text)}
            found: dict[str, Any] = {"moderation": [asdict(each) for each in self._moderated]}
            if self._refusal is not None:
                found |= {"refusal": self._refusal.text}
            place = self._place()
            console.json({"schema_version": SCHEMA_VERSION, **answer, **cost, **place, **sources, **found})
        elif (self._beside or (form.extract and not own)) and not form.jsonl:
            if text:
                console.notice(text)
        elif not form.jsonl and (text or self._refusal is None):
            console.line("" if form.stream and not form.extract else shown)
            self._list(text)
        if self._supported:
            return ExitCode.REFUSED if self._beside else ExitCode.OK
        if end.finish_reason == "refused":
            return ExitCode.REFUSED
        if end.finish_reason == "interrupted":
            return ExitCode.INTERRUPTED
        if self._schema is not None:
            constraints.check_answer(text, self._schema)
        elif self.grammar is not None and end.finish_reason == "length":
            raise SchemaMismatch(
                "the answer was cut before the grammar was satisfied",
                hint="give it more room: --max-tokens 2000",
            )
        if end.finish_reason == "length" and not form.json and not form.jsonl:
            console.notice(
                f"the answer was cut after {end.usage.completion_tokens} tokens; --max-tokens N allows more"
            )
        return ExitCode.OK

    @property
    def _supported(self) -> bool:
        """Whether the answer is the policy's, for somebody in distress: it owes nothing to a schema."""
        return any(each.role == "user" and each.verdict.action == "support" for each in self._moderated)

    @property
    def _beside(self) -> bool:
        """Whether the policy's text comes where something else reads answers of a certain form: it is shown beside
        stdout, which stays empty, and the exit code says that there is no answer."""
        formed = self._form.extract or self._schema is not None or self.grammar is not None
        return formed and self._supported

    def _list(self, text: str) -> None:
        """The sources below the answer; beside it, where something else reads the answer."""
        environment = self._run.environment
        lines = listed(self._sources, text, environment.cwd if environment.stdout_is_tty else None)
        if self._form.extract or self.grammar is not None:
            for line in lines:
                self._console.notice(line)
            return
        for line in ["", *lines] if lines else []:
            self._console.line(line)

    def _cited(self, text: str) -> dict[str, Any]:
        return {
            "cited": list(cited(text, len(self._sources))),
            "retrieval": dict(self._assistant.looked.retrieval),
        }

    def _extracted(self, text: str) -> str:
        """The first code block. Where there is none, the answer is shown beside the error: it may be nowhere else."""
        try:
            return constraints.first_code_block(text)
        except OckitError:
            self._console.notice(text)
            raise

    def _place(self) -> dict[str, str | None]:
        """Who answered, and where it is saved."""
        assistant = self._assistant
        return {
            "model": assistant.model.entry.name,
            "session_id": assistant.session_id,
            "message_id": assistant.answer_id,
        }

    def _cut(self, question: Question, sampling: Sampling) -> Question:
        """The question with as much of its attachments as fits; says what was left out."""
        info = self._assistant.load()
        room = room_for_prompt(info.n_ctx, sampling.max_tokens)
        base = self._assistant.conversation

        def count(length: int) -> int | None:
            try:
                return self._assistant.count(base.add(Message("user", question.cut(length).text)))
            except ContextOverflow:  # so much that it was not even counted
                return None

        whole = question.attached
        kept = longest(whole, count, room)
        if kept < whole:
            self._console.notice(f"attached text was cut to its first {kept} of {whole} characters to fit")
        return question.cut(kept)
