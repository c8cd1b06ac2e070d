"""Markdown: its text as it stands, with headings as marks. Knows the headings of CommonMark, fences and front matter.

CommonMark 0.31, sections 4.2 (ATX headings), 4.3 (setext headings), 4.5 (fenced code blocks). Headings inside lists and
quotes are none here: they do not divide the document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ockit.documents import Document, Mark
from ockit.index.readers.composing import one_line
from ockit.index.readers.decoding import decode

_ATX = re.compile(r" {0,3}(#{1,6})(?=[ \t]|$)")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_NO_PARAGRAPH = re.compile(r" {4}|\t| {0,3}(?:>|\||[-+*][ \t]|\d+[.)][ \t]|[-*_=#]+[ \t]*$|<|:?-+:?\s*\|)")
_LINK = re.compile(r"!?\[([^\[\]]*)\](?:\([^()\s]*(?:\s[^()]*)?\)|\[[^\[\]]*\])")
_MARKUP = re.compile(r"(\*\*|__|~~|`+)(?=\S)(.+?)(?<=\S)\1")
_ANCHOR = re.compile(r"[ \t]*\{[#.:][^{}]*\}[ \t]*$")
_READ_OF_TITLE = 400
"""Characters of a heading whose markup is looked at: the patterns take longer than its length."""

_TITLE = re.compile(r"""title[ \t]*[:=][ \t]*(?:"(.*)"|'(.*)'|(.*?))[ \t]*$""", re.I)


class MarkdownReader:
    """Reads Markdown."""

    kinds = ("markdown",)

    def read(self, data: bytes, name: str) -> Document:
        """The text with its headings. Nothing is damaged Markdown."""
        decoded = decode(data)
        body, front_title = front_matter(decoded.text)
        marks = tuple(headings(decoded.text, body))
        title = front_title or next((mark.title for mark in marks if mark.level == 1), "")
        return Document(decoded.text, "markdown", title, marks, notices=decoded.notices)


def front_matter(text: str) -> tuple[int, str]:
    """Where a page begins behind the settings of a site generator (YAML or TOML) at its top, and the title in them."""
    fence = text[:4]
    if fence not in ("---\n", "+++\n"):
        return 0, ""
    end = text.find("\n" + fence, 3)
    if end < 0:
        return 0, ""
    title = ""
    for line in text[4 : end + 1].split("\n"):
        if found := _TITLE.match(line):
            title = one_line(found[1] or found[2] or found[3] or "")
            break
    return end + 1 + len(fence), title


def headings(text: str, start: int = 0) -> Iterator[Mark]:
    """The headings of a text from an offset on."""
    fence = ""
    before, before_start, alone = "", start, True  # the line above, and whether none stands right above that
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        line = text[start:end]
        here, start = start, end + 1
        if fence:
            mark = line.strip()
            if len(mark) >= len(fence) and not mark.strip(fence[0]) and line[:4] != "    ":
                fence, before = "", ""
            continue
        if opened := _FENCE.match(line):
            fence, before = opened[1], ""
            continue
        if line.lstrip(" ").startswith("#") and (found := _ATX.match(line)):
            if title := _words(_without_closing(line[found.end() :])):
                yield Mark(here, len(found[1]), title)
            before, alone = "", True
            continue
        if before.strip() and alone and _UNDERLINE.match(line) and not _NO_PARAGRAPH.match(before):
            if title := _words(before):
                yield Mark(before_start, 1 if "=" in line else 2, title)
            before, alone = "", True
            continue
        alone = not before.strip()
        before, before_start = line, here


def _without_closing(title: str) -> str:
    """An ATX heading's text without the signs that may close it."""
    title = title.strip(" \t")
    bare = title.rstrip("#")
    return bare if not bare or bare[-1] in " \t" else title


def _words(title: str) -> str:
    """A heading without its markup."""
    title = _ANCHOR.sub("", title[:_READ_OF_TITLE])
    title = _LINK.sub(r"\1", title)
    return one_line(_MARKUP.sub(r"\2", title))
