"""The console on a pipe and on a real terminal (a pseudo-terminal): what it writes where, and what it never does."""

from __future__ import annotations

import io
import json
import os
import re
import termios
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ground.hostile import HOSTILE, unsafe
from ockit.console import Console
from ockit.environment import Environment
from ockit.errors import OckitError, StoreError, UsageError
from ockit.text import width


def piped(variables=None, encoding="utf-8", stdin=b""):
    """A console whose streams are bytes in memory: no terminal."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="") for _ in range(2))
    environment = Environment(io.BytesIO(stdin), out, err, variables or {}, Path("/"))
    return Console(environment), lambda: tuple(
        (stream.flush(), stream.buffer.getvalue().decode(encoding))[1] for stream in (out, err)
    )


@dataclass
class Terminal:
    """Both output streams, and the keyboard, on one pseudo-terminal."""

    console: Console
    keyboard: int

    def typed(self, text: bytes) -> None:
        os.write(self.keyboard, text)

    def screen(self) -> str:
        os.set_blocking(self.keyboard, False)
        shown = b""
        try:
            while piece := os.read(self.keyboard, 65536):
                shown += piece
        except BlockingIOError:
            return shown.decode().replace("\r\n", "\n")
        return shown.decode()


@pytest.fixture
def terminal() -> Iterator:
    opened = ExitStack()

    def make(size: int = 0, **variables: str) -> Terminal:
        keyboard, screen = os.openpty()
        if size:
            termios.tcsetwinsize(screen, (24, size))
            variables = {"COLUMNS": "", **variables}
        opened.callback(os.close, keyboard)
        out = opened.enter_context(os.fdopen(os.dup(screen), "w", encoding="utf-8", newline=""))
        err = opened.enter_context(os.fdopen(os.dup(screen), "w", encoding="utf-8", newline=""))
        stdin = opened.enter_context(os.fdopen(screen, "rb", buffering=0))
        environment = Environment(stdin, out, err, {"TERM": "xterm", "COLUMNS": "40", **variables}, Path("/"))
        return Terminal(Console(environment), keyboard)

    with opened:
        yield make


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_hostile_comes_out_of_any_method(name):
    hostile = f"a{HOSTILE[name]}b"
    console, written = piped()
    for char in hostile:
        console.write(char)
    console.line(hostile)
    console.line(hostile, style="bold")
    console.styled(hostile)
    console.json({"text": hostile, hostile: 1})
    console.table([hostile, "x"], [[hostile, 1]])
    console.notice(hostile)
    console.warning(hostile)
    console.error(OckitError(hostile, where=hostile, hint=hostile))
    console.flush()
    for text in written():
        assert unsafe(text.replace("\u2764\ufe0f", "")) == []


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_hostile_comes_out_on_a_terminal(name, terminal):
    hostile = f"a{HOSTILE[name]}b"
    at = terminal(NO_COLOR="1")
    at.console.write(hostile)
    at.console.line(hostile)
    at.console.table([hostile, "x"], [[hostile, 1]])
    at.console.error(OckitError(hostile, where=hostile, hint=hostile))
    with at.console.status(hostile) as status:
        status.show()
    shown = at.screen().replace("\r\x1b[K", "").replace("\u2764\ufe0f", "")
    assert unsafe(shown) == []


def test_streams_and_lines():
    console, written = piped()
    console.write("half a fam\U0001f468\u200d")
    console.line("next")
    console.line()
    console.notice("note")
    console.warning("careful")
    console.error(OckitError("it broke", where="file:3", hint="mend it"))
    assert written() == (
        "half a fam\U0001f468<U+200D>next\n\n",
        "note\nwarning: careful\nerror: it broke\n   at: file:3\n  try: mend it\n",
    )


def test_json_is_one_line_of_ascii():
    console, written = piped()

    @dataclass
    class Thing:
        path: Path
        names: frozenset[str]

    console.json({"thing": Thing(Path("/x"), frozenset("ba")), "text": "é\u202e\x7f\n"})
    (text, _) = written()
    assert text.isascii()
    assert text.count("\n") == 1
    assert "\x7f" not in text
    assert json.loads(text) == {"thing": {"path": "/x", "names": ["a", "b"]}, "text": "é\u202e\x7f\n"}


def test_a_table_for_programs():
    console, written = piped()
    console.table(("NAME", "N"), [("tab\there", 1), ("line\nbreak\r", None), ("back\\slash", 2.5)])
    assert written()[0] == "NAME\tN\ntab\\there\t1\nline\\nbreak\\r\t\nback\\\\slash\t2.5\n"


def test_a_table_for_people(terminal):
    at = terminal(NO_COLOR="1")
    at.console.table(("NAME", "SIZE", "NOTE"), [("你好", 5, "x" * 60), ("plain", 12345, "short")])
    assert at.screen() == (
        "NAME    SIZE  NOTE\n"
        f"你好       5  {'x' * 25}…\n"
        "plain  12345  short\n"
    )  # fmt: skip


def test_an_empty_table_is_its_heading(terminal):
    at = terminal(NO_COLOR="1")
    at.console.table(("NAME", "SIZE"), [])
    assert at.screen() == "NAME  SIZE\n"


CHATS = ("ID", "USED", "MESSAGES", "MODEL", "TITLE")
CHAT = ("01JD2A3B4C5D6E7F", "2 minutes ago", 12345, "smollm2-135m-instruct", "The whale and the sea " * 4)


@pytest.mark.parametrize("columns", range(20, 120))
def test_a_row_is_one_line_however_narrow(terminal, columns):
    for optional in ((), (3, 1, 2)):
        at = terminal(columns, NO_COLOR="1")
        at.console.table(CHATS, [CHAT, ("x", None, 1, "日本語" * 9, "é")], optional=optional)
        rows = at.screen().splitlines()
        assert len(rows) == 3
        assert max(map(width, rows)) <= columns
        if columns > 40:  # half a number says something else
            assert "12345" in rows[1] or "MESSAGES" not in rows[0]


def test_what_is_optional_goes_in_its_order_and_only_where_it_must(terminal):
    for columns, headings in (
        (60, ["ID", "USED", "MESSAGES", "MODEL", "TITLE"]),
        (48, ["ID", "USED", "MESSAGES", "MODEL", "TITLE"]),
        (47, ["ID", "USED", "MESSAGES", "TITLE"]),
        (37, ["ID", "MESSAGES", "TITLE"]),
        (27, ["ID", "TITLE"]),
        (20, ["ID", "TITLE"]),
    ):
        at = terminal(columns, NO_COLOR="1")
        at.console.table(CHATS, [CHAT], optional=(3, 1, 2))
        assert at.screen().splitlines()[0].split() == headings
    console, written = piped()
    console.table(("A", "B"), [("a", "b" * 100)], optional=(1,))
    assert written()[0] == f"A\tB\na\t{'b' * 100}\n"


LONG = OckitError(
    "the file of the model is not whole: its table of tensors names 290 of them",
    where="/srv/someone/a directory with a long name/models/smollm2-135m-instruct.gguf",
    hint="ockit models pull smollm2 fetches it again; /somewhere/that/is/much/too/long/for/a/line is what it left",
)


def test_prose_is_broken_between_words_on_a_terminal(terminal):
    at = terminal(NO_COLOR="1")
    at.console.error(LONG)
    assert at.screen() == (
        "error: the file of the model is not\n"
        "       whole: its table of tensors names\n"
        "       290 of them\n"
        "   at: /srv/someone/a directory with a long name/models/smollm2-135m-instruct.gguf\n"
        "  try: ockit models pull smollm2 fetches\n"
        "       it again;\n"
        "/somewhere/that/is/much/too/long/for/a/line is what it left\n"
    )
    at.console.warning("größere 日本語 日本語 日本語 日本語 words")
    assert at.screen() == "warning: größere 日本語 日本語 日本語\n         日本語 words\n"
    at.console.notice(
        "  indented  as it was, with a line that is long\nand a second line that is long as well"
    )
    assert at.screen() == (
        "  indented  as it was, with a line that\n  is long\nand a second line that is long as well\n"
    )
    at.console.line("/model [NAME]  show the model, or go on with another", hang=15)
    assert at.screen() == "/model [NAME]  show the model, or go on\n               with another\n"
    at.console.line("an answer is never broken, however long it may be")
    assert at.screen() == "an answer is never broken, however long it may be\n"


def test_colour_does_not_count(terminal):
    at = terminal()
    at.console.notice("words that have a style of their own here")
    assert at.screen() == "\x1b[2mwords that have a style of their own\nhere\x1b[0m\n"


def test_prose_is_one_line_elsewhere():
    console, written = piped({"COLUMNS": "40"})
    console.error(LONG)
    console.notice("word " * 30)
    console.line("word " * 30, hang=2)
    assert written() == (
        "word " * 30 + "\n",
        f"error: {LONG.what}\n   at: {LONG.where}\n  try: {LONG.hint}\n{'word ' * 30}\n",
    )


def test_how_wide_a_line_is(terminal):
    at = terminal(33)
    assert at.console.columns == 33
    assert terminal(33, COLUMNS="50").console.columns == 50
    assert terminal().console.columns == 40
    assert piped()[0].columns == 80
    widths = [50, 60]
    environment = Environment(io.BytesIO(), io.StringIO(), io.StringIO(), {"COLUMNS": "40"}, Path("/"))
    console = Console(environment, columns=widths.pop)
    assert [console.columns, console.columns] == [60, 50]


def test_each_stream_has_its_width(terminal):
    """The answers go into a file, the notices to a narrow terminal."""
    at = terminal(30, NO_COLOR="1")
    environment = replace(at.console._environment, stdout=io.StringIO())
    Console(environment).notice("words for a terminal of 30 columns")
    assert at.screen() == "words for a terminal of 30\ncolumns\n"


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [
        ({}, True),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, True),
        ({"TERM": "dumb"}, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
    ],
)
def test_colour_on_a_terminal(terminal, variables, coloured):
    at = terminal(**variables)
    at.console.error(OckitError("it broke", hint="mend it"))
    assert ("\x1b[31merror: \x1b[0mit broke" in at.screen()) == coloured


def test_colour_elsewhere_only_when_forced():
    for variables, coloured in (({}, False), ({"FORCE_COLOR": "1"}, True)):
        console, written = piped(variables)
        console.error(OckitError("it broke"))
        assert ("\x1b[" in written()[1]) == coloured


def test_styled_lines_keep_their_styles_where_there_is_colour(terminal):
    line = "\x1b[1;36mHead\x1b[0m \x1b[2Jtext\n"
    for variables, coloured in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
        at = terminal(**variables)
        at.console.styled(line)
        head = "\x1b[1;36mHead\x1b[0m" if coloured else "Head"
        assert at.screen() == f"{head} <U+001B>[2Jtext\n"
    console, written = piped()
    console.write("half \U0001f468\u200d")
    console.styled(line)
    assert written()[0] == "half \U0001f468<U+200D>Head <U+001B>[2Jtext\n"


def test_an_ascii_stream_escapes_what_it_cannot_say():
    console, written = piped(encoding="ascii")
    console.write("Zoë 你")
    console.notice("größer")
    console.flush()
    assert written() == ("Zo\\xeb \\u4f60", "gr\\xf6\\xdfer\n")


def test_a_status_comes_late_and_goes_away(terminal):
    at = terminal(NO_COLOR="1")
    with at.console.status("loading the model"):
        assert at.screen() == ""
        deadline = time.monotonic() + 10
        shown = ""
        while "loading" not in shown and time.monotonic() < deadline:
            time.sleep(0.02)
            shown += at.screen()
        assert shown == "loading the model"
        at.console.line("answer")
        assert at.screen() == "\r\x1b[Kanswer\n"
    assert at.screen() == ""


def test_a_status_is_cleared_at_the_end_and_fits_the_line(terminal):
    at = terminal(NO_COLOR="1")
    with at.console.status("short") as status:
        status.show()
        status.update("long " * 20)
    shown = at.screen()
    assert shown.startswith("short\r\x1b[K")
    assert shown.endswith("…\r\x1b[K")
    assert len(re.split("\r\x1b\\[K", shown)[1]) == 39


def test_what_is_fast_shows_no_status(terminal):
    at = terminal()
    with at.console.status("fast"):
        pass
    assert at.screen() == ""


@pytest.mark.parametrize("variables", [{"TERM": "dumb"}, None])
def test_no_status_without_a_real_terminal(terminal, variables):
    if variables is None:
        console, written = piped()
    else:
        at = terminal(**variables)
        console, written = at.console, at.screen
    with console.status("loading"):
        time.sleep(0.5)
    assert "".join(written()) == ""


def test_a_status_never_takes_half_an_answer_with_it(terminal):
    at = terminal(NO_COLOR="1")
    at.console.write("half")
    with at.console.status("working") as status:
        status.show()
        at.console.write(" a line")
    assert at.screen() == "half a line"


def test_a_notice_does_not_stand_behind_half_an_answer(terminal):
    at = terminal(NO_COLOR="1")
    at.console.write("half")
    at.console.notice("stopped")
    assert at.screen() == "half\nstopped\n"


@pytest.mark.parametrize(
    ("answer", "yes"), [(b"y\n", True), (b"YES\n", True), (b"n\n", False), (b"\n", False), (b"\x04", False)]
)
def test_a_question_on_a_terminal(terminal, answer, yes):
    at = terminal(NO_COLOR="1")
    at.typed(answer)
    assert at.console.confirm("Remove \x1b[2Jit?") == yes
    assert "Remove <U+001B>[2Jit? [y/N] " in at.screen()


def test_a_question_without_a_terminal_is_an_error():
    console, written = piped(stdin=b"y\n")
    with pytest.raises(UsageError, match="Remove it") as caught:
        console.confirm("Remove it?")
    assert "--yes" in caught.value.hint
    assert written() == ("", "")


def test_a_line_that_is_typed(terminal):
    at = terminal(NO_COLOR="1")
    at.typed("größer\n".encode())
    assert at.console.read_line("> ") == "größer"
    console, written = piped(stdin=b"one\r\ntwo\xff")
    assert [console.read_line("> ") for _ in range(3)] == ["one", "two\ufffd", None]
    assert written() == ("", "")


def test_an_output_that_cannot_be_written_is_an_error():
    full = open("/dev/full", "w", encoding="utf-8")  # noqa: SIM115  # closing it fails as writing does
    console = Console(Environment(io.BytesIO(), full, io.StringIO(), {}, Path("/")))
    with pytest.raises(StoreError, match="No space left"):
        console.write("text")
    with pytest.raises(OSError, match="No space left"):
        full.close()
