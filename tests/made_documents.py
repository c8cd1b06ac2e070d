"""Documents of every format that is not plain text, made member by member: what is in them is what a test says.

Minimal, but of the same parts as what Word, LibreOffice, Calibre and a mail program write.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
_P = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
_S = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
_ODF = "urn:oasis:names:tc:opendocument:xmlns"


def zipped(members: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip file."""
    data = BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


def relations(*pairs: tuple[str, str]) -> str:
    """A table of relationships rId1, rId2 ...: type and target of each."""
    rows = "".join(
        f'<Relationship Id="rId{number}" Type="{_R}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(pairs, 1)
    )
    return f'<Relationships xmlns="{_RELS}">{rows}</Relationships>'


def core_properties(title: str) -> str:
    """docProps/core.xml."""
    return (
        '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{escape(title)}</dc:title></cp:coreProperties>'
    )


def docx_paragraph(text: str, style: str = "", settings: str = "") -> str:
    """A paragraph of a docx; the text is XML-escaped, a tab and a line break become elements."""
    runs = escape(text).replace("\t", "</w:t><w:tab/><w:t>").replace("\n", "</w:t><w:br/><w:t>")
    style = f'<w:pStyle w:val="{style}"/>' if style else ""
    return f"<w:p><w:pPr>{style}{settings}</w:pPr><w:r><w:t>{runs}</w:t></w:r></w:p>"


def docx_table(rows: Sequence[Sequence[str]]) -> str:
    """A table of a docx."""
    cells = ("".join(f"<w:tc>{docx_paragraph(cell)}</w:tc>" for cell in row) for row in rows)
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


def docx(body: str, *, title: str = "", prologue: str = "", **members: str | bytes) -> bytes:
    """A docx file.

    Args:
        body: the inner XML of its body.
        prologue: what stands before the document's element.
    """
    styles = (
        f'<w:styles {_W}><w:style w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>'
        '<w:style w:styleId="H2"><w:name w:val="heading 2"/></w:style>'
        '<w:style w:styleId="Own"><w:name w:val="Own"/><w:basedOn w:val="H2"/></w:style></w:styles>'
    )
    return zipped(
        {
            "word/document.xml": f"{prologue}<w:document {_W}><w:body>{body}</w:body></w:document>",
            "word/styles.xml": styles,
            "word/footnotes.xml": f"<w:footnotes {_W}>{docx_paragraph('A footnote.')}</w:footnotes>",
            "word/_rels/document.xml.rels": relations(
                ("styles", "styles.xml"), ("footnotes", "footnotes.xml")
            ),
            "docProps/core.xml": core_properties(title),
            **members,
        }
    )


def odt(body: str, title: str = "") -> bytes:
    """An odt file; `body` is the inner XML of ``office:text``."""
    spaces = " ".join(f'xmlns:{name}="{_ODF}:{name}:1.0"' for name in ("office", "text", "table"))
    return zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": f"<office:document-content {spaces}><office:body><office:text>{body}</office:text>"
            "</office:body></office:document-content>",
            "meta.xml": f'<office:document-meta {spaces} xmlns:dc="http://purl.org/dc/elements/1.1/"><office:meta>'
            f"<dc:title>{escape(title)}</dc:title></office:meta></office:document-meta>",
        }
    )


def pptx_shape(paragraphs: Sequence[str], role: str = "") -> str:
    """A text box or placeholder."""
    place = f'<p:nvSpPr><p:nvPr><p:ph type="{role}"/></p:nvPr></p:nvSpPr>' if role else ""
    words = "".join(f"<a:p><a:r><a:t>{escape(text)}</a:t></a:r></a:p>" for text in paragraphs)
    return f"<p:sp>{place}<p:txBody>{words}</p:txBody></p:sp>"


def pptx(slides: Sequence[str], notes: Mapping[int, str] | None = None) -> bytes:
    """A pptx file of slides given as shapes; its members are numbered against their order."""
    members: dict[str, str] = {}
    pairs, ids = [], []
    for number, shapes in enumerate(slides, 1):
        member = len(slides) - number + 1
        members[f"ppt/slides/slide{member}.xml"] = f"<p:sld {_P} {_A}><p:cSld>{shapes}</p:cSld></p:sld>"
        pairs.append(("slide", f"slides/slide{member}.xml"))
        ids.append(f'<p:sldId id="{255 + number}" r:id="rId{number}"/>')
        if notes and number in notes:
            members[f"ppt/slides/_rels/slide{member}.xml.rels"] = relations(
                ("notesSlide", "../notesSlides/n.xml")
            )
            shape = pptx_shape([notes[number]], "body") + pptx_shape(["7"], "sldNum")
            members["ppt/notesSlides/n.xml"] = f"<p:notes {_P} {_A}>{shape}</p:notes>"
    members["ppt/presentation.xml"] = (
        f'<p:presentation {_P} xmlns:r="{_R}"><p:sldIdLst>{"".join(ids)}</p:sldIdLst></p:presentation>'
    )
    members["ppt/_rels/presentation.xml.rels"] = relations(*pairs)
    return zipped(members)


def xlsx(rows: str, strings: Sequence[str] = ()) -> bytes:
    """An xlsx file with one sheet ``Data``, whose rows are given as XML."""
    shared = "".join(f"<si><t>{escape(text)}</t></si>" for text in strings)
    return zipped(
        {
            "xl/workbook.xml": f'<workbook {_S} xmlns:r="{_R}"><sheets><sheet name="Data" sheetId="1" r:id="rId1"/>'
            "</sheets></workbook>",
            "xl/_rels/workbook.xml.rels": relations(
                ("worksheet", "worksheets/sheet1.xml"), ("sharedStrings", "/xl/sharedStrings.xml")
            ),
            "xl/sharedStrings.xml": f"<sst {_S}>{shared}</sst>",
            "xl/worksheets/sheet1.xml": f"<worksheet {_S}><sheetData>{rows}</sheetData></worksheet>",
        }
    )


def epub(
    chapters: Mapping[str, str | bytes], *, title: str = "", contents: str = "", **members: str
) -> bytes:
    """An epub file.

    Args:
        chapters: their files as the package names them, and their HTML.
        contents: the inner HTML of the navigation document's list.
    """
    items = "".join(
        f'<item id="c{n}" href="{escape(name)}" media-type="application/xhtml+xml"/>'
        for n, name in enumerate(chapters)
    )
    spine = "".join(f'<itemref idref="c{number}"/>' for number in range(len(chapters)))
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
            "OEBPS/book.opf": '<package xmlns="http://www.idpf.org/2007/opf" '
            f'xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>{escape(title)}</dc:title></metadata>'
            f'<manifest><item id="nav" href="nav.xhtml" properties="nav"/>{items}</manifest>'
            f"<spine>{spine}</spine></package>",
            "OEBPS/nav.xhtml": f"<html><body><nav><ol>{contents}</ol></nav></body></html>",
            **{f"OEBPS/{name}": content for name, content in chapters.items() if not name.startswith("..")},
            **members,
        }
    )


def pdf(pages: Sequence[Sequence[str]], *, title: str = "", outline: Sequence[tuple[str, int]] = ()) -> bytes:
    """A PDF file.

    Args:
        pages: the lines of each, in Latin-1.
        outline: titles and the pages they lead to, from 0.
    """
    count = len(pages)
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(count))
    first = 4 + 2 * count  # the outline's first entry; before it a page and its content each
    root = f"<< /Type /Catalog /Pages 2 0 R /Outlines {first + len(outline)} 0 R >>"
    objects = [
        root.encode(),
        f"<< /Type /Pages /Kids [{kids}] /Count {count} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, lines in enumerate(pages):
        shown = "".join(f"({_literal(line)}) Tj 0 -20 Td " for line in lines)
        content = f"BT /F1 12 Tf 72 720 Td {shown}ET".encode("latin-1")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * number} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>".encode()
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    for place, (entry, page) in enumerate(outline):
        chain = f"/Next {first + place + 1} 0 R" if place + 1 < len(outline) else ""
        objects.append(
            f"<< /Title ({_literal(entry)}) /Parent {first + len(outline)} 0 R "
            f"/Dest [{4 + 2 * page} 0 R /Fit] {chain} >>".encode()
        )
    ends = f"/First {first} 0 R /Last {first + len(outline) - 1} 0 R" if outline else ""
    objects.append(f"<< /Type /Outlines {ends} >>".encode())
    objects.append(f"<< /Title ({_literal(title)}) >>".encode())
    return _pdf_file(objects, f"/Root 1 0 R /Info {len(objects)} 0 R")


def encrypted_pdf() -> bytes:
    """A PDF whose security handler knows no empty password."""
    keys = "/O <" + "41" * 32 + "> /U <" + "42" * 32 + ">"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [] /Count 0 >>",
        f"<< /Filter /Standard /V 1 /R 2 /P -4 {keys} >>".encode(),
    ]
    return _pdf_file(objects, "/Root 1 0 R /Encrypt 3 0 R /ID [<4142> <4142>]")


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def _pdf_file(objects: Sequence[bytes], trailer: str) -> bytes:
    data = bytearray(b"%PDF-1.4\n")
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    data += b"".join(b"%010d 00000 n \n" % place for place in places)
    data += f"trailer\n<< /Size {len(objects) + 1} {trailer} >>\nstartxref\n{table}\n%%EOF\n".encode()
    return bytes(data)


def notebook(*cells: dict[str, Any], indent: int | None = 1) -> bytes:
    """A notebook as Jupyter writes it."""
    whole = {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return (json.dumps(whole, indent=indent, ensure_ascii=False) + "\n").encode()


def code_cell(source: str, *outputs: dict[str, Any]) -> dict[str, Any]:
    """A cell of code, its keys in the order of Jupyter's files."""
    lines = source.splitlines(keepends=True)
    return {
        "cell_type": "code",
        "execution_count": 1,
        "metadata": {},
        "outputs": list(outputs),
        "source": lines,
    }


def markdown_cell(source: str) -> dict[str, Any]:
    """A cell of prose."""
    return {"cell_type": "markdown", "metadata": {}, "source": source.splitlines(keepends=True)}
