"""Markdown and reStructuredText: the headings; the text is the file's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ockit.documents import Document
from ockit.index.readers.registry import document_of


def outline(document: Document) -> list[tuple[int, str, int]]:
    """Level, title and line of each mark."""
    return [(mark.level, mark.title, document.text.count("\n", 0, mark.start) + 1) for mark in document.marks]


def markdown(text: str) -> list[tuple[int, str, int]]:
    return outline(document_of(text.encode(), "a.md"))


def rst(text: str) -> list[tuple[int, str, int]]:
    return outline(document_of(text.encode(), "a.rst"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# One\n## Two ##\n###### Six", [(1, "One", 1), (2, "Two", 2), (6, "Six", 3)]),
        ("# a # b #c#\n# d ##  \n## ##", [(1, "a # b #c#", 1), (1, "d", 2)]),
        ("#no\n####### seven\n    # code\n#\n", []),
        ("   # Three blanks", [(1, "Three blanks", 1)]),
        ("# `code` and **bold** [link](http://x) {#id}", [(1, "code and bold link", 1)]),
        ("# snake_case_name", [(1, "snake_case_name", 1)]),
        ("Title\n=====\n\nSub\n---\ntext", [(1, "Title", 1), (2, "Sub", 4)]),
        ("a paragraph\nof two lines\n---\n", []),
        ("- item\n---\n\n> quote\n---\n\na | b\n--|--\n1 | 2\n", []),
        ("```\n# no\n```\n# yes\n~~~py\n# no\n~~~~\n# yes", [(1, "yes", 4), (1, "yes", 8)]),
        ("````\n```\n# no\n````\n# yes", [(1, "yes", 5)]),
        ("``` one line `x` ```\n# yes", [(1, "yes", 2)]),
        ("text\n\n---\n\n# yes", [(1, "yes", 5)]),
    ],
)
def test_markdown_headings(text: str, expected: list[tuple[int, str, int]]):
    assert markdown(text) == expected


def test_front_matter():
    document = document_of(b'---\ntags: [a]\ntitle: "A: b"\n---\n# Head\n', "a.md")
    assert document.title == "A: b"
    assert outline(document) == [(1, "Head", 5)]
    assert document_of(b"+++\ntitle = 'T'\n+++\n", "a.md").title == "T"
    assert document_of(b"# Head\n", "a.md").title == "Head"
    assert document_of(b"no title\n", "a.md").title == ""


def test_rst_sections():
    text = "====\nName\n====\n\nPart\n----\n\nwords\n\nInner ``x``\n~~~~~~~~~~~~~~~~\n\nPart 2\n------\n"
    assert rst(text) == [(1, "Name", 2), (2, "Part", 5), (3, "Inner x", 10), (2, "Part 2", 13)]


@pytest.mark.parametrize(
    "text",
    [
        "words\n\n====\n\nwords\n",  # a transition
        "=====  =====\ncol    col\n=====  =====\n",
        "a long title\n---\n",
        "  quoted\n--------\n",
        "two lines\nof words\n--------\n",
    ],
)
def test_what_is_no_rst_section(text: str):
    assert rst(text) == []


@pytest.mark.parametrize("unit", [" ", "#", "# ", "`", "*", "[", "](", "~", "= ", "| "])
@pytest.mark.timeout(20)
def test_long_lines_take_linear_time(unit: str):
    for name in ("a.md", "a.rst"):
        for text in (f"# {unit * 500_000}x\n", f"{unit * 500_000}\n===\n", f"{unit * 20}\n---\n" * 20_000):
            assert document_of(text.encode(), name).text == text


@given(st.text(st.sampled_from("ab \n#=-~`*>|[]()\t1.")), st.sampled_from(["a.md", "a.rst"]))
def test_marks_ascend_and_begin_lines(text: str, name: str):
    document = document_of(text.encode(), name)
    assert document.text.removesuffix("\n") == text.removesuffix("\n")
    starts = [mark.start for mark in document.marks]
    assert starts == sorted(set(starts))
    assert all(start == 0 or document.text[start - 1] == "\n" for start in starts)
    assert all(mark.title and mark.level >= 1 for mark in document.marks)
