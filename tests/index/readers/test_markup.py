"""HTML's tags and words: every form of them, and no page that takes long."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ockit.index.readers.markup import markup
from ockit.index.readers.registry import document_of


def events(text: str) -> list[tuple[object, ...]]:
    return [(event.what, event.name) for event in markup(text)]


def test_every_form():
    page = (
        "a<B Class='x &amp; y' class=2 checked data-a=\"1>2\">b</b ><br/><img alt=z/>\n<!-- <i> --><!-->c"
        "<![CDATA[<d>]]><?php e ?><!DOCTYPE f>< g <1 </>h&lt;<script>'<p>' </scriptx></SCRIPT>"
    )
    found = list(markup(page))
    assert [(event.what, event.name) for event in found if event.what != "text"] == [
        ("start", "b"), ("end", "b"), ("empty", "br"), ("start", "img"), ("start", "script"), ("end", "script"),
    ]  # fmt: skip
    words = "".join(event.name for event in found if event.what == "text")
    assert words == "ab\nc<d>< g <1 h<"
    assert found[1].attributes == {"class": "x & y", "checked": "", "data-a": "1>2"}
    assert next(event for event in found if event.name == "img").attributes == {"alt": "z/"}
    assert [event.line for event in found if event.name in ("b", "c", "script")] == [1, 1, 1, 2, 2, 2]


def test_what_is_never_closed_is_words():
    assert events("a<!-- b <p>c") == [
        ("text", "a"),
        ("text", "<!--"),
        ("text", " b "),
        ("start", "p"),
        ("text", "c"),
    ]
    assert events("a<b c='d") == [("text", "a"), ("text", "<b c='d")]
    assert events("a</b") == [("text", "a"), ("text", "</b")]
    assert events("<![CDATA[a<p>") == [("text", "<![CDATA["), ("text", "a"), ("start", "p")]
    assert events("<script>a<p>") == [("start", "script")]
    assert events("&#" + "9" * 5000 + ";")[0][0] == "text"


HOSTILE = (
    *(
        "<!--",
        "<!--x>",
        "<a ",
        "<a x='",
        '<a x="',
        "<![CDATA[",
        "<![CDATA[>",
        "<!",
        "<?",
        "</",
        "</a",
        "<",
        "<a",
        "&",
    ),
    *(
        "<a b=c ",
        "<a =",
        "<script>",
        "<style ",
        "<!-->--",
        "--!>",
        "<a/",
        "<a\n",
        "]]>",
        "<b>",
        "</b>",
        "<h1>",
        "<nav>",
    ),
    *("<td>", "<title>", "<pre>", "<svg>", "&#", "&am", "<!--->", "<p '>"),
)


@pytest.mark.parametrize("end", ["", ">", "'>", "-->"])
def test_no_page_takes_long(end: str):
    for piece in HOSTILE:
        text = piece * 100_000 + end
        started = time.monotonic()
        document_of(text.encode(), "a.html")
        assert time.monotonic() - started < 5, piece


@given(st.lists(st.sampled_from([*HOSTILE, "word", "\n", '"', ">", "=", "&lt;"])).map("".join))
def test_any_page_is_read_to_its_end(text: str):
    lines = [event.line for event in markup(text)]
    assert lines == sorted(lines)
    assert all(1 <= line <= text.count("\n") + 1 for line in lines)
    if "<" not in text:
        assert "".join(event.name for event in markup(text.replace("&", ""))) == text.replace("&", "")
