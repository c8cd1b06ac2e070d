"""Zip files within limits, and XML without entities."""

from __future__ import annotations

import zipfile

import pytest

import made_documents as made
from ockit.index.readers.archive import Archive, member_path
from ockit.index.readers.limits import ReadingLimits
from ockit.index.readers.reading import ReadingFailed
from ockit.index.readers.registry import document_of
from ockit.index.readers.xml_events import xml_events


def reason_of(data: bytes, name: str, limits: ReadingLimits) -> str:
    with pytest.raises(ReadingFailed) as caught:
        document_of(data, name, limits)
    return caught.value.unread.reason


def test_the_budget_is_one_for_all_members():
    limits = ReadingLimits(expanded_bytes=2_500)
    archive = Archive(made.zipped({"a": bytes(1000), "b": bytes(1000), "c": bytes(1000)}), "zip", limits)
    assert archive.read("a") == archive.read("b") == bytes(1000)
    with pytest.raises(ReadingFailed, match="unpacks"):
        archive.read("c")


def test_the_ratio_counts_beyond_16_mebibytes():
    archive = Archive(made.zipped({"a": bytes(16 << 20), "b": bytes((16 << 20) + 1)}), "zip", ReadingLimits())
    assert len(archive.read("a")) == 16 << 20
    with pytest.raises(ReadingFailed, match="200 times"):
        archive.read("b")


def test_members_are_counted_and_methods_known():
    with pytest.raises(ReadingFailed, match="3 files"):
        Archive(made.zipped(dict.fromkeys("abc", "")), "zip", ReadingLimits(members=2))
    packed = Archive(made.zipped({"a": "x"}, zipfile.ZIP_BZIP2), "zip", ReadingLimits())
    with pytest.raises(zipfile.BadZipFile):
        packed.read("a")
    with pytest.raises(KeyError):
        packed.read("nothing")


def test_text_is_limited_in_every_format():
    limits = ReadingLimits(characters=100)
    long = "many words " * 20
    for name, data in (
        ("a.txt", long.encode()),
        ("a.html", f"<p>{long}".encode()),
        ("a.docx", made.docx(made.docx_paragraph(long))),
        ("a.odt", made.odt(f"<text:p>{long}</text:p>")),
        ("a.pptx", made.pptx([made.pptx_shape([long])])),
        ("a.xlsx", made.xlsx('<row><c t="s"><v>0</v></c></row>', [long])),
        ("a.epub", made.epub({"c": f"<p>{long}"})),
        ("a.eml", f"Subject: s\n\n{long}".encode()),
        ("a.ipynb", made.notebook(made.code_cell(long))),
        ("a.pdf", made.pdf([["many words"] * 20])),
    ):
        assert reason_of(data, name, limits) == "too-much-text", name


@pytest.mark.parametrize(
    ("base", "target", "member"),
    [
        ("ppt/presentation.xml", "slides/slide1.xml", "ppt/slides/slide1.xml"),
        ("ppt/slides/slide1.xml", "../notes/n.xml", "ppt/notes/n.xml"),
        ("xl/workbook.xml", "/xl/sharedStrings.xml", "xl/sharedStrings.xml"),
        ("OEBPS/a.opf", "../../../etc/passwd", "../../etc/passwd"),
    ],
)
def test_member_paths(base: str, target: str, member: str):
    assert member_path(base, target) == member


def test_xml_events():
    pieces = [b'<a xmlns="u" xmlns:r="x/relationships" r:id="1" id="2">t', b"ex", b"t<b/></a>"]
    events = [tuple(event) for event in xml_events(pieces)]
    assert events[0] == ("start", "a", {"rel:id": "1", "id": "2"})
    assert "".join(name for what, name, _ in events if what == "text") == "text"
    assert [name for what, name, _ in events if what == "end"] == ["b", "a"]


@pytest.mark.parametrize(
    "xml",
    [
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>',
        b"<!DOCTYPE a []><a/>",
    ],
)
def test_declarations_are_refused(xml: bytes):
    with pytest.raises(ReadingFailed, match="declares"):
        list(xml_events([xml]))


def test_an_outer_document_type_is_not_fetched():
    xml = b'<!DOCTYPE a SYSTEM "file:///etc/hostname"><a>x&y;z</a>'
    assert "".join(event.name for event in xml_events([xml]) if event.what == "text") == "xz"
