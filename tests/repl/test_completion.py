"""What Tab offers, over real directories."""

from __future__ import annotations

import asyncio
import os
import threading
import time

import pytest
from prompt_toolkit.completion import CompleteEvent, ThreadedCompleter
from prompt_toolkit.document import Document

from ockit.errors import StoreError
from ockit.repl.completion import ChatCompleter
from ockit.repl.listing import Listing, entries
from ockit.repl.mentions import mentions

COMMANDS = [
    ("help", "list the commands"),
    ("/model", "switch the model"),
    ("models", "list"),
    ("file", "add a file"),
    ("broken", ""),
]


def arguments(command, typed):
    if command == "broken":
        raise StoreError("the database is gone")
    values = {"model": [("small", "135M"), ("small model:q4", "Q4_1"), ("esc\x1b[2J", "x")]}
    return [(value, remark) for value, remark in values.get(command, []) if value.startswith(typed)]


@pytest.fixture
def folder(tmp_path):
    for name in ("notes.md", "my file.md", 'say "hi" x', "nothing", ".hidden", "größe.txt"):
        (tmp_path / name).write_text("")
    (tmp_path / "src" / "deep dir").mkdir(parents=True)
    (tmp_path / "src" / "main.py").write_text("")
    (tmp_path / "src" / "deep dir" / "x.py").write_text("")
    return tmp_path


@pytest.fixture
def completer(folder):
    return ChatCompleter(COMMANDS, arguments, folder, no_bug)


def no_bug(error):
    raise AssertionError("the completion failed") from error


def offered(completer, text, cursor=None):
    """The whole input as it is after each completion."""
    document = Document(text, len(text) if cursor is None else cursor)
    before, after = document.text_before_cursor, document.text_after_cursor
    return [
        before[: len(before) + found.start_position] + found.text + after
        for found in completer.get_completions(document, CompleteEvent(completion_requested=True))
    ]


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("/", ["/help", "/model", "/models", "/file", "/broken"]),
        ("/mo", ["/model", "/models"]),
        ("/MO", ["/model", "/models"]),
        ("/help", ["/help"]),
        ("/model ", ["/model small", "/model small model:q4"]),
        ("/model small m", ["/model small model:q4"]),
        ("/model  s", ["/model  small", "/model  small model:q4"]),
        ("/file no", ["/file notes.md", "/file nothing"]),
        ("/file my", ['/file "my file.md"']),
        ("/file src/", ['/file "src/deep dir/', "/file src/main.py"]),
        ('/file "src/deep dir/', ['/file "src/deep dir/x.py"']),
        ("see @no", ["see @notes.md", "see @nothing"]),
        ("@src/m", ["@src/main.py"]),
        ("@./s", ['@"./say \\"hi\\" x"', "@./src/"]),
        ("@my", ['@"my file.md"']),
        ('@"my f', ['@"my file.md"']),
        ('@"say \\"h', ['@"say \\"hi\\" x"']),
        ('@"sr', ['@"src/']),
        ("@gr", ["@größe.txt"]),
        ("@.h", ["@.hidden"]),
        ('x\n@"my file.md" and @not', ['x\n@"my file.md" and @notes.md', 'x\n@"my file.md" and @nothing']),
        ('"""\n/mo\nsee @note', ['"""\n/mo\nsee @notes.md']),
        ("//model @note", ["//model @notes.md"]),
    ],
)
def test_offers(completer, text, after):
    assert offered(completer, text) == after


@pytest.mark.parametrize(
    "text",
    [
        "", "hello", "//", "//mo", " /mo", "x /mo", "/nope ", "/nope", "/help x", "a\n/mo", '"""/mo',
        '"""\n/mo', "a@no", "mail me@notes", "/model @no", "/system a\n@no", "@nowhere/x", "@notes.md/x", "@no\0",
        "@" + "a/" * 4000,
        '@"my file.md"', "(@no", "/broken x", "/file ~nobody-of-that-name/", "@\udcc3",
    ],
)  # fmt: skip
def test_offers_nothing(completer, text):
    assert offered(completer, text) == []


def test_all_but_hidden_ones_behind_a_lone_at(completer):
    names = [text[1:] for text in offered(completer, "@")]
    assert names == ["größe.txt", '"my file.md"', "notes.md", "nothing", '"say \\"hi\\" x"', "src/"]


def test_home(completer, folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder / "src"))
    assert offered(completer, "@~") == ["@~/"]
    assert offered(completer, "@~/m") == ["@~/main.py"]
    assert offered(completer, "/export ~/m") == ["/export ~/main.py"]


def test_what_stands_behind_the_cursor_stays(completer):
    assert offered(completer, "see @note and more", 9) == ["see @notes.md and more"]


def test_summaries_and_remarks_are_shown_safely(folder):
    completer = ChatCompleter([("a", "x\x1b[31m")], lambda *_: [("v", "\u202eevil")], folder, no_bug)
    for text, shown in (("/", "x<U+001B>[31m"), ("/a ", "<U+202E>evil")):
        (found,) = completer.get_completions(Document(text), CompleteEvent())
        assert found.display_meta_text == shown


def test_names_that_a_terminal_cannot_show_are_left_out(tmp_path):
    for name in (b"esc\x1b]0;x\x07", b"new\nline", b"\xff\xfe", "bidi\u202e".encode(), b"del\x7f", b"fine"):
        (tmp_path / os.fsdecode(name)).write_text("")
    assert entries(str(tmp_path), "") == ["fine"]


def test_links_are_what_they_lead_to(folder):
    (folder / "l1").symlink_to("src")
    (folder / "l2").symlink_to("nowhere")
    (folder / "l3").symlink_to("l3")
    assert entries(str(folder), "l") == ["l1/", "l2", "l3"]


def test_every_file_that_is_offered_can_be_mentioned(completer, folder):
    for text in offered(completer, "@") + offered(completer, "@src/") + offered(completer, '@"src/deep dir/'):
        if not text.endswith("/"):
            assert len(mentions(f"see {text}.", folder).files) == 1, text


def test_fifty_thousand_files(tmp_path):
    for number in range(50_000):
        os.close(os.open(tmp_path / f"file {number:05}", os.O_CREAT))
    completer = ChatCompleter([], arguments, tmp_path, no_bug)
    started = time.perf_counter()
    found = offered(completer, "@")
    took = time.perf_counter() - started
    assert took < 3  # 0.1 s on a machine that does nothing else
    assert found in (
        [],
        [f'@"file {number:05}"' for number in range(200)],
    )  # nothing where it took over 0.5 s
    assert entries(str(tmp_path), "file 4999") == [f"file {number}" for number in range(49990, 50_000)]


def test_a_directory_that_does_not_answer_holds_nobody(tmp_path):
    """A dead network drive holds whoever reads it; here an event does."""
    answer, asked = threading.Event(), []

    def ask(directory, prefix):
        asked.append(directory)
        if "dead" in directory:
            answer.wait(60)
        return entries(directory, prefix)

    listing = Listing(ask, seconds=0.1)
    (tmp_path / "fine").write_text("")
    for _ in range(3):
        started = time.perf_counter()
        assert listing("/dead/0", "") == []
        assert time.perf_counter() - started < 2
    assert asked == ["/dead/0"]  # it is not asked again while it hangs
    assert listing(str(tmp_path), "") == ["fine"]
    for number in range(10):
        assert listing(f"/dead/{number}", "") == []
    assert len(asked) == 5  # four that hang, and the one that answers
    assert listing(str(tmp_path), "") == []
    answer.set()
    deadline = time.monotonic() + 30
    while listing(str(tmp_path), "") != ["fine"] and time.monotonic() < deadline:
        time.sleep(0.01)
    assert listing(str(tmp_path), "") == ["fine"]


@pytest.mark.parametrize(
    "text",
    ["@~nosuchuser/x", "@~no\0body/x", "@~\ud800/", "/file ~nosuchuser/", "@a\0b/c", "@" + "x/" * 3000],
)
def test_what_can_be_no_path_has_no_completions(completer, text):
    assert offered(completer, text) == []


def test_an_argument_that_cannot_be_read_has_none(folder):
    def unreadable(*_):
        yield "first", ""
        raise PermissionError("the directory")

    assert offered(ChatCompleter([("a", "")], unreadable, folder, no_bug), "/a ") == []


def test_a_bug_is_told_once_and_the_input_goes_on(folder):
    told = []

    def bug(name, typed):
        raise KeyError(typed)

    completer = ChatCompleter([("a", ""), ("ab", "")], bug, folder, told.append)
    for _ in range(2):
        for text in ("/a ", "/a x", "/ab x"):
            assert offered(completer, text) == []
    assert list(map(repr, told)) == ["KeyError('')"]
    assert offered(completer, "/a") == ["/a", "/ab"]


def test_in_a_thread_of_prompt_toolkit(completer):
    async def found():
        threaded = ThreadedCompleter(completer)
        return [
            text.text async for text in threaded.get_completions_async(Document("@src/m"), CompleteEvent())
        ]

    assert asyncio.run(found()) == ["src/main.py"]
