"""What is invisible, or steers a terminal, is shown in the input line; cursor and text are right all the same."""

from __future__ import annotations

import io
import time

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.data_structures import Size
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.layout import BufferControl, Layout, Window
from prompt_toolkit.layout.processors import TransformationInput
from prompt_toolkit.layout.utils import explode_text_fragments
from prompt_toolkit.output.vt100 import Vt100_Output

from ground.hostile import HOSTILE, unsafe
from ockit.repl.visible import Visible
from ockit.text import marks, sanitize

ONE_LINE = st.text(
    st.sampled_from(
        "ab<>+U202E é日\t\u200b\u200c\u200d\u202e\u2066\ufe0f\u0301\x1b\r\ud800\U000e0041👩🚀🏴नक्"
    ),
    max_size=40,
)


def transformed(text, fragments=None):
    control = BufferControl(Buffer())
    given = fragments or [("class:x", text)]
    return Visible().apply_transformation(
        TransformationInput(control, Document(text), 0, lambda position: position, given, 80, 24)
    )


def shown(found):
    return "".join(fragment[1] for fragment in found.fragments)


@given(ONE_LINE)
def test_what_is_shown_is_the_safe_text(text):
    found = transformed(text)
    assert shown(found) == sanitize(text)
    stands = dict(marks(text))
    at = 0
    for position, char in enumerate(text):
        assert found.source_to_display(position) == at
        size = len(stands.get(position, char))
        for inside in range(at, at + size):
            assert found.display_to_source(inside) == position
        at += size
    for behind in range(3):
        assert found.source_to_display(len(text) + behind) == at + behind
        assert found.display_to_source(at + behind) == len(text) + behind


@given(ONE_LINE)
def test_styles_stay_where_they_are(text):
    pieces = explode_text_fragments([("", text)])
    styled = [("even" if number % 2 else "odd", piece[1]) for number, piece in enumerate(pieces)]
    found = transformed(text, styled or None)
    assert shown(found) == sanitize(text)
    stands = dict(marks(text))
    assert [fragment for fragment in found.fragments if text] == [
        (style, stands.get(number, char)) for number, (style, char) in enumerate(styled)
    ]


def test_joiners_inside_graphemes_stay():
    for text in (
        "👩‍🚀",
        "نمی‌خواهم",
        "❤️",
        "क्‍ष",
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    ):
        assert shown(transformed(text)) == text


def drawn(text, keys="", columns=80):
    """The screen, the cursor's column and the text of a real input line after some keys."""
    sent = io.StringIO()
    output = Vt100_Output(sent, lambda: Size(rows=10, columns=columns), term="xterm", enable_cpr=False)
    buffer = Buffer(document=Document(text))
    control = BufferControl(buffer, input_processors=[Visible()])
    bindings = KeyBindings()
    with create_pipe_input() as keyboard:
        layout = Layout(Window(control, wrap_lines=True))
        app = Application(layout, key_bindings=bindings, input=keyboard, output=output)

        @bindings.add("c-q")
        def look(event):
            app._redraw()
            app.exit(sent.getvalue())

        keyboard.send_text(f"{keys}\x11")
        raw = app.run()
    screen = pyte.Screen(columns, 10)
    pyte.Stream(screen).feed(raw.replace("\n", "\r\n"))
    return screen, buffer.text, raw


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_hostile_is_drawn(name):
    text = f"a{HOSTILE[name]}b".replace("\n", "").replace("\x1b", "").replace("\r", "")
    _, kept, raw = drawn(text)
    assert kept == text
    assert unsafe(raw.replace("\x1b", "").replace("\r", "").replace("\u2764\ufe0f", "")) == []


def test_the_cursor_stands_right_and_the_text_is_the_persons():
    left = "\x1b[D"
    screen, text, _ = drawn("ab\u202ecd")
    assert screen.display[0].rstrip() == "ab<U+202E>cd"
    assert screen.cursor.x == len("ab<U+202E>cd")
    for times, column in ((2, 10), (3, 2), (4, 1)):
        screen, _, _ = drawn("ab\u202ecd", left * times)
        assert screen.cursor.x == column
    screen, text, _ = drawn("ab\u202ecd", left * 2 + "x")
    assert text == "ab\u202excd"
    screen, text, _ = drawn("ab\u202ecd", left * 2 + "\x7f")
    assert text == "abcd"
    assert screen.display[0].rstrip() == "abcd"


def test_a_mark_wraps_like_other_text():
    screen, _, _ = drawn("x" * 16 + "\u200b\u200b", columns=20)
    assert [row.rstrip() for row in screen.display[:2]] == ["x" * 16 + "<U+2", "00B><U+200B>"]


def test_long_lines_cost_little():
    for text in ("word " * 200_000, "größer 日本 " * 100_000):
        started = time.perf_counter()
        found = transformed(text)
        assert shown(found) == text
        assert time.perf_counter() - started < 2  # about 0.01 on a machine that does nothing else
    started = time.perf_counter()
    assert len(shown(transformed("\u200b" * 100_000))) == 800_000
    assert time.perf_counter() - started < 5  # about 0.2
