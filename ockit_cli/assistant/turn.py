"""The assistant: a model, a conversation and a store, and one method that runs a turn from question to answer.

The question is on the disk before the model sees it; the answer is saved while it streams. Every face of ockit
gets the same events (`ockit.events`). Knows no terminal.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

from ockit.assistant.ledger import fit, room_for_prompt
from ockit.assistant.opening import OpenModel
from ockit.assistant.record import AnswerRecord
from ockit.engines.hosted import HostedEngine
from ockit.environment import Environment
from ockit.errors import OckitError, StoreError
from ockit.events import End, Event, Notice, Token
from ockit.messages import Conversation, Message, Sampling
from ockit.prompts.segments import Segment
from ockit.prompts.template import Rendered
from ockit.protocols import EngineInfo
from ockit.sessions.store import Store
from ockit.workers.worker import Worker


class Assistant:
    """Answers questions in one conversation.

    Args:
        environment: for the worker's variables and the cache directory.
        store: where turns are saved; None saves nothing.
        stall_seconds: silence after which the model's process counts as hung.
        worker: the model's process, where it has been started already.

    Attributes:
        conversation: the turns so far, as the next prompt will hold them.
        session_id, answer_id: where the turns are saved; None before the first, or without a store.
        last_prompt: the segments of the last prompt of this conversation that was sent.
        trouble: why the last answer could not be saved whole, or None.
    """

    def __init__(
        self,
        environment: Environment,
        store: Store | None,
        *,
        stall_seconds: float = 120.0,
        worker: Worker | None = None,
    ) -> None:
        self._environment = environment
        self._store = store
        self.engine = HostedEngine(
            environment.variables,
            environment.directories.cache / "threads.json",
            stall_seconds=stall_seconds,
            worker=worker,
        )
        self._model: OpenModel | None = None
        self._condition: str | None = None
        self._loading: threading.Thread | None = None
        self._load_error: OckitError | None = None
        self._loaded_s: float | None = None
        self._dropped = 0
        self._head: str | None = None
        self.last_prompt: tuple[Segment, ...] = ()
        self.conversation = Conversation()
        self.session_id: str | None = None
        self.answer_id: str | None = None
        self.trouble: StoreError | None = None

    @property
    def model(self) -> OpenModel:
        """The model that answers. `use` comes first."""
        assert self._model is not None
        return self._model

    def use(self, model: OpenModel, *, condition: str | None = None) -> None:
        """Answer with this model from now on; loads nothing."""
        self._model, self._condition = model, condition
        if condition is not None:  # one that the template lacks is said now, not after the first question
            self.render(Conversation((Message("user", ""),)))
        self.engine.choose(model.options)

    def load_in_background(self) -> None:
        """Begin to load; the next turn waits for it and reports what went wrong."""
        self._loading = threading.Thread(target=self._try_load, daemon=True)
        self._loading.start()

    def load(self) -> EngineInfo:
        """The loaded model. Raises ModelFileError, DoesNotFit or WorkerError."""
        if self._loading is not None:
            self._loading.join()
            self._loading = None
            error, self._load_error = self._load_error, None
            if error is not None:
                raise error
        before = self.engine.worker.generation
        info = self.engine.load()
        if self._loaded_s is None or self.engine.worker.generation != before:
            self._loaded_s = info.load_s
        return info

    def _try_load(self) -> None:
        try:
            self.engine.load()
        except OckitError as error:
            self._load_error = error  # for `load`, in the thread that can show it

    def restart(self, system: str | None) -> None:
        """Begin a new conversation under a system text (None: the template's own)."""
        self.conversation = Conversation().with_system(system)
        self.session_id = self._head = self.answer_id = None
        self._dropped = 0
        self.last_prompt = ()

    def set_system(self, system: str | None) -> None:
        """Change the system text of the conversation from the next turn on."""
        self.conversation = self.conversation.with_system(system)
        if self._store is not None and self.session_id is not None:
            self._store.set_system(self.session_id, system)

    def render(self, conversation: Conversation) -> Rendered:
        """The prompt of a conversation as segments."""
        return self.model.template.render(conversation, condition=self._condition)

    def count(self, conversation: Conversation) -> int:
        """Tokens of a conversation's prompt."""
        return len(self.engine.encode(self.render(conversation).segments))

    def reply(self, question: str, sampling: Sampling, *, started: float | None = None) -> Iterator[Event]:
        """One turn: Notice, Prefill and Token events, then End.

        Args:
            question: what the person says.
            started: `time.perf_counter` from which ``first_token_s`` counts; None counts from now.

        Raises:
            ContextOverflow: the question does not fit.
            WorkerError: the model's process died; the part that came is saved as failed.
            OckitError: whatever loading raises.
        """
        started = time.perf_counter() if started is None else started
        asked_id = self._save_question(question)
        yield from self._told()
        info = self.load()
        load_s, self._loaded_s = self._loaded_s or 0.0, 0.0
        asked = self.conversation.add(Message("user", question))
        room = room_for_prompt(info.n_ctx, sampling.max_tokens)
        fitted = fit(asked, self._encode, room, dropped=self._dropped)
        if fitted.dropped > self._dropped:
            gone = fitted.dropped - self._dropped
            self._dropped = fitted.dropped
            yield Notice(
                f"the context of {info.n_ctx} tokens is full: the oldest {gone} question{'s' * (gone > 1)} with "
                f"{'their answers' if gone > 1 else 'its answer'} are no longer part of the prompt",
                "dropped_turns",
            )
        rendered = self.render(fitted.conversation)
        self.last_prompt = rendered.segments
        seed = (
            sampling.seed if sampling.seed is not None else secrets.randbelow(2**32 - 1)
        )  # saved: can be repeated
        sampling = replace(sampling, stop=(*sampling.stop, *rendered.stop), seed=seed)
        record = AnswerRecord(self._store, self.session_id, asked_id, self.model.entry.name, sampling)
        with record:
            for event in self.engine.generate(fitted.ids, sampling):
                if isinstance(event, Token):
                    yield record.add(event, time.perf_counter() - started)
                elif isinstance(event, End):
                    timings = replace(event.timings, load_s=load_s, first_token_s=record.first_token_s)
                    end = replace(event, timings=timings)
                    record.finish(end)
                    self._take(asked, asked_id, record)
                    yield end
                else:
                    yield event

    def stop(self) -> bool:
        """Stop the answer that is being generated; False where none is. For a signal handler."""
        if self.engine.generating:
            self.engine.cancel()
        return self.engine.generating

    def close(self) -> None:
        """End the worker."""
        self.engine.close()

    def _encode(self, conversation: Conversation) -> list[int]:
        return self.engine.encode(self.render(conversation).segments)

    def _told(self) -> Iterator[Notice]:
        """What the store has to say, once."""
        if self._store is not None:
            notices, self._store.notices = self._store.notices, []
            yield from notices

    def _save_question(self, question: str) -> str | None:
        """Its id. It becomes part of the conversation only with its answer: what failed is asked again beside it."""
        self.trouble = None
        if self._store is None:
            return None
        if self.session_id is None:
            self.session_id = self._store.start(
                model=self.model.entry.name,
                template=self.model.template.name,
                system=self.conversation.system,
            )
        return self._store.add_user(self.session_id, question, parent=self._head)

    def _take(self, asked: Conversation, asked_id: str | None, record: AnswerRecord) -> None:
        """The answer becomes part of the conversation, unless not a word of it came."""
        self.answer_id, self.trouble = record.message_id, record.trouble
        if record.text:
            self.conversation = asked.add(record.message)
            self._head = record.message_id or asked_id
