"""The bottom of the terminal: the open end of an answer, what waits to be sent, the prompt, the completions, the bar.

Knows prompt_toolkit's containers; what they show is handed in. On a terminal of few lines the prompt comes first.
"""

from __future__ import annotations

from collections.abc import Callable

from prompt_toolkit.application import get_app
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition, is_searching
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.layout import (
    BufferControl,
    ConditionalContainer,
    Dimension,
    Float,
    FloatContainer,
    FormattedTextControl,
    HSplit,
    Layout,
    Window,
)
from prompt_toolkit.layout.menus import CompletionsMenu
from prompt_toolkit.widgets import SearchToolbar

from ockit.repl.live import RUNNING, TAIL_LINES, Live
from ockit.repl.visible import Visible

PROMPT = "> "
BUSY = f"{RUNNING} "
CONTINUED = "  "
MENU_LINES = 8


def layout(buffer: Buffer, live: Live, bar: Callable[[int], StyleAndTextTuples]) -> Layout:
    """The whole of it, the prompt having the focus."""
    search = SearchToolbar()
    search.control.input_processors = [*(search.control.input_processors or ()), Visible()]

    def size() -> tuple[int, int]:
        found = get_app().output.get_size()
        return found.rows, found.columns

    @Condition
    def roomy() -> bool:
        return size()[0] >= 6

    def tail() -> StyleAndTextTuples:
        rows, columns = size()
        lines = live.tail_lines(columns, min(TAIL_LINES, max(1, rows - 5)))
        return [("class:tail", "\n".join(lines))]

    def queued() -> StyleAndTextTuples:
        return [("class:status", "\n".join(live.queued_lines(size()[1])))]

    def prefix(line: int, wrap: int) -> StyleAndTextTuples:
        if line == 0 and wrap == 0:
            # where there is no room for the bar the prompt says that something runs
            return [("class:prompt", BUSY if live.running and not roomy() else PROMPT)]
        return [("class:continuation", CONTINUED)]

    def height() -> Dimension:
        rows, _ = size()
        if buffer.complete_state is not None and rows > MENU_LINES + 3:
            return Dimension(min=MENU_LINES + 1)
        return Dimension(min=1)

    prompt = Window(
        BufferControl(
            buffer,
            input_processors=[Visible()],
            search_buffer_control=search.control,
            preview_search=True,
        ),
        height=height,
        get_line_prefix=prefix,
        wrap_lines=True,
        dont_extend_height=True,
    )
    return Layout(
        HSplit(
            [
                ConditionalContainer(
                    Window(FormattedTextControl(tail), dont_extend_height=True),
                    roomy & Condition(lambda: bool(live.tail)),
                ),
                ConditionalContainer(
                    Window(FormattedTextControl(queued), dont_extend_height=True),
                    roomy & Condition(lambda: bool(live.queued)),
                ),
                FloatContainer(
                    prompt,
                    [
                        Float(
                            CompletionsMenu(max_height=MENU_LINES, scroll_offset=1),
                            xcursor=True,
                            ycursor=True,
                            transparent=True,
                        )
                    ],
                ),
                ConditionalContainer(search, is_searching),
                ConditionalContainer(
                    Window(
                        FormattedTextControl(lambda: bar(size()[1])),
                        style="class:bottom-toolbar",
                        height=1,
                        dont_extend_height=True,
                    ),
                    roomy & ~is_searching,
                ),
            ]
        ),
        focused_element=prompt,
    )
