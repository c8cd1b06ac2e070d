"""The chat on a terminal: the prompt stands at the bottom at all times, everything else is printed above it, once.

The main thread reads keys and draws; one other thread enters what was sent (a question, a command) and runs it to its
end, so a key is answered at once whatever the model does. What is typed meanwhile waits its turn and can be seen.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from typing import Any

from prompt_toolkit.application import Application, run_in_terminal
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.input.vt100 import Vt100Input, raw_mode
from prompt_toolkit.key_binding.vi_state import InputMode
from prompt_toolkit.styles import Style

from ockit.crashes import internal
from ockit.environment import Environment
from ockit.errors import InterruptedByUser, OckitError
from ockit.repl.above import gone_terminal, waits
from ockit.repl.drawn import DrawnFace, editing_mode
from ockit.repl.editor import Editor, edit_text
from ockit.repl.fence import unfenced
from ockit.repl.input_line import input_line
from ockit.repl.keys import keys
from ockit.repl.layout import layout
from ockit.repl.live import bar
from ockit.repl.mentions import disarmed
from ockit.repl.pastes import Pastes, clean
from ockit.repl.runner import Runner
from ockit.repl.slash_table import BY_NAME, arguments, asks, enter, leaves
from ockit.repl.streamed import warm
from ockit.repl.talk import Leave, Talk
from ockit.settings import Settings

TICK_S = 1 / 5
"""How often what changes at the bottom is drawn while something runs. Each time takes some milliseconds of a core that
the model may compute on."""

PATIENCE_S = 3.0
"""How long the end of a chat waits for an answer that was stopped to be saved."""

EARLY_S = 0.25
"""For so long what comes may be what was typed before the terminal was ours, where there was any."""


class Screen(DrawnFace):
    """The input and the life of a chat on a terminal.

    Attributes:
        early: whether keys that come now were typed before the terminal was ours.
    """

    def __init__(self, environment: Environment, settings: Settings) -> None:
        super().__init__(environment, settings)
        self._pastes = Pastes()
        self._runner = Runner(self._live, lambda: self._app.invalidate())  # noqa: PLW0108 - there is no _app yet
        self._asked_at = 0.0
        self._ended_by: int | None = None
        self._suspended = False
        self._editor: Editor | None = None
        self.early = False
        self.buffer = input_line(environment, settings, self.console, self._pastes, self._arguments)
        # as text, and not to be closed together with this
        keyboard = open(environment.stdin.fileno(), encoding="utf-8", closefd=False)  # noqa: SIM115
        self._input = Vt100Input(keyboard)
        self._app = Application(
            layout=layout(self.buffer, self._live, self._bar),
            style=Style.from_dict(dict(self._theme.prompt_toolkit)),
            key_bindings=keys(self),
            editing_mode=editing_mode(settings),
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
        self.early = waits(self._environment.stdin.fileno())
        self._output.write_raw("\r\x1b[K")  # the terminal has shown what was typed before the keys were ours
        try:
            asyncio.run(self._main(begin))
        finally:
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
        loop.call_later(EARLY_S, setattr, self, "early", False)
        work = asyncio.create_task(self._work(begin))
        tick = asyncio.create_task(self._tick())
        try:
            with gone_terminal():
                await self._app.run_async(handle_sigint=True, set_exception_handler=False)
        finally:
            tick.cancel()
            unsent = [*self._runner.take_back(), self.buffer.text]
            await self._stop(work)
            self._tell(unsent)
        if not work.cancelled() and (error := work.exception()) is not None:
            raise error

    async def _work(self, begin: Callable[[], None]) -> None:
        def opened() -> None:
            begin()
            self._count()
            warm(self._theme, self._colour)  # while the model loads

        try:
            await self._runner.run(opened, self._lead_in, self._enter)
        finally:
            self.leave()

    async def _stop(self, work: asyncio.Task[None]) -> None:
        """The end of what runs, if need be by the end of its worker; what came of an answer is saved."""
        self._runner.end()
        for hard in (False, True):
            if self._runner.busy and self._talk.assistant.stop(hard=hard):
                await asyncio.wait([work], timeout=PATIENCE_S)
        work.cancel()
        await asyncio.wait([work])

    def _tell(self, unsent: list[str]) -> None:
        """What was typed and not sent is shown once more, and kept in the history."""
        for text in filter(str.strip, unsent):
            self.console.notice(f"not sent: {text}")
        self.buffer.append_to_history()

    async def _tick(self) -> None:
        """Draw what has changed at the bottom."""
        before: object = None
        drawn = 0
        while True:
            await asyncio.sleep(TICK_S)
            live, assistant = self._live, self._talk.assistant
            if not live.running:
                live.do("loading the model") if assistant.loading else live.rest()
            now = (live.tail, live.status(), live.used, live.running, assistant.loaded is None)
            if now != before and self._app.render_counter == drawn:
                before = now
                self._app.invalidate()
                drawn += 1
            else:  # where a key or printed lines have drawn everything since the last tick, once is enough
                drawn = self._app.render_counter

    def _lead_in(self, text: str) -> bool:
        """A text comes to be entered: it is shown, and if it asks the model its process is there."""
        self._echo(text)
        try:
            if asks(text):
                self._talk.assistant.ready()
        except OckitError as error:
            self.console.error(error)
            return False
        return True

    def _enter(self, text: str) -> bool:
        """In the other thread; False once the person leaves."""
        try:
            enter(self._talk, text)
        except Leave:
            return False
        except InterruptedByUser:
            self.console.notice(self._talk.stopped())
        except OckitError as error:
            self.console.error(error)
        except Exception as error:  # noqa: BLE001 - a bug of ours must not end the chat
            self.console.error(internal(error, self._environment.directories))
        self._count()
        return True

    def _count(self) -> None:
        """The tokens and the speed of the conversation as it stands, as far as its last answer tells."""
        answer = self._talk.assistant.last_answer
        live = self._live
        live.used, live.rate = (None if self._talk.assistant.questions else 0), None
        if answer is not None and answer.usage is not None and answer.usage.prompt_tokens:
            live.used = answer.usage.prompt_tokens + answer.usage.completion_tokens
            if answer.timings is not None and answer.timings.decode_s > 0:
                live.rate = answer.usage.completion_tokens / answer.timings.decode_s

    # keys

    def submit(self) -> None:
        """Send what stands in the input line; it waits where something runs."""
        typed, dropped = clean(self.buffer.text)
        if dropped:
            self._live.say(f"{dropped} control characters were left out")
        text = unfenced(typed).strip()
        if self._forgotten():
            return
        self.buffer.reset(append_to_history=bool(text))
        self._app.vi_state.reset()  # the next line begins in vi's insert mode
        if not text:
            self._talk.editing = None
        elif self._live.running and leaves(text):
            self.leave()
        else:
            self._runner.put(text)

    def _forgotten(self) -> bool:
        """Whether the line names a paste that is no longer held; the person is told."""
        gone = self._pastes.forgotten(self.buffer.text)
        if gone:
            self._live.say(f"{gone[0]} is no longer held; paste it again")
        return bool(gone)

    def interrupt(self) -> None:
        """Stop what runs, and let what waits wait no more; where nothing runs, clear the line."""
        if self._app._running_in_terminal:  # it was meant for the editor
            return
        if self._live.running:
            self._stop_answer(self._runner.take_back())
        else:
            said = "Ctrl-D or /exit leaves" if self._talk.editing is None else "the question stays as it was"
            if not self.buffer.text or self._talk.editing is not None:
                self._live.say(said)
            self._talk.editing = None
            self.buffer.reset()
        self._app.invalidate()

    def _stop_answer(self, waiting: list[str]) -> None:
        if len(waiting) == 1 and not self.buffer.text:
            self._write(waiting[0])
        elif waiting:
            self._live.say(f"{len(waiting)} texts that waited were not sent; the up-arrow brings them back")
        if not self._runner.busy:
            return
        now = time.monotonic()
        if not self._live.stopping:
            self._asked_at, self._live.stopping = now, self._talk.assistant.stop()
            if not self._live.stopping:
                self._live.say("this runs to its end; Ctrl-D leaves")
        elif now - self._asked_at > 1.0:
            self._talk.assistant.stop(hard=True)  # it does not listen

    def leave(self) -> None:
        """Leave; an answer that is being written is stopped and kept."""
        if self._app.is_running and not self._app.is_done:
            self._app.exit()

    def paste(self, data: str) -> None:
        """Take in what was pasted; much of it is shown as a short name, and no @ in it names a file."""
        text, dropped = clean(data)
        if dropped:
            self._live.say(f"{dropped} control characters of the paste were left out")
        shown = self._pastes.shrink(text)
        self.buffer.insert_text(disarmed(text, self._environment.cwd) if shown == text else shown)

    def edit(self) -> None:
        """Change the input line in the person's editor."""
        if self._forgotten():
            return
        text = self._pastes.expand(self.buffer.text)
        editor = self._editor = Editor()

        def work() -> None:
            state = self._environment.directories.state
            try:
                changed = edit_text(text, self._environment.variables, state, editor)
            except OckitError as error:
                self.console.error(error)
                return
            self._write(changed)

        async def run() -> None:
            await run_in_terminal(work, in_executor=True)
            self._paper.drain()

        self._app.create_background_task(run())

    def suspend(self) -> None:
        """Give the terminal back to the shell, until the job is continued."""
        self._suspended = True
        self._app.suspend_to_background()

    # the bottom

    def _bar(self, columns: int) -> StyleAndTextTuples:
        talk = self._talk
        loaded = talk.assistant.loaded
        self._live.n_ctx = loaded.n_ctx if loaded is not None else None
        self._live.mode = ""
        if talk.editing is not None:
            self._live.mode = f"editing question {talk.editing}, Ctrl-C leaves it"
        elif self._app.editing_mode == EditingMode.VI and self._app.vi_state.input_mode != InputMode.INSERT:
            self._live.mode = "vi: normal mode, i inserts"
        return [
            *bar(
                self._live,
                model=talk.opened.entry.label if talk.opened is not None else talk.settings.model or "",
                indexes=talk.assistant.grounding.names,
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
        if isinstance(error, BaseException) and self._app.is_running and not self._app.is_done:
            self._app.exit(exception=error)

    def _end(self, number: int) -> None:
        self._ended_by = number
        if self._editor is not None:
            self._editor.end()
        self.leave()

    def _continued(self) -> None:
        """The job goes on that somebody has stopped from outside: the terminal may be in another mode."""
        if self._suspended:  # by our own key: prompt_toolkit draws again
            self._suspended = False
        elif self._app.is_running and not self._app._running_in_terminal:
            raw_mode(self._environment.stdin.fileno()).__enter__()
            self._app.renderer.reset()
            self._app.invalidate()
