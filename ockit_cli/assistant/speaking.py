"""The model that answers: chosen, loaded beside the conversation, asked for prompts, tokens and answers, stopped.

Knows models and templates; what was said so far, and where it is saved, `ockit.assistant.turn` knows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from ockit.assistant.opening import OpenModel
from ockit.assistant.waiting import Job, Stop
from ockit.engines.hosted import HostedEngine
from ockit.environment import Environment
from ockit.messages import Conversation, Message
from ockit.prompts.jinja import JinjaTemplate
from ockit.prompts.template import Rendered, Template
from ockit.protocols import EngineInfo
from ockit.workers.worker import Worker

T = TypeVar("T")

_DEAD_WORKER_S = 2.0
"""How long `ready` waits for work on a dead worker to find out; it does so within milliseconds."""


class Speaker:
    """One model at a time in a worker of its own.

    Args:
        environment: for the worker's variables and the cache directory.
        stall_seconds: silence after which the model's process counts as hung.
        worker: the model's process, where it has been started already.
    """

    def __init__(self, environment: Environment, *, stall_seconds: float, worker: Worker | None) -> None:
        self.engine = HostedEngine(
            environment.variables,
            environment.directories.cache / "threads.json",
            stall_seconds=stall_seconds,
            worker=worker,
        )
        self._model: OpenModel | None = None
        self._condition: str | None = None
        self._stop = Stop()
        self._job: Job[object] | None = None  # the last one that was begun
        self._loading: Job[EngineInfo] | None = None
        self._loaded_s: float | None = None

    @property
    def model(self) -> OpenModel:
        """The model that answers. `use` comes first."""
        assert self._model is not None
        return self._model

    @property
    def template(self) -> Template | JinjaTemplate:
        """How prompts are laid out."""
        return self.model.template

    @property
    def condition(self) -> str | None:
        """The template's condition; None for its default."""
        return self._condition

    @property
    def loaded(self) -> EngineInfo | None:
        """What the engine says of the model, if it is loaded. Never waits."""
        return self.engine.info

    @property
    def loading(self) -> bool:
        """Whether the model is being loaded."""
        return self._loading is not None and not self._loading.over

    @property
    def running(self) -> bool:
        """Whether a turn runs."""
        return self._stop.running

    def use(self, model: OpenModel, *, condition: str | None = None) -> None:
        """Answer with this model from now on; loads nothing. What was said stays, and is laid out anew; ids of answers
        are used again by the model that made them only.

        Raises:
            UsageError: the template has no such condition; nothing has changed.
        """
        _checked(model.template, condition)
        if self._model is None or model.options != self._model.options:
            self._loaded_s = None
        self._model, self._condition = model, condition
        self.engine.choose(model.options)

    def set_template(self, template: Template | JinjaTemplate, *, condition: str | None = None) -> None:
        """Lay prompts out by this template from now on. Raises UsageError as `use` does."""
        _checked(template, condition)
        self._model, self._condition = replace(self.model, template=template), condition

    def set_condition(self, condition: str | None) -> None:
        """Tell the model this condition from now on (None: the template's default). Raises UsageError."""
        _checked(self.template, condition)
        self._condition = condition

    def ready(self) -> None:
        """A turn comes: `stop` means it from now on. Starts the model's process if it is dead; to be called in the main
        thread, because Linux ends a process with the thread that started it.

        Raises:
            WorkerError: the system starts no process.
        """
        self._stop.arm()
        self._start()

    def load_in_background(self) -> None:
        """Begin to load; the next turn waits for it and reports what went wrong."""
        self._loading = self._aside(self.engine.load)

    def load(self) -> EngineInfo:
        """The loaded model. Raises ModelFileError, DoesNotFit or WorkerError."""
        return self._aside(self._load).wait()

    def _load(self) -> EngineInfo:
        loading, self._loading = self._loading, None
        if loading is not None:
            loading.wait()
        before = self.engine.worker.generation, self.engine.info
        info = self.engine.load()
        if self._loaded_s is None or before != (self.engine.worker.generation, info):
            self._loaded_s = info.load_s
        return info

    def stop(self, *, hard: bool = False) -> bool:
        """End the running turn, whatever it is at; False where none runs. From any thread or a signal handler.

        Args:
            hard: end the model's process too, which may not listen any more.
        """
        if not self._stop.ask(hard=hard):
            return False
        if hard:
            self.engine.kill()
        elif self.engine.generating:
            self.engine.cancel()
        return True

    def close(self) -> None:
        """End the worker."""
        self.engine.close()

    def render(self, conversation: Conversation) -> Rendered:
        """The prompt of a conversation as segments."""
        return self.template.render(conversation, condition=self._condition)

    def count(self, conversation: Conversation) -> int:
        """Tokens of a conversation's prompt."""
        return len(self.engine.encode(self.render(conversation).segments))

    def _aside(self, work: Callable[[], T]) -> Job[T]:
        """Work with the engine in a thread of its own, after all such work before it."""
        self._start()
        job = Job(work, self._job if self._job is not None and not self._job.over else None)
        self._job = job  # type: ignore[assignment]
        return job

    def _start(self) -> None:
        if self._job is not None and not self.engine.worker.alive:
            self._job.settle(_DEAD_WORKER_S)
        if self._job is None or self._job.over:
            self.engine.warm_up()


def _checked(template: Template | JinjaTemplate, condition: str | None) -> None:
    """Raise UsageError for a condition that the template lacks: now, and not after the first question."""
    if condition is not None:
        template.render(Conversation((Message("user", ""),)), condition=condition)
