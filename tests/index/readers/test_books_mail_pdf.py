"""E-books, mail and PDF: order, titles, pages, encodings, attachments."""

from __future__ import annotations

import pytest

import made_documents as made
from ockit.documents import Document
from ockit.index.chunks import chunk_document
from ockit.index.readers.reading import ReadingFailed
from ockit.index.readers.registry import document_of


def outline(document: Document) -> list[tuple[int, str, str]]:
    return [(m.level, m.title, document.text[m.start :].split("\n")[0]) for m in document.marks]


def test_epub_chapters_in_reading_order():
    chapters = {
        "a b.xhtml": "<html><head><title>x</title></head><body><h1>One</h1><p>first words</p></body></html>",
        "two.xhtml": "<p>a chapter without a heading</p>",
        "missing.xhtml": "",
    }
    contents = "<li><a href='a%20b.xhtml'>I</a></li><li><a href='two.xhtml#p1'>The <i>second</i></a></li>"
    data = made.epub(chapters, title="A book", contents=contents)
    document = document_of(data, "a.epub")
    assert document.title == "A book"
    assert document.text == "One\n\nfirst words\n\na chapter without a heading\n\n"
    assert outline(document) == [(1, "One", "One"), (1, "The second", "a chapter without a heading")]
    assert not document.has_lines


def test_epub_2_table_of_contents():
    package = (
        "<package><manifest><item id='n' href='toc.ncx' media-type='application/x-dtbncx+xml'/>"
        "<item id='c' href='c.html'/></manifest><spine toc='n'><itemref idref='c'/></spine></package>"
    )
    contents = (
        '<!DOCTYPE ncx PUBLIC "-//NISO//DTD ncx 2005-1//EN" "http://www.daisy.org/z3986/2005/ncx-2005-1.dtd">'
        "<ncx><navMap><navPoint><navLabel><text>Dawn</text></navLabel><content src='c.html#x'/>"
        "</navPoint></navMap></ncx>"
    )
    data = made.epub({"c.html": "<p>morning</p>"}, **{"OEBPS/book.opf": package, "OEBPS/toc.ncx": contents})
    assert outline(document_of(data, "a.epub")) == [(1, "Dawn", "morning")]


def test_an_epub_with_missing_chapters_says_so():
    document = document_of(made.epub({"a.xhtml": "<p>here", "../../x.xhtml": "<p>outside"}), "a.epub")
    assert document.notices == ("1 of 2 chapters are missing from it",)
    with pytest.raises(ReadingFailed, match="none of the chapters"):
        document_of(made.epub({"../a.xhtml": "", "../../b": ""}), "a.epub")


MAIL = """\
Received: from nowhere\r
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= from\r
 afar\r
From: =?koi8-r?B?8NLJ18XU?= <a@example.org>\r
To: b@example.org\r
Date: Mon, 1 Jan 2024 10:00:00 +0000\r
Content-Type: multipart/mixed; boundary=X\r
\r
--X\r
Content-Type: multipart/alternative; boundary=Y\r
\r
--Y\r
Content-Type: text/plain; charset=iso-8859-1\r
Content-Transfer-Encoding: quoted-printable\r
\r
sch=F6n, a long=\r
 line\r
--Y\r
Content-Type: text/html\r
\r
<p>the rich one\r
--Y--\r
--X\r
Content-Type: text/html\r
\r
<p>only <b>rich</b></p>\r
--X\r
Content-Type: application/pdf\r
Content-Disposition: attachment; filename="a b.pdf"\r
\r
%PDF\r
--X--\r
"""


def test_mail():
    document = document_of(MAIL.encode(), "a.eml")
    assert document.title == "Grüße from afar"
    assert document.text == (
        "Grüße from afar\n\nFrom: Привет <a@example.org>\nTo: b@example.org\nDate: Mon, 1 Jan 2024 10:00:00 +0000\n"
        "\nschön, a long line\n\nonly rich\n\nAttachments: a b.pdf\n"
    )


def test_mail_without_headers_is_damaged():
    with pytest.raises(ReadingFailed, match="no headers"):
        document_of(b"\njust words\n", "a.eml")


def test_pdf_pages_and_outline():
    pages = [["A first page", "with a bro\xad", "ken word"], [], ["Second chapter", "more (words)"]]
    data = made.pdf(pages, title="The paper", outline=[("Beginning", 0), ("Second chapter", 2)])
    document = document_of(data, "a.pdf")
    assert document.title == "The paper"
    assert len(document.page_starts) == 3
    assert document.text[: document.page_starts[1]] == "A first page\nwith a broken word\n\n"
    assert document.text[document.page_starts[2] :] == "Second chapter\nmore (words)\n"
    assert outline(document) == [(1, "Beginning", "A first page"), (1, "Second chapter", "Second chapter")]
    assert document.notices == ("1 of 3 pages have no text: pictures are not read",)
    assert not document.has_lines


def test_chunks_of_a_pdf_know_their_page():
    pages = [
        [f"page {number} says word{number}", *["filling words of some length"] * 30] for number in range(5)
    ]
    chunks = chunk_document(document_of(made.pdf(pages), "a.pdf"), "a.pdf")
    for number in range(5):
        page = next(chunk.page for chunk in chunks if f"word{number}" in chunk.text)
        assert page == number + 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [(made.encrypted_pdf(), "encrypted"), (b"%PDF-1.4\n", "damaged"), (b"words", "damaged")],
)
def test_pdfs_that_cannot_be_read(data: bytes, reason: str):
    with pytest.raises(ReadingFailed) as caught:
        document_of(data, "a.pdf")
    assert caught.value.unread.reason == reason
