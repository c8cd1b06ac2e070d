"""XML as a stream of events, from untrusted bytes. Knows no vocabulary.

Entities and document types with declarations of their own are refused, nothing outside the bytes is looked up, and
nesting costs no stack.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple
from xml.parsers import expat

from ockit.index.readers.reading import ReadingFailed

_RELATIONSHIPS = "/relationships"  # of ECMA-376, where an element may have both an id and a relationship's id
_NOTHING: dict[str, str] = {}


class XmlEvent(NamedTuple):
    """A beginning (``start``) or end of an element, or text (``text``).

    Attributes:
        what: which of them.
        name: the element's name without its namespace; the text.
        attributes: of a beginning, without namespaces; a relationship's id is ``rel:id``.
    """

    what: str
    name: str
    attributes: dict[str, str] = _NOTHING


def xml_events(pieces: Iterable[bytes]) -> Iterator[XmlEvent]:
    """The events of a document that comes in pieces.

    Raises:
        ReadingFailed: it declares entities.
        expat.ExpatError: it is no well-formed XML.
    """
    found: list[XmlEvent] = []
    names: dict[str, str] = {}  # without their namespaces, of elements and, behind an @, of attributes

    def element(name: str) -> str:
        if (known := names.get(name)) is None:
            known = names[name] = name.rpartition(" ")[2]
        return known

    def attribute(name: str) -> str:
        if (known := names.get(f"@{name}")) is None:
            space, _, local = name.rpartition(" ")
            known = names[f"@{name}"] = f"rel:{local}" if space.endswith(_RELATIONSHIPS) else local
        return known

    def begin(name: str, attributes: dict[str, str]) -> None:
        found.append(
            XmlEvent("start", element(name), {attribute(key): value for key, value in attributes.items()})
        )

    def end(name: str) -> None:
        found.append(XmlEvent("end", element(name)))

    def text(data: str) -> None:
        found.append(XmlEvent("text", data))

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _document_type
    parser.EntityDeclHandler = _entity
    for piece in pieces:
        parser.Parse(piece, False)
        yield from found
        found.clear()
    parser.Parse(b"", True)
    yield from found


def _document_type(name: str, system: str | None, public: str | None, has_declarations: int) -> None:
    if has_declarations:
        raise ReadingFailed(
            "damaged", f"its XML declares a document type of its own ({name}), which is not read"
        )


def _entity(name: str, *_: object) -> None:
    raise ReadingFailed("damaged", f"its XML declares an entity ({name}), which is not read")
