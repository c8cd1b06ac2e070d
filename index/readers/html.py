"""HTML: the words a browser shows, line by line of the source. Knows elements; knows no styles and runs no scripts.

Event based: how deep elements nest does not matter. The breaks of the source stay inside a paragraph, so that every
line of the text has one line of the file it comes from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ockit.documents import Document
from ockit.index.readers.composing import Composer
from ockit.index.readers.decoding import decode
from ockit.index.readers.limits import ReadingLimits
from ockit.index.readers.markup import markup

_UNSEEN = frozenset(
    "script style template noscript svg math iframe object canvas audio video select datalist".split()
)
_NAVIGATION = "nav"
_BLOCKS = frozenset(
    "address article aside blockquote body center dd details dialog dir div dl dt fieldset figcaption figure footer "
    "form header hgroup hr html legend main menu ol p pre section summary table tbody tfoot thead caption ul".split()
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([-\w.:]+)""", re.I)
_XML = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([-\w.]+)["']""")
_BLANKS = re.compile(r"[ \t\f\v\u00a0]+")


class HtmlReader:
    """Reads HTML and XHTML."""

    kinds = ("html",)

    def __init__(self, limits: ReadingLimits) -> None:
        self._limits = limits

    def read(self, data: bytes, name: str) -> Document:
        """The page's words, with the lines they stand in.

        Raises:
            ReadingFailed: its text is too long.
        """
        found = _XML.match(data[:1024]) or _CHARSET.search(data[:2048])
        decoded = decode(data, found[1].decode("ascii", "replace") if found else None)
        composer = Composer(self._limits.characters)
        page = read_page(decoded.text, composer)
        return composer.document(
            "html", title=page.title or page.first_heading, numbered=True, notices=decoded.notices
        )


def read_page(text: str, composer: Composer) -> Page:
    """Add a page's words to a document."""
    page = Page(composer)
    # a navigation that is never closed would swallow the page: then it counts as text
    page.keeps_navigation = text.count("<nav") > text.count("</nav")
    page.read(text)
    page.end_line()
    return page


class Page:
    """The tags and words of one page, written to a composer.

    Attributes:
        title: what stands in the element ``title``.
        first_heading: the first heading of the page.
    """

    def __init__(self, composer: Composer) -> None:
        self._composer = composer
        self.keeps_navigation = False
        self.title = ""
        self.first_heading = ""
        self._unseen = ""  # the element that hides what is in it
        self._hidden_depth = 0
        self._in_title = False
        self._preformatted = 0
        self._heading: list[str] | None = None
        self._heading_level = 0
        self._heading_line = 0
        self._pieces: list[str] = []
        self._line = 1
        self._place = 1  # the line of the tag or the words at hand

    def read(self, text: str) -> None:
        """All of a page."""
        for what, name, self._place, attributes in markup(text):
            if what == "text":
                self._words(name)
            elif what == "start":
                self._begin(name, attributes)
            elif what == "end":
                self._end(name)
            elif name not in _UNSEEN and name not in (
                _NAVIGATION,
                "title",
            ):  # XHTML's <script/> hides nothing
                self._begin(name, attributes)
                if name in _BLOCKS or name in _HEADINGS:
                    self._end(name)

    def _begin(self, tag: str, attributes: Mapping[str, str]) -> None:
        if self._unseen:
            self._hidden_depth += tag == self._unseen
            return
        if tag in _UNSEEN or (tag == _NAVIGATION and not self.keeps_navigation):
            self._unseen, self._hidden_depth = tag, 1
        elif tag == "title":
            self._in_title = not self.title
        elif tag in _HEADINGS:
            self._end_heading()
            self._gap()
            self._heading, self._heading_level, self._heading_line = [], _HEADINGS[tag], self._place
        elif tag in ("td", "th"):
            if self._pieces:
                self._pieces.append(" | ")
        elif tag == "li":
            self.end_line()
            self._pieces.append("- ")
        elif tag in ("br", "tr", "option"):
            self.end_line()
        elif tag in _BLOCKS:
            self._end_heading()
            self._gap()
            self._preformatted += tag == "pre"
        elif tag == "img":
            self._alternative(attributes)

    def _end(self, tag: str) -> None:
        if self._unseen:
            self._hidden_depth -= tag == self._unseen
            if not self._hidden_depth:
                self._unseen = ""
        elif tag == "title":
            self._in_title = False
        elif tag in _HEADINGS:
            self._end_heading()
        elif tag == "tr":
            self.end_line()
        elif tag in _BLOCKS:
            self._end_heading()
            self._gap()
            if tag == "pre" and self._preformatted:
                self._preformatted -= 1

    def _words(self, data: str) -> None:
        if self._unseen:
            return
        if self._in_title:
            self.title = f"{self.title} {data}"[:2000].strip()
            return
        if self._heading is not None:
            self._heading.append(data)
            return
        number = self._place
        for place, line in enumerate(data.split("\n")):
            if place:
                self.end_line(empty=bool(self._preformatted))
            if not self._pieces:
                self._line = number + place
            if self._preformatted:
                self._pieces.append(line)
            elif words := _BLANKS.sub(" ", line):
                self._pieces.append(words)

    def end_line(self, *, empty: bool = False) -> None:
        """End the line that is being collected; one without words is left out, unless it is wanted."""
        line = "".join(self._pieces)
        line = line.rstrip() if self._preformatted else _BLANKS.sub(" ", line).strip()
        self._pieces.clear()
        if line.strip("- |") or (line and self._preformatted):
            self._composer.line(line, self._line)
        elif empty:
            self._composer.gap()

    def _gap(self) -> None:
        self.end_line()
        self._composer.gap()

    def _end_heading(self) -> None:
        if self._heading is None:
            return
        title, self._heading = "".join(self._heading), None
        title = " ".join(
            title.replace("\u00b6", " ").split()
        )  # Sphinx ends headings with a link that looks so
        self._composer.heading(self._heading_level, title, self._heading_line)
        self.first_heading = self.first_heading or title

    def _alternative(self, attributes: Mapping[str, str]) -> None:
        """An image's words instead of it."""
        words = attributes.get("alt", "")
        if words.strip() and self._heading is None:
            if not self._pieces:
                self._line = self._place
            self._pieces.append(f" {' '.join(words.split())} ")
