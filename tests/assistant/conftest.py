"""An assistant on the embedded model, with a store of its own."""

from __future__ import annotations

import io
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ockit.assistant.checking import Checking
from ockit.assistant.opening import open_model
from ockit.assistant.turn import Assistant
from ockit.environment import Environment
from ockit.errors import InterruptedByUser
from ockit.events import End, Event, Notice, Token
from ockit.messages import Sampling
from ockit.sessions.records import StoredMessage
from ockit.sessions.store import Store
from ockit.settings import load

GREEDY = Sampling(temperature=0.0, max_tokens=24)


class Reply(NamedTuple):
    """All of one turn."""

    text: str
    end: End
    notices: list[Notice]
    events: list[Event]


class Talk:
    """A conversation under test."""

    greedy = GREEDY

    def __init__(
        self,
        home: Path,
        *,
        store: bool = True,
        settings: dict[str, str] | None = None,
        unsaved_ok: bool = False,
        checking: Checking | None = None,
    ) -> None:
        variables = {"PATH": os.environ["PATH"], "OCKIT_HOME": str(home)}
        self.environment = Environment(io.BytesIO(), io.StringIO(), io.StringIO(), variables, home)
        chosen = {"threads": "1", "gpu_layers": "0", "ctx_size": "1024"} | (settings or {})
        self.settings = load(self.environment.directories, variables, chosen)
        self.store = Store.of(self.environment.directories) if store else None
        self.assistant = Assistant(
            self.environment,
            self.store,
            stall_seconds=self.settings.stall_seconds,
            unsaved_ok=unsaved_ok,
            checking=checking,
        )
        opened = open_model(self.settings, self.environment.directories, home, self.settings.model)
        self.assistant.use(opened)
        self.assistant.restart(self.settings.system)

    def say(self, question: str, **changes: Any) -> Reply:
        """A turn to its end."""
        events = list(self.assistant.reply(question, GREEDY.changed(**changes)))
        end = events[-1]
        assert isinstance(end, End)
        text = "".join(event.text for event in events if isinstance(event, Token))
        return Reply(text, end, [event for event in events if isinstance(event, Notice)], events)

    def stopped_before_a_word(self, events: Iterator[Event]) -> None:
        """A turn that is stopped while the model's process does not get on, and so has not said a word."""
        worker = self.assistant.engine.worker.pid
        assert worker is not None
        os.kill(worker, signal.SIGSTOP)

        def stop() -> None:
            self.assistant.stop()
            os.kill(worker, signal.SIGCONT)

        timer = threading.Timer(0.2, stop)
        timer.start()
        try:
            with pytest.raises(InterruptedByUser, match="before the answer began"):
                list(events)
        finally:
            timer.join()

    def saved(self) -> tuple[StoredMessage, ...]:
        """What the store holds of this session, in order."""
        assert self.store is not None
        assert self.assistant.session_id is not None
        return self.store.messages(self.assistant.session_id)

    def path(self) -> list[tuple[str, str, str]]:
        """(role, state, text) of the branch on which the session stands."""
        assert self.store is not None
        assert self.assistant.session_id is not None
        head = self.store.get(self.assistant.session_id).head
        assert head is not None
        return [(m.role, m.state, m.text) for m in self.store.path_to(head)]


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[Callable[..., Talk]]:
    """``talk(store=..., settings={...})`` begins a conversation; its worker ends with the test."""
    talks: list[Talk] = []

    def begin(**options: Any) -> Talk:
        talks.append(Talk(tmp_path, **options))
        return talks[-1]

    yield begin
    for each in talks:
        each.assistant.close()
        if each.store is not None:
            each.store.close()
