"""Office documents: text, headings, lists, tables, slides, sheets, and what is not shown."""

from __future__ import annotations

from datetime import date, datetime, time
from io import BytesIO

import pytest

import made_documents as made
from ockit.documents import Document
from ockit.index.readers.registry import document_of


def outline(document: Document) -> list[tuple[int, str, str]]:
    """Level, title and the line of each mark."""
    return [(m.level, m.title, document.text[m.start :].split("\n")[0]) for m in document.marks]


def test_docx():
    body = (
        made.docx_paragraph("Report", "berschrift1")
        + made.docx_paragraph("Words\twith a tab,\na break & <signs>.")
        + made.docx_paragraph("Details", "Own")
        + made.docx_paragraph("first", settings="<w:numPr/>")
        + made.docx_paragraph("second", settings='<w:tabs><w:tab w:val="left"/></w:tabs><w:numPr/>')
        + made.docx_table([["name", "age"], ["Ann", ""], ["", ""]])
        + "<w:p><w:r><w:t>kept</w:t></w:r><w:del><w:r><w:t>gone</w:t></w:r></w:del><w:r><w:delText>gone</w:delText>"
        "</w:r></w:p>" + made.docx_paragraph("Outlined", settings='<w:outlineLvl w:val="2"/>')
    )
    document = document_of(made.docx(body, title="The title"), "a.docx")
    assert document.text == (
        "Report\n\nWords\twith a tab,\na break & <signs>.\n\nDetails\n\n- first\n- second\n\n"
        "name | age\nAnn | \n\nkept\n\nOutlined\n\nA footnote.\n\n"
    )
    assert outline(document) == [
        (1, "Report", "Report"),
        (2, "Details", "Details"),
        (3, "Outlined", "Outlined"),
    ]
    assert (document.title, document.kind, document.has_lines) == ("The title", "docx", False)


def test_docx_tables_in_tables_and_text_boxes():
    inner = made.docx_table([["in", "side"]])
    table = f"<w:tbl><w:tr><w:tc>{made.docx_paragraph('out')}{inner}</w:tc></w:tr></w:tbl>"
    inside = f"<w:txbxContent>{made.docx_paragraph('box')}</w:txbxContent>"
    box = f"<w:p><w:r><w:t>around </w:t>{inside}<w:t>it</w:t></w:r></w:p>"
    assert document_of(made.docx(table + box), "a.docx").text.startswith(
        "out in | side\n\nbox\n\naround it\n"
    )


def test_a_docx_without_properties_is_called_by_its_heading():
    assert document_of(made.docx(made.docx_paragraph("Head", "berschrift1")), "a.docx").title == "Head"


def test_odt():
    body = (
        '<text:h text:outline-level="2">A <text:span>head</text:span></text:h>'
        "<text:p>one<text:tab/>two<text:s text:c='3'/>three<text:line-break/>four</text:p>"
        "<text:list><text:list-item><text:p>item</text:p></text:list-item></text:list>"
        "<table:table><table:table-row><table:table-cell><text:p>a</text:p></table:table-cell>"
        "<table:table-cell><text:p>b</text:p></table:table-cell></table:table-row></table:table>"
        "<office:annotation><text:p>a remark</text:p></office:annotation>"
    )
    document = document_of(made.odt(body, "Named"), "a.odt")
    assert document.text == "A head\n\none\ttwo   three\nfour\n\n- item\n\na | b\n"
    assert outline(document) == [(2, "A head", "A head")]
    assert document.title == "Named"


def test_pptx_slides_are_pages_in_the_order_shown():
    table = (
        "<p:graphicFrame><a:tbl><a:tr><a:tc><a:p><a:r><a:t>x</a:t></a:r></a:p></a:tc>"
        "<a:tc><a:p><a:r><a:t>y</a:t></a:r></a:p></a:tc></a:tr></a:tbl></p:graphicFrame>"
    )
    slides = [
        made.pptx_shape(["point", "another"])
        + made.pptx_shape(["The start"], "title")
        + made.pptx_shape(["9"], "sldNum"),
        made.pptx_shape(["Numbers"], "ctrTitle") + table,
    ]
    document = document_of(made.pptx(slides, {2: "say this"}), "a.pptx")
    first, second = (document.text[start:] for start in document.page_starts)
    assert first.startswith("The start\n\npoint\nanother\n\n")
    assert second == "Numbers\n\nx | y\n\nNotes: say this\n\n"
    assert outline(document) == [(1, "The start", "The start"), (1, "Numbers", "Numbers")]
    assert document.title == "The start"


def test_xlsx_as_openpyxl_writes_it():
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Orders"
    sheet.append(["item", "sold on", "at", "price", "paid", "when"])
    sheet.append(["bolt", date(2024, 2, 29), time(13, 5), 0.1 + 0.2, True, datetime(2024, 5, 1, 9, 30)])  # noqa: DTZ001
    sheet["H4"] = "far"
    sheet["A5"] = 45000
    other = book.create_sheet("Notes")
    other["A1"] = "several\nlines"
    book.create_sheet("Empty")
    data = BytesIO()
    book.save(data)
    document = document_of(data.getvalue(), "a.xlsx")
    assert document.text == (
        "Orders\n\nitem | sold on | at | price | paid | when\n"
        "bolt | 2024-02-29 | 13:05 | 0.3 | TRUE | 2024-05-01 09:30\n"
        " |  |  |  |  |  |  | far\n45000\n\nNotes\n\nseveral lines\n\nEmpty\n\n"
    )
    assert [(mark.level, mark.title) for mark in document.marks] == [
        (1, "Orders"),
        (2, "columns: item, sold on, at, price, paid, when"),
        (1, "Notes"),
        (1, "Empty"),
    ]


def test_xlsx_inline_strings_and_errors():
    rows = (
        '<row><c t="inlineStr" r="A1"><is><r><t>rich </t></r><r><t>text</t></r></is></c>'
        '<c t="e" r="B1"><v>#REF!</v></c><c t="str" r="C1"><f>A1</f><v>result</v></c><c r="D1"/></row>'
    )
    assert "rich text | #REF! | result\n" in document_of(made.xlsx(rows), "a.xlsx").text
