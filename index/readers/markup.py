"""HTML as a stream of tags and words, in time that grows with its length only. Knows no element but raw ones.

After the tokenizer of the HTML standard (13.2.5), but kinder to what is never closed: a comment or a tag without an end
is words, where a browser would show nothing of the rest. What has no end is looked for once, not at every beginning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import NamedTuple

_NAME = re.compile(r"[A-Za-z][^\s/>\0]*+")
_ATTRIBUTE = re.compile(
    r"""([\s/]*+)(?:(>)|([^\s/>][^\s/>=]*+)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s>]*+)))?+)"""
)
_COMMENT_END = re.compile(r"--!?>")
_RAW_END = {name: re.compile(rf"</{name}(?=[\s/>])", re.I) for name in ("script", "style")}
_CDATA = "<![CDATA["
_NOTHING: dict[str, str] = {}


class Markup(NamedTuple):
    """A tag, or words between tags.

    Attributes:
        what: ``start``, ``empty`` (closes itself, as in XHTML), ``end`` or ``text``.
        name: the element's, in small letters; the words.
        line: the line it begins in, from 1.
        attributes: of a tag that begins an element, the first of each name.
    """

    what: str
    name: str
    line: int
    attributes: dict[str, str] = _NOTHING


def markup(text: str) -> Iterator[Markup]:
    """The tags and words of a page, in order."""
    place, line, counted = 0, 1, 0
    endless: set[str] = set()  # what no end is left for
    while place < len(text):
        begin = text.find("<", place)
        begin = len(text) if begin < 0 else begin
        if begin > place:
            line, counted = line + text.count("\n", counted, place), place
            yield Markup("text", _plain(text[place:begin]), line)
            place = begin
            continue
        line, counted = line + text.count("\n", counted, begin), begin
        name = _NAME.match(text, begin + 1)
        if name is not None:
            attributes: dict[str, str] = {}
            end, empty = _attributes(text, name.end(), attributes)
            if end < 0:
                break
            element = name[0].lower()
            yield Markup("empty" if empty else "start", element, line, attributes)
            place = end
            if element in _RAW_END and not empty:
                close = _RAW_END[element].search(text, place)
                place = close.start() if close is not None else len(text)
        elif text.startswith("</", begin) or text.startswith(("<!", "<?"), begin):
            end, words = _other(text, begin, endless)
            if end < 0:
                break
            closed = _NAME.match(text, begin + 2) if text[begin + 1] == "/" else None
            if closed is not None:
                yield Markup("end", closed[0].lower(), line)
            elif words:
                yield Markup("text", words, line)
            place = end
        else:
            yield Markup("text", "<", line)
            place = begin + 1
    if place < len(text):
        yield Markup("text", _plain(text[place:]), line)


def _attributes(text: str, place: int, found: dict[str, str]) -> tuple[int, bool]:
    """The place behind a tag, -1 where it has no end, and whether it closes itself."""
    while (one := _ATTRIBUTE.match(text, place)) is not None:
        blanks, end, name, *values = one.groups()
        if end:
            return one.end(), blanks.endswith("/")
        found.setdefault(name.lower(), _plain(next((value for value in values if value is not None), "")))
        place = one.end()
    return -1, False


def _other(text: str, begin: int, endless: set[str]) -> tuple[int, str]:
    """The place behind what is no tag that begins an element, -1 where no tag can end any more, and its words."""
    if text.startswith("<!--", begin):
        close = None if "comment" in endless else _COMMENT_END.search(text, begin + 2)
        if close is not None:
            return close.end(), ""
        endless.add("comment")
        return begin + 4, "<!--"
    if text.startswith(_CDATA, begin):
        end = -1 if _CDATA in endless else text.find("]]>", begin)
        if end >= 0:
            return end + 3, text[begin + len(_CDATA) : end]
        endless.add(_CDATA)
        return begin + len(_CDATA), _CDATA
    return text.find(">", begin) + 1 or -1, ""


def _plain(text: str) -> str:
    """Text with its character references resolved."""
    if "&" not in text:
        return text
    try:
        return unescape(text)
    except ValueError:  # a reference by a number of thousands of digits
        return text
