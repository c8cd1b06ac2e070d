"""The chat on a terminal: the prompt stands at the bottom at all times, everything else is printed above it, once.

The main thread reads keys and draws; one other thread enters what was sent (a question, a command) and runs it to its
end, so a key is answered at once whatever the model does. What is typed meanwhile waits its turn and can be seen.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from prompt_toolkit.application import Application, run_in_terminal
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.input.vt100 import Vt100Input, raw_mode
from prompt_toolkit.styles import Style

from ockit.console import Console
from ockit.environment import Environment
from ockit.errors import InterruptedByUser, OckitError
from ockit.events import End, Event
from ockit.messages import Message
from ockit.repl.above import Above, Paper, gone_terminal, terminal_output
from ockit.repl.editor import edit_text
from ockit.repl.fence import unfenced
from ockit.repl.input_line import input_line
from ockit.repl.keys import keys
from ockit.repl.layout import CONTINUED, PROMPT, layout
from ockit.repl.live import Live, bar
from ockit.repl.pastes import Pastes, clean
from ockit.repl.slash_table import BY_NAME, arguments, enter
from ockit.repl.streamed import stream, warm, whole
from ockit.repl.talk import Leave, Talk
from ockit.repl.themes import theme
from ockit.settings import Settings

TICK_S = 1 / 12
"""How often what changes at the bottom is drawn while something runs."""

PATIENCE_S = 3.0
"""How long the end of a chat waits for an answer that was stopped to be saved."""

ECHOED_LINES = 12
"""Lines of a sent text that are shown above its answer; the whole of it is in the saved chat."""


class Screen:
    """The face of a `Talk` on a terminal, and its input (`run`).

    Attributes:
        console: prints above the prompt; for everything the chat has to say.
        buffer: the input line.
    """

    steady = False

    def __init__(self, environment: Environment, settings: Settings) -> None:
        self._environment = environment
        self._settings = settings
        self._colour = environment.colour(environment.stdout)
        self._theme = theme(settings.theme, self._colour)
        self._output = terminal_output(environment)
        self._paper = Paper(self._output)
        above = Above(self._paper.add)
        self.console = Console(replace(environment, stdout=above, stderr=above))
        self._live = Live()
        self._pastes = Pastes()
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._backstage = ThreadPoolExecutor(1, thread_name_prefix="chat")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._busy = False
        self._asked_at = 0.0
        self._ended_by: int | None = None
        self._leaving = False
        self._talk: Talk
        self.buffer = input_line(environment, settings, self.console, self._pastes, self._arguments)
        # as text, and not to be closed together with this
        keyboard = open(environment.stdin.fileno(), encoding="utf-8", closefd=False)  # noqa: SIM115
        self._input = Vt100Input(keyboard)
        self._app: Application[None] = Application(
            layout=layout(self.buffer, self._live, self._bar),
            style=Style.from_dict(dict(self._theme.prompt_toolkit)),
            key_bindings=keys(self),
            editing_mode=EditingMode.VI if settings.edit_mode == "vi" else EditingMode.EMACS,
            input=self._input,
            output=self._output,
            erase_when_done=True,
            include_default_pygments_style=False,
        )
        self._app.ttimeoutlen = 0.1

    # the chat's life

    def run(self, talk: Talk, begin: Callable[[], None]) -> int:
        """Talk until the person leaves; gives the exit code (0, or 128 and the signal that ended it).

        Args:
            begin: opens the model and the chat; runs behind the prompt, which is there before it has ended.

        Raises:
            OckitError: what `begin` raises.
        """
        self._talk = talk
        talk.expand = self._pastes.expand
        try:
            asyncio.run(self._main(begin))
        finally:
            self._backstage.shutdown(wait=False, cancel_futures=True)
            self._paper.flush()
        return 0 if self._ended_by is None else 128 + self._ended_by

    async def _main(self, begin: Callable[[], None]) -> None:
        loop = self._loop = asyncio.get_running_loop()
        self._paper.lay_under(self._app, loop)
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:
                loop.add_signal_handler(number, self._end, number)
        loop.add_signal_handler(signal.SIGCONT, self._continued)
        loop.set_exception_handler(self._failed)
        work = asyncio.create_task(self._work(begin))
        tick = asyncio.create_task(self._tick())
        try:
            with gone_terminal():
                await self._app.run_async(handle_sigint=True, set_exception_handler=False)
        finally:
            self._leaving = True
            tick.cancel()
            if self._live.running:
                self._talk.assistant.stop()
                await asyncio.wait([work], timeout=PATIENCE_S)
            if not work.done():
                self._talk.assistant.close()  # the turn ends with its worker
                work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        if work.done() and not work.cancelled() and (error := work.exception()) is not None:
            raise error

    async def _work(self, begin: Callable[[], None]) -> None:
        """Begin, then enter what is sent, one after the other."""

        def opened() -> None:
            begin()
            self._count()
            warm(self._theme, self._colour)  # while the model loads

        try:
            await self._behind(opened)
            while not self._leaving:
                text = await self._queue.get()
                self._live.queued = self._live.queued[-self._queue.qsize() :] if self._queue.qsize() else []
                self._talk.assistant.ready()
                self._echo(text)
                await self._behind(lambda text=text: self._enter(text))  # type: ignore[misc]
        finally:
            if self._app.is_running and not self._app.is_done:
                self._app.exit()

    async def _behind(self, what: Callable[[], None]) -> None:
        """Run something in the other thread."""
        assert self._loop is not None
        self._busy = self._live.running = True
        try:
            await self._loop.run_in_executor(self._backstage, what)
        finally:
            self._busy, self._live.running = False, not self._queue.empty()
            self._live.stopping = False
            self._live.rest()
            self._app.invalidate()

    async def _tick(self) -> None:
        """Draw what has changed at the bottom."""
        before: object = None
        while True:
            await asyncio.sleep(TICK_S)
            live = self._live
            now = (live.tail, live.status(), live.used, live.running)
            if now != before:
                before = now
                self._app.invalidate()

    def _enter(self, text: str) -> None:
        try:
            enter(self._talk, text)
        except Leave:
            self._leaving = True
        except InterruptedByUser:
            self.console.notice("stopped before the answer began; /regen asks again")
        except OckitError as error:
            self.console.error(error)
        self._count()

    def _count(self) -> None:
        """The tokens of the conversation as it stands, as far as its last answer tells."""
        answer = self._talk.assistant.last_answer
        usage = answer.usage if answer is not None else None
        self._live.used = usage.prompt_tokens + usage.completion_tokens if usage is not None else None

    # keys

    def submit(self) -> None:
        """Send what stands in the input line; it waits where something runs."""
        text, dropped = clean(self.buffer.text)
        if dropped:
            self._live.say(f"{dropped} control characters were left out")
        text = unfenced(text).strip()
        self.buffer.reset(append_to_history=bool(text))
        self._app.vi_state.reset()  # the next line begins in vi's insert mode
        if not text:
            self._talk.editing = None
            return
        if self._live.running and text in ("/exit", "/quit", "/bye"):
            self.leave()
            return
        if self._live.running:
            self._live.queued = [*self._live.queued, text]
        self._live.running = True
        self._queue.put_nowait(text)

    def interrupt(self) -> None:
        """Stop what runs (what was typed ahead comes back into the input line), else clear the line."""
        if self._app._running_in_terminal:  # it was meant for the editor
            return
        if self._live.running:
            waiting = []
            while not self._queue.empty():
                waiting.append(self._queue.get_nowait())
            self._live.queued, self._live.running = [], self._busy
            if waiting:
                self.buffer.text = "\n".join([*waiting, self.buffer.text]).rstrip("\n")
                self.buffer.cursor_position = len(self.buffer.text)
            if self._busy and not self._live.stopping:
                self._asked_at = time.monotonic()
                self._live.stopping = self._talk.assistant.stop()
            elif self._busy and time.monotonic() - self._asked_at > 1.0:
                self._talk.assistant.stop(hard=True)  # it does not listen
        elif self.buffer.text:
            self.buffer.reset()
        else:
            self._talk.editing = None
            self._live.say("Ctrl-D or /exit leaves")
        self._app.invalidate()

    def leave(self) -> None:
        """Leave; an answer that is being written is stopped and kept."""
        self._leaving = True
        if not self._app.is_done:
            self._app.exit()

    def paste(self, data: str) -> None:
        """Take in what was pasted; much of it is shown as a short name."""
        text, dropped = clean(data)
        if dropped:
            self._live.say(f"{dropped} control characters of the paste were left out")
        self.buffer.insert_text(self._pastes.shrink(text))

    def edit(self) -> None:
        """Change the input line in the person's editor."""
        text = self._pastes.expand(self.buffer.text)

        def work() -> None:
            try:
                changed = edit_text(text, self._environment.variables, self._environment.directories.state)
            except OckitError as error:
                self.console.error(error)
                return
            self.buffer.text = changed
            self.buffer.cursor_position = len(changed)

        async def run() -> None:
            await run_in_terminal(work, in_executor=True)
            self._paper.drain()

        self._app.create_background_task(run())

    def clear(self) -> None:
        """Empty the screen; from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._clear)

    def _clear(self) -> None:
        self._paper.drain()
        self._app.renderer.clear()
        self._app.invalidate()

    # the face of the talk, called in the other thread

    def answer(self, events: Iterator[Event]) -> End | None:
        """Show a turn as it comes."""
        return stream(events, self.console, self._live, self._theme, self._colour)

    def earlier(self, message: Message) -> None:
        """A turn of a chat that goes on."""
        if message.role == "user":
            self._echo(message.text)
        else:
            self.console.styled(whole(message.text, self.console.columns, self._theme, self._colour))

    def offer(self, text: str) -> None:
        """Put a text into the input line, in front of what was typed meanwhile."""
        assert self._loop is not None

        def put() -> None:
            self.buffer.text = f"{text}\n{self.buffer.text}".rstrip("\n")
            self.buffer.cursor_position = len(text)

        self._loop.call_soon_threadsafe(put)

    def emit(self, sequence: str) -> None:
        """Send a control sequence of ours."""
        assert self._loop is not None

        def send() -> None:
            self._output.write_raw(sequence)
            self._output.flush()

        self._loop.call_soon_threadsafe(send)

    def restyle(self, settings: Settings) -> None:
        """Take on another theme, other keys."""
        self._theme = theme(settings.theme, self._colour)
        self._app.style = Style.from_dict(dict(self._theme.prompt_toolkit))
        self._app.editing_mode = EditingMode.VI if settings.edit_mode == "vi" else EditingMode.EMACS
        self._app.invalidate()

    # printing

    def _echo(self, text: str) -> None:
        """A sent text, above its answer."""
        lines = text.split("\n")
        more = len(lines) - ECHOED_LINES
        if more > 0:
            lines = [*lines[:ECHOED_LINES], f"… and {more} more lines"]
        self.console.line()
        for number, line in enumerate(lines):
            lead = PROMPT if number == 0 else CONTINUED
            self.console.line(f"{lead}{line[:2000]}", style="bold")

    # the bottom

    def _bar(self, columns: int) -> StyleAndTextTuples:
        talk = self._talk
        loaded = talk.assistant.loaded
        self._live.n_ctx = loaded.n_ctx if loaded is not None else None
        return [
            *bar(
                self._live,
                model=talk.opened.entry.label if talk.opened is not None else talk.settings.model or "",
                title=talk.title,
                unsaved=talk.assistant.unsaved,
                columns=columns,
            )
        ]

    def _arguments(self, name: str, typed: str) -> list[tuple[str, str]]:
        if self._talk.opened is None or name not in BY_NAME:
            return []
        return list(arguments(self._talk, name, typed))

    # what comes from outside

    def _failed(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Something raised where nobody waits for it (a key, a redraw): the chat ends, and says why."""
        error = context.get("exception")
        if isinstance(error, BaseException) and not self._app.is_done:
            self._leaving = True
            self._app.exit(exception=error)

    def _end(self, number: int) -> None:
        self._ended_by = number
        self.leave()

    def _continued(self) -> None:
        """The job goes on: a shell may have changed the terminal's mode meanwhile."""
        if self._app.is_running and not self._app._running_in_terminal:
            raw_mode(self._environment.stdin.fileno()).__enter__()
            self._app.renderer.reset()
            self._app.invalidate()
