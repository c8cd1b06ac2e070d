"""Tables, JSON and notebooks: lines that are the file's, headers, cells."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import made_documents as made
from ockit.index.chunks import chunk_document
from ockit.index.readers.reading import ReadingFailed
from ockit.index.readers.registry import document_of


@pytest.mark.parametrize(
    ("name", "text", "columns"),
    [
        ("a.csv", "id,name,price\n1,x,2\n", "columns: id, name, price"),
        ("a.csv", "id;name\n1;x\n", "columns: id, name"),
        ("a.tsv", "id, of it\tname\n", "columns: id, of it, name"),
        ("a.csv", '"first, name","last\nname",\n', "columns: first, name, last name"),
        ("a.csv", "1,2,3\n4,5,6\n", ""),
        ("a.csv", "same,same\n", ""),
        ("a.csv", "one column\nof words\n", ""),
        ("a.csv", "", ""),
    ],
)
def test_the_header_of_a_table(name: str, text: str, columns: str):
    document = document_of(text.encode(), name)
    assert document.text == text
    assert [mark.title for mark in document.marks] == ([columns] if columns else [])


def test_a_chunk_in_the_middle_knows_the_columns():
    rows = "".join(f"{number},item number {number},{number * 3}\n" for number in range(500))
    chunks = chunk_document(document_of(f"id,name,price\n{rows}".encode(), "a.csv"), "a.csv")
    assert len(chunks) > 5
    assert all("columns: id, name, price" in chunk.heading for chunk in chunks)
    middle = chunks[len(chunks) // 2]
    assert f"\n{middle.text}".startswith(f"\n{middle.start_line - 2},item")


def test_json_with_lines_is_as_it_stands():
    text = '{\n  "a": [1,\n 2]\n}\n'
    document = document_of(text.encode(), "a.json")
    assert (document.text, document.has_lines, document.line_numbers) == (text, True, None)


def test_json_without_lines_is_laid_out():
    value = {"words": ["ü" * 40] * 100, "odd": "\ud800"}
    document = document_of(json.dumps(value).encode(), "a.json")
    assert not document.has_lines
    assert document.text.count("\n") > 100
    assert json.loads(document.text)["words"] == value["words"]


def test_json_too_deep_or_damaged_is_text():
    for data in (b"[" * 50_000, b'{"a": "' + b"x" * 5000):
        document = document_of(data, "a.json")
        assert document.text == data.decode() + "\n"
        assert "could not be laid out" in document.notices[0]


def test_a_notebook_has_the_lines_of_its_file():
    data = made.notebook(
        made.markdown_cell("# A study\n\nof *things*"),
        made.code_cell(
            "import os\n\nprint('ü \"q\"')\n",
            {"output_type": "stream", "name": "stdout", "text": ["\x1b[31mü\x1b[0m\n", "two\n"]},
            {"output_type": "execute_result", "data": {"image/png": "AAAA", "text/plain": ["array([1])"]}},
            {"output_type": "error", "ename": "E", "evalue": "went wrong", "traceback": ["\x1b[0m long"]},
        ),
        made.markdown_cell("## End"),
    )
    document = document_of(data, "a.ipynb")
    assert document.text == (
        "# A study\n\nof *things*\n\nimport os\n\nprint('ü \"q\"')\n\nü\ntwo\narray([1])went wrong\n\n## End\n"
    )
    assert [(mark.level, mark.title) for mark in document.marks] == [(1, "A study"), (2, "End")]
    assert document.title == "A study"
    source = data.decode().split("\n")
    assert document.line_numbers is not None
    found = dict(zip(document.text.split("\n"), document.line_numbers, strict=False))
    for line in ("# A study", "of *things*", "import os", "print('ü \"q\"')", "## End"):
        assert json.dumps(line, ensure_ascii=False)[1:-1] in source[found[line] - 1]
    assert list(document.line_numbers) == sorted(document.line_numbers)


def test_a_notebook_of_version_3_and_one_on_a_single_line():
    old = {
        "worksheets": [{"cells": [{"cell_type": "code", "input": ["x = 1"], "outputs": [{"text": ["1"]}]}]}]
    }
    assert document_of(json.dumps(old).encode(), "a.ipynb").text == "x = 1\n\n1\n"
    flat = made.notebook(made.code_cell("a\nb"), indent=None)
    assert document_of(flat, "a.ipynb").line_numbers == (1, 1)


def test_long_outputs_are_cut_and_told():
    output = {"output_type": "stream", "text": ["x" * 99 + "\n"] * 1000}
    document = document_of(made.notebook(made.code_cell("go", output)), "a.ipynb")
    assert len(document.text) < 11_000
    assert "cut" in document.notices[0]


CELLS = st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r")), max_size=5)


@given(CELLS, st.sampled_from([1, 2, None]))
def test_notebooks_keep_their_source(sources: list[str], indent: int | None):
    cells = [
        {"cell_type": "raw", "metadata": {}, "source": source.split("\n") and [source]} for source in sources
    ]
    document = document_of(made.notebook(*cells, indent=indent), "a.ipynb")
    rest = document.text
    for source in sources:
        assert source.strip("\n") in rest
        rest = rest[rest.index(source.strip("\n")) + len(source.strip("\n")) :]


@pytest.mark.parametrize("data", [b"words", b"[]", b"{}", b'{"cells": 1', b"3"])
def test_what_is_no_notebook(data: bytes):
    with pytest.raises(ReadingFailed) as caught:
        document_of(data, "a.ipynb")
    assert caught.value.unread.reason == "damaged"
