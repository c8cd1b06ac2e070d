"""RSS 0.9 to 2.0, RSS 1.0 (RDF) and Atom as entries. Standard library only, no entities, bounded.

Tolerates what feeds do in truth: undeclared prefixes, HTML entities, bare ampersands, control characters, odd dates,
missing ids. Refuses what no feed needs: a DTD with declarations in it (entity bombs), elements nested without end.
Formats: https://www.rssboard.org/rss-specification, https://web.resource.org/rss/1.0/spec, RFC 4287.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape, unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

from ockit.errors import HubError
from ockit.index.live.feed_dates import seconds_of

MOST_ENTRIES = 5000
"""Entries of one answer that are read."""

LARGEST_ENTRY = 1 << 20
"""Characters of one entry that are read."""

_DEEPEST = 200
_LONGEST_NAME = 2000
_FAMILIES = {
    "http://www.w3.org/2005/atom": "atom",
    "http://purl.org/atom/ns#": "atom",
    "http://purl.org/rss/1.0/": "rss",
    "http://my.netscape.com/rdf/simple/0.9/": "rss",
    "http://channel.netscape.com/rdf/simple/0.9/": "rss",
    "http://purl.org/rss/1.0/modules/content/": "content",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://purl.org/dc/terms/": "dc",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf",
}
_USUAL = {"atom": "atom", "content": "content", "dc": "dc", "dcterms": "dc", "rdf": "rdf"}
_ENTITY = re.compile(r"&(?:(#x[0-9A-Fa-f]{1,9}|#[0-9]{1,9}|[A-Za-z][A-Za-z0-9]{1,31});)?")
_XML_ENTITIES = {"amp", "lt", "gt", "quot", "apos"}
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_ENCODINGS = re.compile(  # as codecs.lookup names them
    r"ascii|utf-8(-sig)?|utf-(16|32)(-[lb]e)?|iso8859-\d+|cp\d+|koi8-[rtu]|mac-\w+|tis-620|big5(hkscs)?|gb2312|gbk|gb18030"
    r"|hz|shift_jis(_2004|x0213)?|euc_(jp|kr|jis_2004|jisx0213)|johab|iso2022_(jp|kr)\w*"
)
_TAG = re.compile(r"<[^<>]*>")


@dataclass(frozen=True)
class Entry:
    """One entry.

    Attributes:
        id: what the feed calls it; its link where it has no id; empty where it has neither.
        link: an absolute http(s) address, or nothing.
        title: one line of text.
        html: its content as HTML.
        published: Unix seconds, or None where there is no date that can be read.
    """

    id: str
    link: str
    title: str
    html: str
    published: float | None


@dataclass(frozen=True)
class Feed:
    """A feed: its title, its entries in its own order, and what had to be left out, in sentences."""

    title: str
    entries: tuple[Entry, ...]
    notices: tuple[str, ...] = ()


def read_feed(data: bytes, url: str, charset: str = "", source: str = "the feed") -> Feed:
    """The feed in an answer.

    Args:
        data: the answer's body.
        url: where it came from; relative links are made absolute with it.
        charset: what the answer's Content-Type says, which counts where the document says nothing.
        source: what the person calls it.

    Raises:
        HubError: it is no feed, no XML, or one with declarations.
    """
    from xml.parsers import expat

    parser = expat.ParserCreate("utf-8")
    reading = _Reading(url, source)
    parser.buffer_text = True
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.text
    parser.StartDoctypeDeclHandler = reading.doctype
    parser.EntityDeclHandler = reading.declaration
    try:
        parser.Parse(_prepared(data, charset).encode(), True)
    except expat.ExpatError as error:
        raise HubError(
            f"what {source} sends is no XML: {expat.ErrorString(error.code)} (line {error.lineno})",
            where=url,
            hint="does the address in a browser show a feed? A network that wants a login first answers like this",
        ) from error
    if reading.root not in ("rss", "feed", "RDF"):
        raise HubError(
            f"what {source} sends is no feed: it is <{reading.root[:40]}>, not <rss>, <feed> or <rdf:RDF>",
            where=url,
        )
    notices = []
    if reading.beyond:
        notices.append(f"{reading.beyond} entries beyond the first {MOST_ENTRIES} were left out.")
    if reading.cut:
        notices.append(f"{reading.cut} entries were cut to {LARGEST_ENTRY} characters.")
    return Feed(_plain(reading.title), tuple(reading.entries), tuple(notices))


def _prepared(data: bytes, charset: str) -> str:
    """The text, without what XML cannot hold; HTML's names of characters as numbers."""
    declared = _DECLARED.match(data[:400])
    encoding = declared[1].decode() if declared else charset or "utf-8"
    for mark, name in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            encoding = name
    if data[:4] in (b"<\0?\0", b"\0<\0?"):
        encoding = "utf-16-le" if data[0] else "utf-16-be"
    text = data.decode(_known(encoding), "replace")
    text = _FORBIDDEN.sub("\ufffd", text.lstrip("\ufeff \t\r\n"))
    return _ENTITY.sub(_numbered, text)


def _known(encoding: str) -> str:
    """The encoding, where it is one that feeds are written in, else UTF-8. Python knows more of them: some are none of
    text, and punycode and idna take time that grows with the square of a text's length."""
    import codecs

    try:
        name = codecs.lookup(encoding).name
    except (LookupError, UnicodeError, ValueError):
        return "utf-8"
    return name if _ENCODINGS.fullmatch(name) else "utf-8"


def _numbered(found: re.Match[str]) -> str:
    """A name of HTML's as numbers; a number that XML does not allow as the character that stands for none; what is
    neither as the bare ``&`` that was meant."""
    from html.entities import html5

    said = found[1] or ""
    if said.startswith("#"):
        number = int(said[2:], 16) if said[1] == "x" else int(said[1:])
        return "\ufffd" if number > 0x10FFFF or _FORBIDDEN.match(chr(number)) else found[0]
    if said in _XML_ENTITIES:
        return found[0]
    character = html5.get(f"{said};")
    if character is None:
        return f"&amp;{found[0][1:]}"
    return "".join(f"&#{ord(one)};" for one in character)


def _plain(markup: str) -> str:
    """A title as one line of text."""
    return " ".join(unescape(_TAG.sub(" ", markup)).split())[:_LONGEST_NAME]


@dataclass
class _Item:
    """An entry being read: its fields by their names, and attributes of those that have some."""

    depth: int
    fields: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    permanent: bool = True


class _Reading:
    """What the parser calls."""

    def __init__(self, url: str, source: str) -> None:
        self.url, self.source = url, source
        self.root = self.title = ""
        self.entries: list[Entry] = []
        self.beyond = self.cut = 0
        self._names: list[str] = []
        self._spaces: list[dict[str, str]] = [{}]
        self._item: _Item | None = None
        self._field = ""
        self._field_depth = 0
        self._as_text = False
        self._parts: list[str] = []
        self._size = 0

    def doctype(self, name: str, system: str | None, public: str | None, has_declarations: int) -> None:
        if has_declarations:
            self.declaration()

    def declaration(self, *_: Any) -> None:
        raise HubError(f"{self.source} declares entities of its own, which is refused", where=self.url)

    def start(self, qualified: str, attributes: dict[str, str]) -> None:
        spaces = self._spaces[-1]
        declared = {
            k.partition(":")[2]: v for k, v in attributes.items() if k == "xmlns" or k.startswith("xmlns:")
        }
        self._spaces.append({**spaces, **declared} if declared else spaces)
        if len(self._spaces) > _DEEPEST:
            raise HubError(f"{self.source} nests more than {_DEEPEST} elements", where=self.url)
        name = self._named(qualified)
        local = name.partition(":")[2]
        depth = len(self._names)
        self._names.append(name)
        if depth == 0:
            self.root = local
        if self._field:
            self._add(f"<{_bare(qualified)}>")
        elif self._item is None and name in ("rss:item", "atom:entry"):
            self._item = _Item(depth)
            if about := attributes.get("rdf:about"):
                self._item.fields["about"] = about
        elif self._item is not None and depth == self._item.depth + 1:
            self._begin(name, depth, attributes)
        elif self._item is None and not self.title and local == "title" and depth <= 2:
            self._begin("title", depth, {})

    def end(self, qualified: str) -> None:
        self._names.pop()
        self._spaces.pop()
        depth = len(self._names)
        if self._field and depth == self._field_depth:
            value = "".join(self._parts)
            if self._item is None:
                self.title = value
            elif value.strip():
                self._item.fields.setdefault(self._field, value)
            self._field = ""
        elif self._field:
            self._add(f"</{_bare(qualified)}>")
        elif self._item is not None and depth == self._item.depth:
            self._finish(self._item)
            self._item = None

    def text(self, data: str) -> None:
        if self._field:
            nested = len(self._names) > self._field_depth + 1
            self._add(escape(data, quote=False) if nested or self._as_text else data)

    def _named(self, qualified: str) -> str:
        prefix, colon, local = qualified.rpartition(":")
        own = "atom" if "feed" in (self.root, local if not self.root else "") else "rss"
        usual = _USUAL.get(prefix, "other") if prefix else own
        space = self._spaces[-1].get(prefix)
        # a default namespace that nobody knows is still the feed's own
        family = usual if space is None else _FAMILIES.get(space.strip().lower(), "other" if colon else own)
        return f"{family}:{local}"

    def _begin(self, name: str, depth: int, attributes: dict[str, str]) -> None:
        assert self._item is not None or name == "title"
        if self._item is not None and name == "atom:link":
            self._item.links.setdefault(attributes.get("rel", "alternate"), attributes.get("href", ""))
            return
        if self._item is not None and name == "rss:guid":
            self._item.permanent = attributes.get("isPermaLink", "true").strip().lower() == "true"
        kind = attributes.get("type", "text").strip().lower()
        self._as_text = name.startswith("atom:") and kind in ("text", "text/plain")
        self._field, self._field_depth, self._parts, self._size = name, depth, [], 0

    def _add(self, piece: str) -> None:
        if self._size <= LARGEST_ENTRY:
            self._parts.append(piece[: LARGEST_ENTRY + 1 - self._size])
        self._size += len(piece)

    def _finish(self, item: _Item) -> None:
        if len(self.entries) >= MOST_ENTRIES:
            self.beyond += 1
            return

        def first(*names: str) -> str:
            return next((item.fields[name].strip() for name in names if name in item.fields), "")

        given = first("atom:id", "rss:guid", "about")[:_LONGEST_NAME]
        link = first("rss:link") or item.links.get("alternate", "") or item.links.get("related", "")
        link = self._absolute(link) or (self._absolute(given) if item.permanent and "://" in given else "")
        html = first("content:encoded", "atom:content", "rss:description", "atom:summary", "dc:description")
        if len(html) > LARGEST_ENTRY:
            html = html[:LARGEST_ENTRY]
            self.cut += 1
        dates = (
            "atom:published",
            "rss:pubDate",
            "dc:date",
            "atom:issued",
            "atom:updated",
            "atom:modified",
            "dc:modified",
        )
        moments = (seconds_of(item.fields[name]) for name in dates if name in item.fields)
        published = next((moment for moment in moments if moment is not None), None)
        title = _plain(first("rss:title", "atom:title", "dc:title"))
        self.entries.append(Entry(given or link, link, title, html, published))

    def _absolute(self, link: str) -> str:
        """A link as an absolute http(s) address without blanks, else nothing."""
        joined = "".join(unescape(link).split())[:_LONGEST_NAME]
        try:
            joined = urljoin(self.url, joined) if joined else ""
            good = urlsplit(joined).scheme in ("http", "https") and bool(urlsplit(joined).hostname)
        except ValueError:
            good = False
        return joined if good and joined.isprintable() else ""


def _bare(qualified: str) -> str:
    return qualified.rpartition(":")[2]
