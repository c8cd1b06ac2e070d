"""HTML: what a browser shows, and the lines of the source it stands in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ockit.index.readers.registry import document_of


def lines(page: str) -> list[str]:
    return [line for line in document_of(page.encode(), "a.html").text.split("\n") if line]


PAGE = """<!DOCTYPE html>
<html><head><title>The &amp; title</title>
<style>p { color: red }</style><script>var hidden = "<p>";</script></head>
<body><nav><a href=/>menu</a></nav>
<h1>Top <em>of</em>
 all</h1>
<p>A paragraph of <b>two</b>
lines.</p><p>Next &lt;one&gt;&nbsp;here</p>
<table><thead><tr><th>name<th>age</tr></thead><tr><td>Ann<td>7</table>
<h2>Code¶</h2>
<pre>def f():
    return 1

done</pre>
<ul><li>first<li>second<ol><li>inner</ol></ul>
<p>see <img src=x alt="a picture"> there<br>broken
"""


def test_a_page():
    document = document_of(PAGE.encode(), "a.html")
    assert document.title == "The & title"
    assert document.has_lines
    assert document.line_numbers is not None
    numbered = [
        pair for pair in zip(document.text.split("\n"), document.line_numbers, strict=False) if pair[0]
    ]
    assert numbered == [
        ("Top of all", 5),
        ("A paragraph of two", 7),
        ("lines.", 8),
        ("Next <one> here", 8),
        ("name | age", 9),
        ("Ann | 7", 9),
        ("Code", 10),
        ("def f():", 11),
        ("    return 1", 12),
        ("done", 14),
        ("- first", 15),
        ("- second", 15),
        ("- inner", 15),
        ("see a picture there", 16),
        ("broken", 16),
    ]
    marks = [(mark.level, mark.title, document.text[mark.start :].split("\n")[0]) for mark in document.marks]
    assert marks == [(1, "Top of all", "Top of all"), (2, "Code", "Code")]


def test_paragraphs_are_kept_apart():
    assert document_of(b"<p>a<p>b<div>c</div>d", "a.html").text == "a\n\nb\n\nc\n\nd\n"


def test_what_is_not_shown():
    assert lines("a<template>b</template><svg><text>c</text></svg><noscript>d</noscript>e") == ["ae"]
    assert lines("<script/><p>an empty script of XHTML") == ["an empty script of XHTML"]
    assert lines("<p>1<nav>2<nav>3</nav>4</nav>5") == ["15"]


def test_a_navigation_that_never_ends_is_shown():
    assert lines("<nav>menu<p>page") == ["menu", "page"]


def test_charsets():
    assert lines("<p>naïve") == ["naïve"]
    page = "<meta charset='iso-8859-5'><p>Привет".encode("iso-8859-5")
    assert document_of(page, "a.html").text == "Привет\n"
    declared = '<?xml version="1.0" encoding="koi8-r"?><p>Привет'.encode("koi8-r")
    assert document_of(declared, "a.xhtml").text == "Привет\n"


@given(
    st.lists(
        st.sampled_from(
            "word <p> </p> <b> <h1> </h1> <pre> </pre> <tr> <td> <li> <nav> <!-- -- & ; \n < > '".split(" ")
        )
    )
)
def test_every_line_has_its_line(pieces: list[str]):
    page = "".join(pieces)
    document = document_of(page.encode(), "a.html")
    assert document.line_numbers is not None
    assert len(document.line_numbers) == document.text.count("\n")
    assert list(document.line_numbers) == sorted(document.line_numbers)
    source = page.split("\n")
    for line, number in zip(document.text.split("\n"), document.line_numbers, strict=False):
        if line.startswith("word"):
            assert "word" in "\n".join(source[number - 1 :])
    assert page.count("word") >= document.text.count("word")
