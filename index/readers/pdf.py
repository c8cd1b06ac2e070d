"""PDF (ISO 32000-2) by PDFium: the text of each page, pages kept, the outline as headings.

PDFium is C++ and reads hostile files: it may crash, which the reader child is there for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ockit.documents import Document
from ockit.index.readers.composing import Composer, one_line
from ockit.index.readers.limits import ReadingLimits
from ockit.index.readers.reading import ReadingFailed

if TYPE_CHECKING:
    import pypdfium2

_WRONG_PASSWORD = "Incorrect password"  # noqa: S105 - PDFium's words for a file that has one
_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"})
# a hyphen that PDFium knows to be the line's, not the word's, or one that says so itself
_CUT_WORD = re.compile("[\u00ad\ufffe\x02]\n?")
_LEADERS = re.compile(r"(?:[ \u00a0]?\.){5,}")  # from a title to its page in a table of contents
_MOST_MARKS = 10_000


class PdfReader:
    """Reads pdf files."""

    kinds = ("pdf",)

    def __init__(self, limits: ReadingLimits) -> None:
        self._limits = limits

    def read(self, data: bytes, name: str) -> Document:
        """The text, page by page.

        Raises:
            ReadingFailed: it has a password, is damaged, or over a limit.
            Exception: it is damaged, in the words of whatever noticed.
        """
        import pypdfium2

        try:
            pdf = pypdfium2.PdfDocument(data)
        except pypdfium2.PdfiumError as error:
            if _WRONG_PASSWORD in str(error):
                raise ReadingFailed("encrypted", "it has a password", hint="save it without one") from error
            raise
        try:
            return self._read(pdf)
        finally:
            pdf.close()

    def _read(self, pdf: pypdfium2.PdfDocument) -> Document:
        composer = Composer(self._limits.characters)
        outline = _outline(pdf)
        blank = broken = 0
        count = len(pdf)
        for number in range(count):
            composer.page()
            start = composer.length
            try:
                text = _page_text(pdf, number)
            except _pdfium_error():
                text, broken = "", broken + 1
            blank += not text.strip()
            places = _places(text, outline.get(number, []))
            if text.strip():
                composer.text(text)
            for offset, level, title in places:
                composer.mark(level, title, start + offset)
        if broken and broken == count:
            raise ValueError("none of its pages can be loaded")
        notices = []
        if broken:
            notices.append(f"{broken} of {count} pages are damaged and were left out")
        if blank - broken > 0:
            notices.append(f"{blank - broken} of {count} pages have no text: pictures are not read")
        title = str(pdf.get_metadata_value("Title") or "")
        return composer.document("pdf", title=title, notices=tuple(notices))


def _pdfium_error() -> type[Exception]:
    import pypdfium2

    error: type[Exception] = pypdfium2.PdfiumError
    return error


def _page_text(pdf: pypdfium2.PdfDocument, number: int) -> str:
    page = pdf[number]
    try:
        words = page.get_textpage()
        try:
            text = str(words.get_text_bounded())
        finally:
            words.close()
    finally:
        page.close()
    text = _CUT_WORD.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _LEADERS.sub(" ...", text)
    return "\n".join(line.rstrip() for line in text.translate(_LIGATURES).split("\n"))


def _outline(pdf: pypdfium2.PdfDocument) -> dict[int, list[tuple[int, str]]]:
    """Levels and titles of the bookmarks, by the page they lead to."""
    found: dict[int, list[tuple[int, str]]] = {}
    for count, bookmark in enumerate(pdf.get_toc()):
        target = bookmark.get_dest()
        page = target.get_index() if target is not None else None
        title = one_line(bookmark.get_title())
        if page is not None and title:
            found.setdefault(page, []).append((bookmark.level + 1, title))
        if count >= _MOST_MARKS:
            break
    return found


def _places(text: str, titles: list[tuple[int, str]]) -> list[tuple[int, int, str]]:
    """Where on a page its titles stand: at the line that says them, else at its top; in order."""
    found = []
    last = 0
    for level, title in titles:
        place = text.find(title, last)
        last = text.rfind("\n", 0, place) + 1 if place >= 0 else last
        found.append((last, level, title))
    return found
