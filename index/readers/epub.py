"""E-books (EPUB 3.3; the table of contents of EPUB 2 too): chapters in reading order, each read as HTML."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

from ockit.index.readers.archive import Archive, member_path
from ockit.index.readers.composing import Composer
from ockit.index.readers.decoding import decode
from ockit.index.readers.html import read_page
from ockit.index.readers.markup import markup
from ockit.index.readers.office_package import element_text
from ockit.index.readers.package_reader import PackageReader
from ockit.index.readers.reading import ReadingFailed
from ockit.index.readers.xml_events import xml_events


class EpubReader(PackageReader):
    """Reads epub files."""

    kinds = ("epub",)

    def write(self, archive: Archive, composer: Composer) -> tuple[str, tuple[str, ...]]:
        """The book's text. Raises ReadingFailed where it is encrypted (DRM)."""
        package = _package(archive)
        chapters, contents = _chapters(archive, package)
        locked = _encrypted(archive)
        missing = 0
        for chapter in chapters:
            if chapter in locked:
                raise ReadingFailed("encrypted", f"{chapter} in it is encrypted (DRM)")
            if chapter not in archive:
                missing += 1
                continue
            composer.gap()
            start = composer.length
            page = read_page(decode(archive.read(chapter)).text, composer)
            if not page.first_heading and composer.length > start and chapter in contents:
                composer.mark(1, contents[chapter], start)
        if missing and missing == len(chapters):
            raise ValueError("none of the chapters it lists is in it")
        notices = (f"{missing} of {len(chapters)} chapters are missing from it",) if missing else ()
        return element_text(archive, package, "title"), notices


def _package(archive: Archive) -> str:
    """The member that lists the others (EPUB 3.3, 4.2.6.3.1)."""
    for event in xml_events(archive.pieces("META-INF/container.xml")):
        if event.what == "start" and event.name == "rootfile":
            return event.attributes["full-path"]
    raise ValueError("its container names no package")


def _chapters(archive: Archive, package: str) -> tuple[list[str], dict[str, str]]:
    """The chapters in reading order, and the titles that the table of contents gives them."""
    items: dict[str, str] = {}
    order: list[str] = []
    navigation = ncx = ""
    for event in xml_events(archive.pieces(package)):
        if event.what != "start":
            continue
        attributes = event.attributes
        if event.name == "item":
            target = _target(package, attributes.get("href", ""))
            items[attributes.get("id", "")] = target
            if "nav" in attributes.get("properties", "").split():
                navigation = target
            elif attributes.get("media-type") == "application/x-dtbncx+xml":
                ncx = target
        elif event.name == "itemref":
            order.append(attributes.get("idref", ""))
    contents: dict[str, str] = {}
    if navigation in archive:
        for href, title in _links(decode(archive.read(navigation)).text):
            contents.setdefault(_target(navigation, href), title)
    elif ncx in archive:
        for href, title in _ncx_links(archive, ncx):
            contents.setdefault(_target(ncx, href), title)
    return [items[reference] for reference in order if reference in items], contents


def _target(base: str, href: str) -> str:
    return member_path(base, unquote(href.partition("#")[0]))


def _ncx_links(archive: Archive, member: str) -> Iterator[tuple[str, str]]:
    """Targets and titles in EPUB 2's table of contents; an entry's title stands before its target."""
    words: list[str] = []
    in_text = False
    for event in xml_events(archive.pieces(member)):
        if event.what == "text":
            if in_text:
                words.append(event.name)
        elif event.name == "text":
            in_text = event.what == "start"
            if in_text:
                words.clear()
        elif event.name == "content" and event.what == "start":
            yield event.attributes.get("src", ""), "".join(words)


def _encrypted(archive: Archive) -> set[str]:
    """The members that are encrypted; fonts often are, which does not matter."""
    if "META-INF/encryption.xml" not in archive:
        return set()
    return {
        unquote(event.attributes.get("URI", ""))
        for event in xml_events(archive.pieces("META-INF/encryption.xml"))
        if event.what == "start" and event.name == "CipherReference"
    }


def _links(page: str) -> Iterator[tuple[str, str]]:
    """Targets and titles in EPUB 3's navigation document."""
    href, words = "", list[str]()
    for event in markup(page):
        if event.what == "text":
            words.append(event.name)
        elif event.name == "a" and event.what == "start":
            href, words = event.attributes.get("href", ""), []
        elif event.name == "a" and event.what == "end" and href:
            yield href, "".join(words)
            href = ""
